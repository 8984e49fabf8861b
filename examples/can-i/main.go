// can-i asks the API server whether it permits something, and why: to the user of the kubeconfig,
// or to another user, if the asking one may know.
//
//	go run ./examples/can-i [--kubeconfig FILE] [--namespace NAME] [--user NAME] VERB RESOURCE
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

func main() {
	path := flag.String("kubeconfig", "",
		"kubeconfig `file` (default: $KUBECONFIG, ~/.kube/config, in-cluster)")
	namespace := flag.String("namespace", "", "the `namespace` (default: all)")
	user := flag.String("user", "", "the `user` to ask about (default: oneself)")
	flag.Parse()
	if flag.NArg() != 2 {
		fmt.Fprintln(os.Stderr, "usage: can-i [flags] VERB RESOURCE[.GROUP]")
		os.Exit(2)
	}
	cfg, err := kubeconfig.Load(*path)
	exitOn(err)
	c, err := rest.NewClient(cfg)
	exitOn(err)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	resource := schema.ParseGroupResource(flag.Arg(1))
	about := &authorizationv1.ResourceAttributes{
		Namespace: *namespace, Verb: flag.Arg(0), Group: resource.Group, Resource: resource.Resource,
	}
	status, err := ask(ctx, c, *user, about)
	exitOn(err)
	if !status.Allowed {
		fmt.Println("no", status.Reason)
		os.Exit(1)
	}
	fmt.Println("yes", status.Reason)
}

// ask creates a review, which the server answers and does not store.
func ask(ctx context.Context, c *rest.Client, user string, about *authorizationv1.ResourceAttributes) (
	authorizationv1.SubjectAccessReviewStatus, error) {
	if user == "" {
		review := &authorizationv1.SelfSubjectAccessReview{
			Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: about}}
		answer, err := client.Of[authorizationv1.SelfSubjectAccessReview](c).
			Create(ctx, review, metav1.CreateOptions{})
		if err != nil {
			return authorizationv1.SubjectAccessReviewStatus{}, err
		}
		return answer.Status, nil
	}
	review := &authorizationv1.SubjectAccessReview{
		Spec: authorizationv1.SubjectAccessReviewSpec{User: user, ResourceAttributes: about}}
	answer, err := client.Of[authorizationv1.SubjectAccessReview](c).
		Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		return authorizationv1.SubjectAccessReviewStatus{}, err
	}
	return answer.Status, nil
}

func exitOn(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
