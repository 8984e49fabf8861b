package webhook_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/discovery"
	"github.com/skiff-k8s/skiff/dynamic"
	"github.com/skiff-k8s/skiff/operator/webhook"
	"github.com/skiff-k8s/skiff/rest"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

// cluster is the control plane, a client of it, and what came back as warnings.
type cluster struct {
	*controlplane.Cluster
	t   *testing.T
	ctx context.Context
	c   *rest.Client
	ns  string

	mu       sync.Mutex
	warnings []string
}

func start(t *testing.T) *cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	c := &cluster{Cluster: controlplane.Start(t), t: t, ctx: ctx}
	c.ns = c.Namespace(t)
	config := c.Config()
	config.Warnings = func(w rest.Warning) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.warnings = append(c.warnings, w.Text)
	}
	var err error
	if c.c, err = rest.NewClient(config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.c.CloseIdleConnections)
	return c
}

// apply applies YAML.
func (c *cluster) apply(yaml string) {
	c.t.Helper()
	_, err := dynamic.ApplyAll(c.ctx, dynamic.New(c.c), discovery.NewMapper(discovery.New(c.c)),
		dynamic.Decode(strings.NewReader(yaml)), dynamic.ApplyAllOptions{FieldManager: "test", Force: true})
	if err != nil {
		c.t.Fatalf("%v\n%s", err, yaml)
	}
}

// remove deletes a cluster-scoped object when the test ends.
func (c *cluster) remove(resource, name string) {
	c.t.Cleanup(func() {
		gvr := schema.GroupVersionResource{Group: "admissionregistration.k8s.io", Version: "v1", Resource: resource}
		_ = dynamic.New(c.c).Resource(gvr).Delete(context.WithoutCancel(c.ctx), name, metav1.DeleteOptions{})
	})
}

