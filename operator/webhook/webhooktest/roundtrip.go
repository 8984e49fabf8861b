// Package webhooktest has what the tests of webhooks need. Programs do not link it.
package webhooktest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strconv"
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/randfill"

	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/operator/webhook"
)

// Option changes RoundTrip.
type Option func(*options)

type options struct {
	times  int
	seed   int64
	fill   []any
	ignore map[string]bool
}

// Times sets how many objects of each version are converted. The default is 200.
func Times(n int) Option { return func(o *options) { o.times = n } }

// Seed makes the objects those of an earlier run, whose failure named the seed.
func Seed(seed int64) Option { return func(o *options) { o.seed = seed } }

// Fill adds functions that fill in values of a type, for randfill: func(*v1.Mode, randfill.Continue),
// for example, for a type that has a few values only. They come before this package's own.
func Fill(functions ...any) Option { return func(o *options) { o.fill = append(o.fill, functions...) } }

// Ignore permits the loss of fields, by their JSON path without indexes, such as
// "spec.parts.note". What is below is permitted too.
func Ignore(paths ...string) Option {
	return func(o *options) {
		for _, p := range paths {
			o.ignore[p] = true
		}
	}
}

// RoundTrip converts random objects of the Go type S to the hub H and back, and random ones of H to
// S and back, by the webhook h that Convert made. It fails the test for each field that is not what
// it was, once, with its path and an example. Absent, null and empty are the same.
//
//	func TestConversion(t *testing.T) {
//		webhooktest.RoundTrip[v1beta1.Backup, v1.Backup](t, conversion)
//	}
//
// A version that has no field for something keeps it in an annotation; otherwise Ignore names what
// is lost on purpose.
func RoundTrip[S, H any, PS kind.Object[S], PH kind.Object[H]](t testing.TB, h *webhook.Hook,
	opts ...Option) {
	t.Helper()
	o := options{times: 200, seed: rand.Int63(), ignore: map[string]bool{}}
	for _, opt := range opts {
		opt(&o)
	}
	if h.Err() != nil {
		t.Fatal(h.Err())
	}
	spoke, err := kind.Of[S, PS]()
	if err != nil {
		t.Fatal(err)
	}
	hub, err := kind.Of[H, PH]()
	if err != nil {
		t.Fatal(err)
	}
	o.thereAndBack(t, h, spoke, hub, func() any { return new(S) })
	o.thereAndBack(t, h, hub, spoke, func() any { return new(H) })
}

// thereAndBack converts random objects from one version to another and back.
func (o *options) thereAndBack(t testing.TB, h *webhook.Hook, from, to kind.Info, object func() any) {
	t.Helper()
	filler := randfill.NewWithSeed(o.seed).NilChance(.3).NumElements(0, 3).Funcs(append(slices.Clone(o.fill), own...)...)
	lost := map[string]string{} // an example by path
	for i := range o.times {
		obj := object()
		filler.Fill(obj)
		before, err := json.Marshal(obj)
		if err != nil {
			t.Fatalf("encode a random %s: %v (seed %d)", from, err, o.seed)
		}
		before = named(t, before, from, i)
		there := converted(t, h, before, to)
		after := converted(t, h, there, from)
		var was, now any
		if err := json.Unmarshal(before, &was); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(after, &now); err != nil {
			t.Fatal(err)
		}
		o.compare(was, now, "", lost)
	}
	for _, path := range slices.Sorted(maps.Keys(lost)) {
		t.Errorf("%s → %s → %s: %s %s (seed %d)", from.Version, to.Version, from.Version, path, lost[path], o.seed)
	}
}

// own fill in what has rules of its own.
var own = []any{
	func(s *string, c randfill.Continue) { *s = "s" + strconv.Itoa(c.Intn(1000)) },
	func(q *resource.Quantity, c randfill.Continue) {
		*q = *resource.NewQuantity(c.Int63n(1<<40), resource.DecimalSI)
		_ = q.String() // so that its text is cached, as in a decoded one
	},
	func(r *runtime.RawExtension, c randfill.Continue) {
		*r = runtime.RawExtension{Raw: []byte(`{"s":"` + strconv.Itoa(c.Intn(1000)) + `"}`)}
	},
	func(*metav1.TypeMeta, randfill.Continue) {},
	func(m *metav1.ObjectMeta, c randfill.Continue) {
		*m = metav1.ObjectMeta{Namespace: "ns", UID: "u", ResourceVersion: "1", Generation: c.Int63n(9),
			CreationTimestamp: metav1.Unix(c.Int63n(1<<31), 0)}
		c.Fill(&m.Labels)
		c.Fill(&m.Annotations)
		c.Fill(&m.Finalizers)
	},
}

// named returns an object with its kind and a name.
func named(t testing.TB, data []byte, k kind.Info, i int) []byte {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal(data, &object); err != nil {
		t.Fatal(err)
	}
	object["apiVersion"], object["kind"] = k.APIVersion(), k.Kind
	metadata, _ := object["metadata"].(map[string]any)
	if metadata == nil {
		metadata = map[string]any{}
		object["metadata"] = metadata
	}
	metadata["name"] = "random-" + strconv.Itoa(i)
	data, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// converted sends a review to the webhook, as the API server does.
func converted(t testing.TB, h *webhook.Hook, object []byte, to kind.Info) []byte {
	t.Helper()
	type review struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Request    any    `json:"request"`
		Response   struct {
			ConvertedObjects []json.RawMessage `json:"convertedObjects"`
			Result           metav1.Status     `json:"result"`
		} `json:"response"`
	}
	body, err := json.Marshal(review{APIVersion: "apiextensions.k8s.io/v1", Kind: "ConversionReview",
		Request: map[string]any{"uid": "u", "desiredAPIVersion": to.APIVersion(), "objects": []json.RawMessage{object}}})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, h.Path(), bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var answer review
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if answer.Response.Result.Status != metav1.StatusSuccess || len(answer.Response.ConvertedObjects) != 1 {
		t.Fatalf("%s\nof %s", answer.Response.Result.Message, object)
	}
	return answer.Response.ConvertedObjects[0]
}

// compare adds the paths at which two documents differ.
func (o *options) compare(was, now any, path string, lost map[string]string) {
	if o.ignore[path] || empty(was) && empty(now) {
		return
	}
	a, isObject := was.(map[string]any)
	b, ok := now.(map[string]any)
	if isObject && (ok || now == nil) {
		names := maps.Clone(a)
		for name := range b {
			names[name] = nil
		}
		for name := range names {
			at := name
			if path != "" {
				at = path + "." + name
			}
			o.compare(a[name], b[name], at, lost)
		}
		return
	}
	list, isList := was.([]any)
	other, ok := now.([]any)
	if isList && ok && len(list) == len(other) {
		for i := range list {
			o.compare(list[i], other[i], path, lost)
		}
		return
	}
	if !reflect.DeepEqual(was, now) {
		if _, known := lost[path]; !known {
			lost[path] = fmt.Sprintf("was %s and is %s", short(was), short(now))
		}
	}
}

func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}

func short(v any) string {
	if v == nil {
		return "absent"
	}
	data, _ := json.Marshal(v)
	if len(data) > 100 {
		return string(data[:100]) + "…"
	}
	return string(data)
}
