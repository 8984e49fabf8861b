package webhook_test

import (
	"context"
	"log"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/operator"
	"github.com/skiff-k8s/skiff/operator/webhook"
	"github.com/skiff-k8s/skiff/operator/webhook/webhooktest"
	"github.com/skiff-k8s/skiff/rest"
)

// An operator whose webhooks have a CA of its own. All replicas run them.
func Example() {
	cfg, err := kubeconfig.Load("")
	if err != nil {
		log.Fatal(err)
	}
	c, err := rest.NewClient(cfg)
	if err != nil {
		log.Fatal(err)
	}
	validate := webhook.Validate(
		func(_ context.Context, r *webhook.Request[corev1.Service]) (warnings []string, err error) {
			if r.Object.Spec.Type == corev1.ServiceTypeNodePort {
				return nil, webhook.Deny("%s may not open ports of nodes", r.User.Username)
			}
			return nil, nil
		})
	defaults := webhook.Default(func(_ context.Context, r *webhook.Request[corev1.Service]) error {
		if r.Object.Labels == nil {
			r.Object.Labels = map[string]string{"team": r.Namespace}
		}
		return nil
	})
	authority := webhook.NewAuthority(c, webhook.AuthorityOptions{
		Namespace: cfg.Namespace, Secret: "web-webhooks", Service: "web-webhooks",
		Validating: []string{"web"}, Mutating: []string{"web"},
	})
	hooks := webhook.NewServer(webhook.Options{Address: ":9443", Authority: authority}, validate, defaults)
	if err := operator.Run(context.Background(), operator.Options{Webhooks: hooks}); err != nil {
		log.Fatal(err)
	}
}

// A custom resource with two versions. In a test, RoundTrip names what a conversion loses.
func ExampleConvert() {
	conversion := webhook.Convert(webhook.From(
		func(src *OldWidget, dst *Widget) error {
			dst.Spec.Color = src.Colour
			return nil
		},
		func(src *Widget, dst *OldWidget) error {
			dst.Colour = src.Spec.Color
			return nil
		}))
	_ = func(t *testing.T) {
		webhooktest.RoundTrip[OldWidget, Widget](t, conversion, webhooktest.Ignore("size", "spec.size"))
	}
}