const crd = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.webhook.skiff.test}
spec:
  group: webhook.skiff.test
  names: {kind: Widget, listKind: WidgetList, plural: widgets, singular: widget}
  scope: Namespaced
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
  - {name: v1beta1, served: true, storage: false, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
`

// authority returns an Authority of the test's namespace and of the configurations of a name.
func (c *cluster) authority(name string) *webhook.Authority {
	return webhook.NewAuthority(c.c, webhook.AuthorityOptions{Namespace: c.ns, Secret: "webhooks",
		Hosts: []string{"127.0.0.1"}, Validating: []string{name}, Mutating: []string{name}, Logger: c.logger()})
}

func (c *cluster) logger() *slog.Logger { return slog.New(slog.NewTextHandler(writer{c.t}, nil)) }

type writer struct{ t *testing.T }

func (w writer) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

// listening returns a server that listens, and where.
func (c *cluster) listening(a *webhook.Authority, hooks ...*webhook.Hook) (*webhook.Server, string) {
	c.t.Helper()
	s := webhook.NewServer(webhook.Options{Address: "127.0.0.1:0", Authority: a, Logger: c.logger()}, hooks...)
	if err := s.Listen(c.ctx); err != nil {
		c.t.Fatal(err)
	}
	return s, "https://" + s.Addr().String()
}

// run runs a server until the test ends, or the function that it returns is called, which waits.
func (c *cluster) run(s *webhook.Server) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(c.ctx))
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			c.t.Error(err)
		}
	})
	c.t.Cleanup(stop)
	return stop
}

// until waits for a condition.
func (c *cluster) until(what string, is func() bool) {
	c.t.Helper()
	for tick := time.NewTicker(20 * time.Millisecond); !is(); {
		select {
		case <-tick.C:
		case <-c.ctx.Done():
			c.t.Fatalf("it is not so that %s", what)
		}
	}
}

func (c *cluster) warned(text string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Contains(strings.Join(c.warnings, "\n"), text)
}

func (c *cluster) widgets() *dynamic.Resource {
	return dynamic.New(c.c).Resource(schema.GroupVersionResource{Group: group, Version: "v1", Resource: "widgets"}).In(c.ns)
}

func widget(name string, spec map[string]any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{"apiVersion": group + "/v1", "kind": "Widget",
		"metadata": map[string]any{"name": name}, "spec": spec}}
}

// The API server calls the webhooks with a certificate of the Authority: they refuse, warn and
// change what it stores, and fields that nobody knows stay.
func TestAdmission(t *testing.T) {
	c := start(t)
	c.apply(crd)
	c.remove("validatingwebhookconfigurations", "admission")
	c.remove("mutatingwebhookconfigurations", "admission")
	var mu sync.Mutex
	var seen []string
	validate := webhook.Validate(func(ctx context.Context, r *webhook.Request[Widget]) (warnings []string, err error) {
		mu.Lock()
		seen = append(seen, fmt.Sprintf("%s %s dry=%v by %s", r.Operation, r.Name, r.DryRun, r.User.Username))
		mu.Unlock()
		if r.Operation == webhook.Delete {
			if r.OldObject.Spec.Color == "precious" {
				return nil, webhook.Deny("%s is precious", r.Name)
			}
			return nil, nil
		}
		switch color := r.Object.Spec.Color; {
		case r.OldObject != nil && r.OldObject.Spec.Color == "precious" && color != "precious":
			return nil, webhook.Invalid(field.ErrorList{field.Forbidden(field.NewPath("spec", "color"), "it stays precious")})
		case color == "panic":
			panic("at the color")
		case color == "wait":
			<-ctx.Done()
			return nil, ctx.Err()
		case color == "":
			return nil, webhook.Deny("it has no color")
		case color == "grey":
			warnings = []string{"grey is dull"}
		}
		return warnings, nil
	}, webhook.On(webhook.Create, webhook.Update, webhook.Delete), webhook.Timeout(time.Second))
	set := webhook.Default(func(_ context.Context, r *webhook.Request[Widget]) error {
		if r.Object.Spec.Size == nil {
			r.Object.Spec.Size = new(int32)
			*r.Object.Spec.Size = 7
		}
		for i := range r.Object.Spec.Parts {
			if r.Object.Spec.Parts[i].Count == 0 {
				r.Object.Spec.Parts[i].Count = 1
			}
		}
		return nil
	})
	s, url := c.listening(c.authority("admission"), validate, set)
	if err := s.Check(c.ctx); err == nil {
		t.Error("it is ready before it runs")
	}
	c.apply(configurations(c.t, webhook.ConfigurationOptions{Name: "admission", URL: url}, validate, set))
	stop := c.run(s)
	c.until("the server is ready", func() bool { return s.Check(c.ctx) == nil })
	w := c.widgets()
	c.until("a Widget without a color is refused", func() bool {
		_, err := w.Create(c.ctx, widget("none", nil), metav1.CreateOptions{DryRun: []string{"All"}})
		return apierrors.IsForbidden(err) && strings.Contains(err.Error(), "it has no color")
	})
	c.until("defaults are set", func() bool { // the other configuration
		got, err := w.Create(c.ctx, widget("dry", map[string]any{"color": "red"}), metav1.CreateOptions{DryRun: []string{"All"}})
		if err != nil {
			return false
		}
		size, _, _ := unstructured.NestedInt64(got.Object, "spec", "size")
		return size == 7
	})
	got, err := w.Create(c.ctx, widget("w", map[string]any{"color": "grey", "strange": map[string]any{"a": nil},
		"parts": []any{map[string]any{"name": "a", "odd": true}, map[string]any{"name": "b", "count": int64(3)}}}), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	spec, _ := json.Marshal(got.Object["spec"])
	if string(spec) != `{"color":"grey","parts":[{"count":1,"name":"a","odd":true},{"count":3,"name":"b"}],"size":7,"strange":{"a":null}}` {
		t.Errorf("it is stored as %s", spec)
	}
	if _, ok := got.Object["status"]; ok || !c.warned("grey is dull") {
		t.Errorf("%v, warnings %q", got.Object, c.warnings)
	}
	set1 := func(color string) error {
		u, err := w.Get(c.ctx, "w", metav1.GetOptions{})
		if err == nil {
			err = unstructured.SetNestedField(u.Object, color, "spec", "color")
		}
		if err == nil {
			_, err = w.Update(c.ctx, u, metav1.UpdateOptions{})
		}
		return err
	}
	if err := set1("precious"); err != nil {
		t.Fatal(err)
	}
	if err := set1("red"); !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "spec.color: Forbidden: it stays precious") {
		t.Errorf("changing it: %v", err)
	}
	if err := w.Delete(c.ctx, "w", metav1.DeleteOptions{}); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "w is precious") {
		t.Errorf("deleting it: %v", err)
	}
	for color, want := range map[string]string{"panic": "the webhook panicked", "wait": "deadline"} {
		_, err := w.Create(c.ctx, widget(color, map[string]any{"color": color}), metav1.CreateOptions{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", color, err)
		}
	}
	mu.Lock()
	for _, want := range []string{"CREATE none dry=true", "CREATE w dry=false by ", "UPDATE w", "DELETE w"} {
		if !strings.Contains(strings.Join(seen, "\n"), want) {
			t.Errorf("it has not seen %q: %q", want, seen)
		}
	}
	mu.Unlock()
	stop()
	if err := s.Check(c.ctx); err == nil {
		t.Error("it is ready after its end")
	}
}

// bundleOf returns the caBundle of a configuration's first webhook.
func (c *cluster) bundleOf(name string) []byte {
	gvr := schema.GroupVersionResource{Group: "admissionregistration.k8s.io", Version: "v1", Resource: "validatingwebhookconfigurations"}
	u, err := dynamic.New(c.c).Resource(gvr).Get(c.ctx, name, metav1.GetOptions{})
	if err != nil {
		c.t.Fatal(err)
	}
	data, _ := u.MarshalJSON()
	var got struct {
		Webhooks []struct{ ClientConfig struct{ CABundle []byte } }
	}
	if err := json.Unmarshal(data, &got); err != nil {
		c.t.Fatal(err)
	}
	return got.Webhooks[0].ClientConfig.CABundle
}

// Two replicas share one Secret. Its CA is renewed step by step, it is deleted and spoiled, and the
// caBundle is removed, while the API server calls both: no call fails.
func TestTwoReplicasAndOneSecret(t *testing.T) {
	c := start(t)
	c.apply(crd)
	ctx := c.ctx
	hook := func(path string) *webhook.Hook {
		return webhook.Validate(func(context.Context, *webhook.Request[Widget]) ([]string, error) { return nil, nil }, webhook.At(path))
	}
	c.remove("validatingwebhookconfigurations", "a")
	c.remove("validatingwebhookconfigurations", "b")
	authority := func() *webhook.Authority {
		return webhook.NewAuthority(c.c, webhook.AuthorityOptions{Namespace: c.ns, Secret: "webhooks",
			Hosts: []string{"127.0.0.1"}, Validating: []string{"a", "b"}, Logger: c.logger()})
	}
	one, two := authority(), authority()
	a, urlA := c.listening(one, hook("/a"), hook("/b"))
	b, urlB := c.listening(two, hook("/a"), hook("/b"))
	c.apply(configurations(c.t, webhook.ConfigurationOptions{Name: "a", URL: urlA}, hook("/a")))
	c.apply(configurations(c.t, webhook.ConfigurationOptions{Name: "b", URL: urlB}, hook("/b")))

	// A CA that is due, with a certificate that is not.
	now := time.Now()
	if err := webhook.LookAt(ctx, authority(), now.Add(-300*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	secrets := client.Of[corev1.Secret](c.c).In(c.ns)
	secret := func() *corev1.Secret {
		s, err := secrets.Get(ctx, "webhooks", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if _, err := secrets.Modify(ctx, "webhooks", func(s *corev1.Secret) error { s.Data["tls.crt"] = []byte("spoiled"); return nil }); err != nil {
		t.Fatal(err)
	}
	// The CA is not due at 215 days, so its certificate is made again, for 90 days.
	if err := webhook.LookAt(ctx, authority(), now.Add(-85*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	old := secret()
	if old.Type != corev1.SecretTypeTLS || len(old.Data) != 4 || count(old) != 1 {
		t.Fatalf("the Secret is %s with %d CAs and %d keys", old.Type, count(old), len(old.Data))
	}
	for _, r := range []*webhook.Authority{one, two} {
		webhook.Hasten(r, 200*time.Millisecond, 4*time.Second)
	}
	c.run(a)
	c.run(b)
	w := c.widgets()
	calls := 0
	call := func() error {
		calls++
		_, err := w.Create(ctx, widget("x", nil), metav1.CreateOptions{DryRun: []string{"All"}})
		return err
	}
	c.until("both webhooks answer", func() bool {
		return a.Check(ctx) == nil && b.Check(ctx) == nil && bytes.Equal(c.bundleOf("a"), secret().Data["ca.crt"]) &&
			bytes.Equal(c.bundleOf("b"), secret().Data["ca.crt"]) && call() == nil
	})
	during := func(what string, is func() bool) {
		t.Helper()
		c.until(what, func() bool {
			if err := call(); err != nil {
				t.Fatalf("until %s: %v", what, err)
			}
			return is()
		})
	}
	during("one CA is left", func() bool { return count(secret()) == 1 })
	renewed := secret()
	if bytes.Equal(old.Data["ca.crt"], renewed.Data["ca.crt"]) {
		t.Error("the CA that is left is the old one")
	}
	both := func() bool {
		return bytes.Equal(one.CABundle(), secret().Data["ca.crt"]) && bytes.Equal(two.CABundle(), secret().Data["ca.crt"])
	}
	during("both replicas have it", both)

	if err := secrets.Delete(ctx, "webhooks", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	during("the Secret is made again", func() bool {
		s, err := secrets.Get(ctx, "webhooks", metav1.GetOptions{})
		return err == nil && !bytes.HasPrefix(s.Data["ca.crt"], renewed.Data["ca.crt"])
	})
	during("both replicas have it", both)
	again := secret()
	_, err := secrets.Modify(ctx, "webhooks", func(s *corev1.Secret) error {
		s.Data["tls.key"] = []byte("spoiled")
		s.Data["other"] = []byte("mine")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	during("the key is there again", func() bool { return !bytes.Equal(secret().Data["tls.key"], []byte("spoiled")) })
	if s := secret(); len(again.Data) != 4 || string(s.Data["other"]) != "mine" {
		t.Error("what is not the Authority's is lost")
	}
	c.apply(configurations(c.t, webhook.ConfigurationOptions{Name: "a", URL: urlA, CABundle: renewed.Data["ca.crt"]}, hook("/a")))
	c.until("the caBundle is right again", func() bool { return bytes.Equal(c.bundleOf("a"), secret().Data["ca.crt"]) })
	t.Logf("%d calls", calls)
}

func count(s *corev1.Secret) int { return bytes.Count(s.Data["ca.crt"], []byte("BEGIN")) }
