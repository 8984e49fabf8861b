package informer_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/discovery"
	"github.com/skiff-k8s/skiff/dynamic"
	"github.com/skiff-k8s/skiff/faults"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/rest"
)

const echoed = "s3cret+/token-of-this-test"

// ordinary are answers with a credential where an object has text: what the packages above rest read
// and write into their errors.
func ordinary() (all []faults.Fault) {
	const aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
	list := func(meta, item string) string {
		return `{"kind":"ConfigMapList","apiVersion":"v1","metadata":{` + meta + `},"items":[{` + item + `}]}`
	}
	object := func(kind, meta, data string) string {
		return `{"kind":` + kind + `,"apiVersion":"v1","metadata":{` + meta + `},"data":` + data + `}`
	}
	for how, secret := range map[string]string{
		"as it is": echoed, "as in a query": url.QueryEscape(echoed),
		"in base64": base64.StdEncoding.EncodeToString([]byte("Bearer " + echoed)),
	} {
		answer := func(place, contentType, body string) {
			f := faults.Answer(200, contentType, strings.ReplaceAll(body, "SECRET", secret))
			all = append(all, faults.NewFault(place+", "+how, f.Handler))
		}
		for place, object := range map[string]string{
			"the name of an object that cannot be decoded":      object(`"ConfigMap"`, `"name":"SECRET","resourceVersion":"5"`, `7`),
			"the namespace of an object that cannot be decoded": object(`"ConfigMap"`, `"name":"a","namespace":"SECRET","resourceVersion":"5"`, `7`),
			"a time":                object(`"ConfigMap"`, `"name":"a","resourceVersion":"5","creationTimestamp":"SECRET"`, `{}`),
			"a key":                 object(`"ConfigMap"`, `"name":"a","resourceVersion":"5"`, `{"SECRET":7}`),
			"the name of an object": object(`"ConfigMap"`, `"name":"SECRET","resourceVersion":"5"`, `{}`),
			"a name and its kind":   object(`"SECRET"`, `"name":"SECRET","resourceVersion":"5"`, `{}`),
			"a resourceVersion":     object(`"ConfigMap"`, `"name":"a","resourceVersion":"SECRET"`, `{}`),
		} {
			answer(place+" alone", "application/json", object)
			answer(place+" in an event", "application/json", `{"type":"ADDED","object":`+object+"}\n")
			answer(place+" in a list", "application/json", list(`"resourceVersion":"7"`, object[1:len(object)-1]))
		}
		answer("the first name of each page", "application/json",
			list(`"resourceVersion":"7","continue":"x"`, `"metadata":{"name":"SECRET","resourceVersion":"5"}`))
		answer("the version of a list with an object", "application/json",
			list(`"resourceVersion":"SECRET"`, `"metadata":{"name":"SECRET","resourceVersion":"5"}`))
		answer("the kind of a discovery document", "application/json", `{"kind":"SECRET"}`)
		answer("a group", "application/json", `{"kind":"APIGroupList","groups":[{"name":"SECRET","versions":[{"version":"SECRET"}]}]}`)
		answer("a stale group", aggregated, `{"items":[{"metadata":{"name":"SECRET"},"versions":[{"version":"v1","freshness":"Stale"}]}]}`)
		answer("a stale version", aggregated, `{"items":[{"metadata":{"name":"a"},"versions":[{"version":"SECRET","freshness":"Stale"}]}]}`)
	}
	group, version, _ := strings.Cut(echoed, "/")
	return append(all, faults.Answer(200, aggregated, fmt.Sprintf(
		`{"items":[{"metadata":{"name":%q},"versions":[{"version":%q,"freshness":"Stale"}]}]}`, group, version)))
}

// No credential is in what the packages above return, log or show, wherever the server puts it.
func TestNoPackageShowsACredentialThatTheServerSendsBack(t *testing.T) {
	all := slices.Concat(ordinary(), faults.Echoes(), faults.EchoesEncoded())
	for name, play := range map[string]func(r *faults.Run, c *rest.Client){
		"client": playClient, "dynamic": playDynamic, "discovery": playDiscovery, "informer": playInformer,
	} {
		t.Run(name, func(t *testing.T) {
			for _, fault := range all {
				s := faults.Scenario{
					Server: faults.NewStore(), Rules: []faults.Rule{{Do: fault}},
					PerSecond: 1000, Lines: 1000, Secrets: []string{echoed},
				}
				failed := t.Failed()
				s.Run(t, func(r *faults.Run) {
					defer slog.SetDefault(slog.Default())
					slog.SetDefault(r.Log.Logger())
					c, err := rest.NewClient(&rest.Config{
						Host: r.Server.URL(), Dial: r.Server.Dial, BearerToken: echoed, PlaintextCredentials: true,
						MaxRetries: -1,
					})
					if err != nil {
						r.T.Fatal(err)
					}
					defer c.CloseIdleConnections()
					play(r, c)
				})
				if t.Failed() && !failed {
					t.Errorf("%s", fault)
				}
			}
		})
	}
}

