package impersonate

import (
	"context"
	"fmt"
	"io"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/rest"
)

// Skiff prints who the server takes it for.
func Skiff(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	as := *cfg
	as.Impersonate = rest.Impersonation{User: "jane", Groups: []string{"system:masters"}}
	c, err := rest.NewClient(&as)
	if err != nil {
		return err
	}
	review, err := client.Of[authenticationv1.SelfSubjectReview](c).Create(ctx,
		&authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, review.Status.UserInfo.Username)
	return err
}
