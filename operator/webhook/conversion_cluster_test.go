package webhook_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/operator"
	"github.com/skiff-k8s/skiff/operator/webhook"
)

// A CustomResourceDefinition with two versions is converted by the webhook, whose CA is written into
// it: get, list, watch and write, in both versions.
func TestConversionByTheAPIServer(t *testing.T) {
	c := start(t)
	c.apply(crd)
	s, url := c.listening(webhook.NewAuthority(c.c, webhook.AuthorityOptions{Namespace: c.ns, Secret: "webhooks",
		Hosts: []string{"127.0.0.1"}, CRDs: []string{"widgets." + group}, Logger: c.logger()}),
		webhook.Convert(webhook.From(toHub, fromHub)))
	c.converts(c.ctx, map[string]any{"strategy": "Webhook", "webhook": map[string]any{
		"conversionReviewVersions": []string{"v1"}, "clientConfig": map[string]any{"url": url + "/convert"}}})
	t.Cleanup(func() { // the other tests have no webhook for it
		c.converts(context.WithoutCancel(c.ctx), map[string]any{"strategy": "None", "webhook": nil})
	})
	c.run(s)
	olds, news := client.Of[OldWidget](c.c).In(c.ns), client.Of[Widget](c.c).In(c.ns)
	old := &OldWidget{ObjectMeta: metav1.ObjectMeta{Name: "w", Labels: map[string]string{"a": "b"}}, Size: 3, Colour: "red",
		Parts: map[string]string{"a": "2"}}
	c.until("the API server asks the webhook", func() bool {
		bad := *old
		bad.Parts = map[string]string{"a": "none"}
		_, err := olds.Create(c.ctx, &bad, metav1.CreateOptions{DryRun: []string{"All"}})
		return err != nil && strings.Contains(err.Error(), "parts of a")
	})
	made, err := olds.Create(c.ctx, old, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if made.Colour != "red" || made.Parts["a"] != "2" {
		t.Errorf("it was created as %+v", made)
	}
	got, err := news.Get(c.ctx, "w", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got.Spec.Color != "red" || *got.Spec.Size != 3 || len(got.Spec.Parts) != 1 || got.Spec.Parts[0] != (Part{"a", 2}) || got.Labels["a"] != "b" {
		t.Errorf("the new version is %+v", got)
	}
	got.Status.Phase, got.Spec.Color = "Done", "blue"
	if _, err := news.Update(c.ctx, got, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := news.Create(c.ctx, &Widget{ObjectMeta: metav1.ObjectMeta{Name: "x"}, Spec: WidgetSpec{Color: "green"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	colours := map[string]string{}
	list, err := olds.List(c.ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range list.Items {
		colours[o.Name] = o.Colour
	}
	if len(colours) != 2 || colours["w"] != "blue" || colours["x"] != "green" || list.Items[0].Annotations[kept] != "Done" {
		t.Errorf("the list in the old version is %+v", list.Items)
	}
	w, err := olds.Watch(c.ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for range 2 {
		e, err := w.Next()
		if err != nil {
			t.Fatal(err)
		}
		if e.Object.Colour != colours[e.Object.Name] {
			t.Errorf("the watch in the old version has %+v", e.Object)
		}
	}
	patched, err := olds.Patch(c.ctx, "x", types.MergePatchType, []byte(`{"parts":{"b":"none"}}`), metav1.PatchOptions{})
	if err == nil {
		t.Errorf("what cannot be converted was stored as %+v", patched)
	}
}

// converts sets how the API server converts Widgets.
func (c *cluster) converts(ctx context.Context, conversion any) {
	c.t.Helper()
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"conversion": conversion}})
	if err != nil {
		c.t.Fatal(err)
	}
	err = c.c.Patch(types.MergePatchType).AbsPath("apis", "apiextensions.k8s.io", "v1", "customresourcedefinitions", "widgets."+group).
		Body(patch).Do(ctx).Error()
	if err != nil {
		c.t.Fatal(err)
	}
}

// An operator has a cache of a version that the API server converts by the operator's webhook, which
// is reached, as by a Service, while the operator is ready. Neither waits for the other.
func TestACacheOfWhatItsWebhookConverts(t *testing.T) {
	c := start(t)
	c.apply(crd)
	c.until("a Widget is stored", func() bool { // the versions are served a moment after their definition
		_, err := client.Of[Widget](c.c).In(c.ns).Create(c.ctx, &Widget{ObjectMeta: metav1.ObjectMeta{Name: "stored"},
			Spec: WidgetSpec{Color: "red"}}, metav1.CreateOptions{})
		return err == nil
	})
	s, _ := c.listening(webhook.NewAuthority(c.c, webhook.AuthorityOptions{Namespace: c.ns, Secret: "webhooks",
		Hosts: []string{"127.0.0.1"}, CRDs: []string{"widgets." + group}, Logger: c.logger()}),
		webhook.Convert(webhook.From(toHub, fromHub)))
	f := informer.NewFactory(c.c, informer.Logger(c.logger()))
	olds := informer.For[OldWidget](f, informer.Namespace(c.ns))
	op := operator.New(operator.Options{Factories: []*informer.Factory{f}, Webhooks: s, Logger: c.logger(), NoSignals: true, NoMemoryLimit: true,
		Settings: operator.Settings{MetricsAddress: operator.Off, HealthAddress: operator.Off, DebugAddress: operator.Off}})
	service := httptest.NewUnstartedServer(nil) // its listener only
	defer service.Close()
	go func() {
		for {
			conn, err := service.Listener.Accept()
			if err != nil {
				return
			}
			if op.Health().Err(c.ctx, operator.Ready) != nil {
				conn.Close()
				continue
			}
			go forward(conn, s.Addr().String())
		}
	}()
	c.converts(c.ctx, map[string]any{"strategy": "Webhook", "webhook": map[string]any{"conversionReviewVersions": []string{"v1"},
		"clientConfig": map[string]any{"url": "https://" + service.Listener.Addr().String() + "/convert"}}})
	t.Cleanup(func() {
		c.converts(context.WithoutCancel(c.ctx), map[string]any{"strategy": "None", "webhook": nil})
	})
	ctx, stop := context.WithCancel(c.ctx)
	ended := make(chan error, 1)
	go func() { ended <- op.Run(ctx) }()
	c.until("the cache has what was converted", func() bool {
		for o, err := range olds.Lister().All(informer.Query{}) {
			return err == nil && o.Name == "stored" && o.Colour == "red"
		}
		return false
	})
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// forward copies between two connections until one ends.
func forward(conn net.Conn, to string) {
	defer conn.Close()
	other, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer other.Close()
	go func() {
		_, _ = io.Copy(other, conn)
		other.Close()
	}()
	_, _ = io.Copy(conn, other)
}