func playClient(r *faults.Run, c *rest.Client) {
	ctx := r.T.Context()
	maps := client.Of[corev1.ConfigMap](c).In("ns")
	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}}
	found := func(_ any, err error) { r.Found(err) }
	found(maps.Get(ctx, "a", metav1.GetOptions{}))
	found(maps.List(ctx, metav1.ListOptions{}))
	found(maps.Create(ctx, object, metav1.CreateOptions{}))
	found(maps.Update(ctx, object, metav1.UpdateOptions{}))
	found(maps.Patch(ctx, "a", types.MergePatchType, []byte(`{}`), metav1.PatchOptions{}))
	found(maps.Apply(ctx, object, metav1.ApplyOptions{FieldManager: "test"}))
	r.Found(maps.Delete(ctx, "a", metav1.DeleteOptions{}),
		maps.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{}))
	w, err := maps.Watch(ctx, metav1.ListOptions{})
	r.Found(err)
	if err == nil {
		for _, err := range w.Events() {
			r.Found(err)
		}
	}
}

func playDynamic(r *faults.Run, c *rest.Client) {
	ctx := r.T.Context()
	found := func(_ any, err error) { r.Found(err) }
	for _, resource := range []string{"configmaps", "boats"} { // a kind that is known, and one that is not
		d := dynamic.New(c).Resource(schema.GroupVersionResource{Version: "v1", Resource: resource}).In("ns")
		object := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "a"},
		}}
		found(d.Get(ctx, "a", metav1.GetOptions{}))
		found(d.List(ctx, metav1.ListOptions{}))
		found(d.Create(ctx, object, metav1.CreateOptions{}))
		found(d.Update(ctx, object, metav1.UpdateOptions{}))
		found(d.Apply(ctx, object, metav1.ApplyOptions{FieldManager: "test"}))
		r.Found(d.Delete(ctx, "a", metav1.DeleteOptions{}))
		w, err := d.Watch(ctx, metav1.ListOptions{})
		r.Found(err)
		if err == nil {
			for _, err := range w.Events() {
				r.Found(err)
			}
		}
	}
}

func playDiscovery(r *faults.Run, c *rest.Client) {
	ctx := r.T.Context()
	found := func(_ any, err error) { r.Found(err) }
	dir := r.T.TempDir()
	for _, d := range []*discovery.Client{
		discovery.New(c), discovery.NewDisk(discovery.New(c), dir, 0), discovery.NewDisk(discovery.New(c), dir, 0),
	} {
		found(d.ServerVersion(ctx))
		found(d.Catalog(ctx))
		found(d.ForResource(ctx, "boats"))
		found(d.ByGVK(ctx, schema.GroupVersionKind{Group: "example.com", Kind: "Boat"}))
	}
}

// playInformer looks at an informer for a minute, with errors in the log and with OnError.
func playInformer(r *faults.Run, c *rest.Client) {
	fields, err := informer.NewFields[corev1.ConfigMap]("metadata.creationTimestamp")
	r.Found(err)
	for _, opts := range [][]informer.Option{
		{informer.Logger(r.Log.Logger())},
		{informer.Logger(r.Log.Logger()), informer.OnError(func(err error) { r.Found(err) })},
	} {
		f := informer.NewFactory(c, opts...)
		i := informer.For[corev1.ConfigMap](f)
		r.Found(i.AddIndex("panics", func(informer.Item[corev1.ConfigMap]) []string { panic("no") }))
		i.AddHandler(informer.Handler[corev1.ConfigMap]{OnAdd: func(informer.Item[corev1.ConfigMap]) { panic("no") }})
		ctx, cancel := context.WithTimeout(r.T.Context(), time.Minute)
		r.Found(f.Start(ctx))
		r.Found(f.WaitForSync(ctx))
		r.Found(i.WaitFor(ctx, "9"))
		_, err := i.Lister().Get("ns", "nothing")
		for object, err := range i.Lister().Items(informer.Query{}) {
			if err == nil {
				_, err = object.Object()
			}
			_, part := object.Partial(fields)
			r.Found(err, part, object.View(func(*corev1.ConfigMap) error { return nil }))
		}
		r.Found(i.Status().LastError, i.Status().Unwatchable, err)
		cancel()
		f.Wait()
		r.Found(i.Err(), i.Status().LastError)
	}
}
