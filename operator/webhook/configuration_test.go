package webhook_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/skiff-k8s/skiff/operator/webhook"
)

// What Configurations prints is what it is meant to be, by the API's own types.
func TestConfigurations(t *testing.T) {
	validate := func(context.Context, *webhook.Request[Widget]) ([]string, error) { return nil, nil }
	set := func(context.Context, *webhook.Request[corev1.Pod]) error { return nil }
	hooks := []*webhook.Hook{
		webhook.Validate(validate),
		webhook.Validate(validate, webhook.At("/again"), webhook.On(webhook.Delete), webhook.IgnoreFailure(), webhook.Timeout(3*time.Second)),
		webhook.Default(set, webhook.Subresources("ephemeralcontainers")),
		webhook.ValidateRaw("/raw", func(context.Context, *webhook.Request[json.RawMessage]) ([]string, error) { return nil, nil }),
		webhook.Convert(webhook.From(toHub, fromHub)),
	}
	docs := strings.Split(configurations(t, webhook.ConfigurationOptions{Name: "x", Namespace: "ns", Service: "svc", Port: 9443,
		Annotations: map[string]string{"cert-manager.io/inject-ca-from": "ns/cert"}, CABundle: []byte("CA")}, hooks...), "---\n")
	if len(docs) != 2 {
		t.Fatalf("%q", docs)
	}
	var v admissionv1.ValidatingWebhookConfiguration
	var m admissionv1.MutatingWebhookConfiguration
	if err := yaml.UnmarshalStrict([]byte(docs[0]), &v); err != nil {
		t.Fatalf("%v\n%s", err, docs[0])
	}
	if err := yaml.UnmarshalStrict([]byte(docs[1]), &m); err != nil {
		t.Fatalf("%v\n%s", err, docs[1])
	}
	if v.Kind != "ValidatingWebhookConfiguration" || v.Name != "x" || v.Annotations["cert-manager.io/inject-ca-from"] != "ns/cert" || len(v.Webhooks) != 2 {
		t.Fatalf("%+v", v)
	}
	a, b := v.Webhooks[0], v.Webhooks[1]
	if a.Name != "validate.widgets.v1.webhook.skiff.test" || b.Name != "validate-2.widgets.v1.webhook.skiff.test" ||
		*a.FailurePolicy != admissionv1.Fail || *b.FailurePolicy != admissionv1.Ignore || *a.TimeoutSeconds != 10 || *b.TimeoutSeconds != 3 ||
		*a.SideEffects != admissionv1.SideEffectClassNone || a.AdmissionReviewVersions[0] != "v1" || string(a.ClientConfig.CABundle) != "CA" ||
		a.ClientConfig.URL != nil || *a.ClientConfig.Service.Port != 9443 || *a.ClientConfig.Service.Path != hooks[0].Path() ||
		a.ClientConfig.Service.Name != "svc" || a.ClientConfig.Service.Namespace != "ns" {
		t.Errorf("%s", docs[0])
	}
	if r := a.Rules[0]; len(r.Operations) != 2 || r.Operations[0] != admissionv1.Create || r.APIGroups[0] != group ||
		r.APIVersions[0] != "v1" || len(r.Resources) != 1 || r.Resources[0] != "widgets" || b.Rules[0].Operations[0] != admissionv1.Delete {
		t.Errorf("%s", docs[0])
	}
	if len(m.Webhooks) != 1 || m.Webhooks[0].Name != "mutate.pods.v1" || len(m.Webhooks[0].Rules[0].Resources) != 2 ||
		m.Webhooks[0].Rules[0].Resources[1] != "pods/ephemeralcontainers" || m.Webhooks[0].Rules[0].APIGroups[0] != "" {
		t.Errorf("%s", docs[1])
	}
	if got := configurations(t, webhook.ConfigurationOptions{Name: "x", URL: "https://h:1/"}, hooks[0]); !strings.Contains(got, `url: "https://h:1/validate-webhook-skiff-test-v1-widget"`) {
		t.Error(got)
	}
	if got := configurations(t, webhook.ConfigurationOptions{Name: "x", URL: "https://h:1"}); got != "" {
		t.Errorf("of nothing: %q", got)
	}
	for want, print := range map[string]func() (string, error){
		"hook 1 is nil": func() (string, error) {
			return webhook.Configurations(webhook.ConfigurationOptions{Name: "x", URL: "https://h"}, hooks[0], nil)
		},
		"is no path": func() (string, error) {
			return webhook.Configurations(webhook.ConfigurationOptions{Name: "x", URL: "https://h"}, webhook.Validate(validate, webhook.At("x")))
		},
		"need a name": func() (string, error) {
			return webhook.Configurations(webhook.ConfigurationOptions{URL: "https://h"}, hooks[0])
		},
		"namespace of a Service, or a URL": func() (string, error) {
			return webhook.Configurations(webhook.ConfigurationOptions{Name: "x", Service: "web"}, hooks[0])
		},
	} {
		if got, err := print(); err == nil || !strings.Contains(err.Error(), want) || got != "" {
			t.Errorf("%v does not say %q; %s", err, want, got)
		}
	}
}

// configurations returns what Configurations prints.
func configurations(t *testing.T, o webhook.ConfigurationOptions, hooks ...*webhook.Hook) string {
	t.Helper()
	printed, err := webhook.Configurations(o, hooks...)
	if err != nil {
		t.Fatal(err)
	}
	return printed
}
