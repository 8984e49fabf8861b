package webhook_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/randfill"

	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/operator/webhook"
	"github.com/skiff-k8s/skiff/operator/webhook/webhooktest"
)

const kept = "webhook.skiff.test/phase" // the annotation that v1beta1 keeps the phase in

func toHub(src *OldWidget, dst *Widget) error {
	dst.Spec.Color = src.Colour
	if src.Size != 0 {
		dst.Spec.Size = &src.Size
	}
	for _, name := range slices.Sorted(maps.Keys(src.Parts)) {
		count, err := strconv.Atoi(src.Parts[name])
		if err != nil {
			return fmt.Errorf("parts of %s: %w", name, err)
		}
		dst.Spec.Parts = append(dst.Spec.Parts, Part{name, count})
	}
	dst.Status.Phase = src.Annotations[kept]
	delete(dst.Annotations, kept)
	return nil
}

func fromHub(src *Widget, dst *OldWidget) error {
	dst.Colour = src.Spec.Color
	if src.Spec.Size != nil {
		dst.Size = *src.Spec.Size
	}
	for _, p := range src.Spec.Parts {
		if dst.Parts == nil {
			dst.Parts = map[string]string{}
		}
		dst.Parts[p.Name] = strconv.Itoa(p.Count)
	}
	if src.Status.Phase != "" {
		metav1.SetMetaDataAnnotation(&dst.ObjectMeta, kept, src.Status.Phase)
	}
	return nil
}

// filled are values that both versions have.
func filled() webhooktest.Option {
	return webhooktest.Fill(
		func(parts *[]Part, c randfill.Continue) {
			for i := range c.Intn(3) {
				*parts = append(*parts, Part{"p" + strconv.Itoa(i), c.Intn(9)})
			}
		},
		func(parts *map[string]string, c randfill.Continue) {
			*parts = map[string]string{}
			for i := range c.Intn(3) {
				(*parts)["p"+strconv.Itoa(i)] = strconv.Itoa(c.Intn(9))
			}
		},
		func(size *int32, c randfill.Continue) { *size = 1 + c.Int31n(9) })
}

func TestConversionsThereAndBack(t *testing.T) {
	webhooktest.RoundTrip[OldWidget, Widget](t, webhook.Convert(webhook.From(toHub, fromHub)), filled(), webhooktest.Times(100))
}

// failing is a TB that keeps errors.
type failing struct {
	testing.TB
	errors []string
}

func (f *failing) Errorf(format string, args ...any) {
	f.errors = append(f.errors, fmt.Sprintf(format, args...))
}

// Each loss is named once, by its path, in the direction in which it is one.
func TestLossesAreNamed(t *testing.T) {
	h := webhook.Convert(webhook.From(toHub, func(src *Widget, dst *OldWidget) error {
		err := fromHub(src, dst)
		delete(dst.Annotations, kept)
		for name := range dst.Parts {
			dst.Parts[name] = "3"
		}
		return err
	}))
	f := &failing{TB: t}
	webhooktest.RoundTrip[OldWidget, Widget](f, h, filled(), webhooktest.Seed(1), webhooktest.Times(50))
	var paths []string
	for _, e := range f.errors {
		way, rest, _ := strings.Cut(e, ": ")
		path, _, _ := strings.Cut(rest, " ")
		paths = append(paths, way+" "+path)
		if !strings.HasSuffix(e, "(seed 1)") || !strings.Contains(e, " was ") {
			t.Error(e)
		}
	}
	want := []string{
		"v1beta1 → v1 → v1beta1 parts.p0", "v1beta1 → v1 → v1beta1 parts.p1",
		"v1 → v1beta1 → v1 spec.parts.count", "v1 → v1beta1 → v1 status.phase",
	}
	if !slices.Equal(paths, want) {
		t.Errorf("%q\nwant %q", paths, want)
	}
	webhooktest.RoundTrip[OldWidget, Widget](t, h, filled(), webhooktest.Times(20),
		webhooktest.Ignore("parts", "spec.parts.count", "status"))
}

type conversionAnswer struct {
	APIVersion, Kind string
	Response         struct {
		UID              string
		ConvertedObjects []map[string]any
		Result           metav1.Status
	}
}

