// Package impersonate acts as another user.
package impersonate

import (
	"context"
	"fmt"
	"io"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// ClientGo prints who the server takes it for.
func ClientGo(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	cfg = rest.CopyConfig(cfg)
	cfg.Impersonate = rest.ImpersonationConfig{UserName: "jane", Groups: []string{"system:masters"}}
	c, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}
	review, err := c.AuthenticationV1().SelfSubjectReviews().Create(ctx,
		&authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, review.Status.UserInfo.Username)
	return err
}