func convertedTo(t *testing.T, h *webhook.Hook, version string, objects ...string) conversionAnswer {
	t.Helper()
	w := post(h, "/convert?timeout=30s", `{"apiVersion":"apiextensions.k8s.io/v1","kind":"ConversionReview","request":{"uid":"u-1","desiredAPIVersion":"`+
		version+`","objects":[`+strings.Join(objects, ",")+`]}}`)
	var a conversionAnswer
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if a.APIVersion != "apiextensions.k8s.io/v1" || a.Kind != "ConversionReview" || a.Response.UID != "u-1" {
		t.Fatalf("%s", w.Body)
	}
	return a
}

const (
	oldWidget = `{"apiVersion":"webhook.skiff.test/v1beta1","kind":"Widget","metadata":{"name":"w","namespace":"ns","uid":"u","labels":{"a":"b"},
		"annotations":{"webhook.skiff.test/phase":"Done"},"managedFields":[{"manager":"m","fieldsV1":{"f:x":{}}}],"unknown":{"a":null}},"colour":"red","parts":{"a":"2"}}`
	newWidget = `{"apiVersion":"webhook.skiff.test/v1","kind":"Widget","metadata":{"name":"x"},"spec":{"color":"blue"}}`
)

// A list is converted in its order, with the metadata as it was, also what nobody knows of it.
func TestConversionOfLists(t *testing.T) {
	h := webhook.Convert(webhook.From(toHub, fromHub))
	a := convertedTo(t, h, group+"/v1", oldWidget, newWidget)
	if a.Response.Result.Status != "Success" || len(a.Response.ConvertedObjects) != 2 {
		t.Fatalf("%+v", a.Response)
	}
	want := parse(t, strings.NewReplacer(`/v1beta1"`, `/v1"`, `"annotations":{"webhook.skiff.test/phase":"Done"},`, ``,
		`"colour":"red","parts":{"a":"2"}`, `"spec":{"color":"red","parts":[{"name":"a","count":2}]},"status":{"phase":"Done"}`).Replace(oldWidget))
	if got := a.Response.ConvertedObjects[0]; !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %v\nwant %v", got, want)
	}
	if got := a.Response.ConvertedObjects[1]; !reflect.DeepEqual(got, parse(t, newWidget)) {
		t.Errorf("one that is of the version: %v", got)
	}
	if a := convertedTo(t, h, group+"/v1"); a.Response.Result.Status != "Success" || a.Response.ConvertedObjects == nil {
		t.Errorf("no objects: %+v", a.Response)
	}
	if a := convertedTo(t, h, group+"/v1beta1", `{"apiVersion":"webhook.skiff.test/v1","kind":"Widget"}`); a.Response.Result.Status != "Success" {
		t.Errorf("without metadata: %+v", a.Response)
	}
}

func parse(t *testing.T, doc string) (object map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(doc), &object); err != nil {
		t.Fatal(err)
	}
	return object
}

// What cannot be converted fails the review, with the object's name and the reason, and is logged.
func TestConversionsThatFail(t *testing.T) {
	log := logged(t)
	good := webhook.Convert(webhook.From(toHub, fromHub))
	with := func(f func(src *OldWidget, dst *Widget) error) *webhook.Hook {
		return webhook.Convert(webhook.From(f, fromHub))
	}
	for _, c := range []struct {
		name    string
		h       *webhook.Hook
		version string
		object  string
		want    string
	}{
		{"desired", good, group + "/v2", oldWidget, "Widget ns/w to webhook.skiff.test/v2: the desired version webhook.skiff.test/v2 of Widget is unknown: known are webhook.skiff.test/v1, webhook.skiff.test/v1beta1"},
		{"its own", good, group + "/v1", strings.ReplaceAll(oldWidget, "v1beta1", "v0"), "the version webhook.skiff.test/v0 of Widget is unknown"},
		{"kind", good, group + "/v1", strings.ReplaceAll(oldWidget, "Widget", "Gadget"), `the kind "Gadget"`},
		{"group", good, "other.test/v1", oldWidget, `the kind "Widget" of other.test/v1 is unknown`},
		{"no object", good, group + "/v1", `"a text"`, "read object"},
		{"a type", good, group + "/v1", strings.Replace(oldWidget, `"red"`, `1`, 1), "read object"},
		{"error", with(func(*OldWidget, *Widget) error { return errors.New("no way") }), group + "/v1", oldWidget, "convert Widget ns/w to webhook.skiff.test/v1: no way"},
		{"panic", with(func(*OldWidget, *Widget) error { panic("s3cret") }), group + "/v1", oldWidget, "the conversion panicked"},
		{"name", with(func(_ *OldWidget, dst *Widget) error { dst.Name = "x"; return nil }), group + "/v1", oldWidget, "changed metadata.name: it may change labels and annotations only"},
		{"uid", with(func(_ *OldWidget, dst *Widget) error { dst.UID = ""; return nil }), group + "/v1", oldWidget, "changed metadata.uid"},
		{"finalizers", with(func(_ *OldWidget, dst *Widget) error { dst.Finalizers = []string{"a/b"}; return nil }), group + "/v1", oldWidget, "changed metadata.finalizers"},
		{"all", with(func(_ *OldWidget, dst *Widget) error { *dst = Widget{}; return nil }), group + "/v1", oldWidget, "changed metadata.managedFields"},
	} {
		log.Reset()
		r := convertedTo(t, c.h, c.version, newWidget, c.object).Response
		if c.version == group+"/v2" || c.version == "other.test/v1" {
			r = convertedTo(t, c.h, c.version, c.object).Response
		}
		if r.Result.Status != "Failure" || !strings.Contains(r.Result.Message, c.want) || len(r.ConvertedObjects) != 0 {
			t.Errorf("%s: %+v", c.name, r)
		}
		if strings.Contains(r.Result.Message, "s3cret") || !strings.Contains(log.String(), "conversion failed") {
			t.Errorf("%s: %s, logged %s", c.name, r.Result.Message, log)
		}
	}
	for body, want := range map[string]string{
		`{`: "read review",
		`{"apiVersion":"apiextensions.k8s.io/v1beta1","kind":"ConversionReview"}`:         "conversionReviewVersions",
		`{"apiVersion":"apiextensions.k8s.io/v1","kind":"ConversionReview"}`:              "no request",
		`{"apiVersion":"apiextensions.k8s.io/v1","kind":"ConversionReview","request":{}}`: "uid",
	} {
		if w := post(good, "/convert", body); w.Code != 400 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
	for extra, want := range map[int]int{-1: 400, 0: 400, 1: 413} {
		if w := post(good, "/convert", strings.Repeat("x", 32<<20+extra)); w.Code != want {
			t.Errorf("a body of 32 MiB%+d: %d", extra, w.Code)
		}
	}
}

type gadget struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
}

type oldGadget gadget

// Several kinds are converted at one path. Mistakes are told.
func TestConversionOfSeveralKinds(t *testing.T) {
	for _, err := range []error{
		kind.Register[gadget](kind.Info{Group: group, Version: "v2", Kind: "Gadget", Resource: "gadgets"}),
		kind.Register[oldGadget](kind.Info{Group: group, Version: "v1", Kind: "Gadget", Resource: "gadgets"}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	widgets := webhook.Convert(webhook.From(toHub, fromHub))
	gadgets := webhook.Convert(webhook.From(func(*oldGadget, *gadget) error { return nil }, func(*gadget, *oldGadget) error { return nil }))
	for _, h := range webhook.Merged(widgets, gadgets) {
		if r := convertedTo(t, h, group+"/v1", oldWidget).Response; r.Result.Status != "Success" {
			t.Errorf("%+v", r)
		}
		r := convertedTo(t, h, group+"/v1", `{"apiVersion":"webhook.skiff.test/v2","kind":"Gadget","metadata":{"name":"g"}}`).Response
		if r.Result.Status != "Success" || r.ConvertedObjects[0]["apiVersion"] != group+"/v1" {
			t.Errorf("%+v", r)
		}
	}
	if r := convertedTo(t, widgets, group+"/v1", `{"apiVersion":"webhook.skiff.test/v2","kind":"Gadget"}`).Response; r.Result.Status != "Failure" {
		t.Errorf("what was merged has changed: %+v", r)
	}
	same := func(*OldWidget, *OldWidget) error { return nil }
	for want, hooks := range map[string][]*webhook.Hook{
		"no other version":              {webhook.Convert[Widget]()},
		"two Go types have the version": {webhook.Convert(webhook.From(same, same))},
		"is another kind": {webhook.Convert(webhook.From(func(*gadget, *Widget) error { return nil },
			func(*Widget, *gadget) error { return nil }))},
		"two convert": {widgets, widgets},
		"unknown": {webhook.Convert(webhook.From(func(*unknown, *Widget) error { return nil },
			func(*Widget, *unknown) error { return nil }))},
	} {
		err := webhook.NewServer(webhook.Options{Address: "127.0.0.1:0"}, hooks...).Listen(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}
