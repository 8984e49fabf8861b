package schema

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"
)

const things = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.faults.example.com}
spec:
  group: faults.example.com
  scope: Namespaced
  names: {plural: things, kind: Thing}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {a: {type: string}}}}}}}
`

// faults are definitions that the API server refuses: what is replaced in things.
var faults = []struct {
	old, new string
	fields   string // of the causes
}{
	{"name: things.faults", "name: things", "metadata.name"},
	{"group: faults.example.com", "group: ''", "metadata.name spec.group"},
	{"group: faults.example.com", "group: faults", "metadata.name spec.group"},
	{"scope: Namespaced", "scope: Everywhere", "spec.scope"},
	{"kind: Thing}", "kind: 'Th ing', listKind: Things}", "spec.names.kind spec.names.singular"},
	{"kind: Thing}", "kind: Thing, listKind: Thing}", "spec.names.listKind"},
	{"storage: true", "storage: false", "spec.versions status.storedVersions"},
	{"name: v1", "name: V1", "spec.version spec.versions[0].name"},
	{"openAPIV3Schema: {type: object,", "openAPIV3Schema: {", "spec.validation.openAPIV3Schema.type"},
	{"openAPIV3Schema: {type: object,", "openAPIV3Schema: {type: string,", "spec.validation.openAPIV3Schema.type"},
	{"a: {type: string}", "a: {}", "spec.validation.openAPIV3Schema.properties[spec].properties[a].type"},
	{"a: {type: string}", "a: {type: text}", "spec.validation.openAPIV3Schema.properties[spec].properties[a].type"},
	{"a: {type: string}", "a: {type: array}", "spec.validation.openAPIV3Schema.properties[spec].properties[a].items"},
	{"a: {type: string}", "a: {type: string, pattern: '['}", "spec.validation.openAPIV3Schema.properties[spec].properties[a].pattern"},
	{"a: {type: string}", "a: {type: array, uniqueItems: true, items: {type: string}}", "spec.validation.openAPIV3Schema.properties[spec].properties[a].uniqueItems"},
	{"a: {type: string}", "a: {type: object, additionalProperties: {type: string}, properties: {b: {type: string}}}", "spec.validation.openAPIV3Schema.properties[spec].properties[a].additionalProperties"},
	{"a: {type: string}", "a: {type: array, x-kubernetes-list-type: map, items: {type: object, properties: {b: {type: string}}}}", "spec.validation.openAPIV3Schema.properties[spec].properties[a].x-kubernetes-list-map-keys"},
	{"a: {type: string}", "a: {type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [b], items: {type: object, properties: {b: {type: string}}}}", "spec.validation.openAPIV3Schema.properties[spec].properties[a].items.properties[b].default"},
	{"a: {type: string}", "a: {type: array, x-kubernetes-list-type: bag, items: {type: string}}", "spec.validation.openAPIV3Schema.properties[spec].properties[a].x-kubernetes-list-type"},
	{"a: {type: string}", "a: {$ref: '#/definitions/a'}", "spec.validation.openAPIV3Schema.properties[spec].properties[a].$ref"},
}

// causesOf returns the fields of an error's causes, sorted, each once.
func causesOf(err error) string {
	status, ok := err.(apierrors.APIStatus)
	if !ok {
		return fmt.Sprint(err)
	}
	seen := map[string]bool{}
	var fields []string
	for _, c := range status.Status().Details.Causes {
		if !seen[c.Field] {
			seen[c.Field] = true
			fields = append(fields, c.Field)
		}
	}
	return strings.Join(sorted(fields), " ")
}

func sorted(s []string) []string {
	p := pruner{s}
	return p.sorted()
}

func TestCRDFaults(t *testing.T) {
	for _, f := range faults {
		err := Builtin().AddCRD(object(t, strings.Replace(things, f.old, f.new, 1)))
		if got := causesOf(err); !apierrors.IsInvalid(err) || got != f.fields {
			t.Errorf("%s: got %v, want the fields %s", f.new, err, f.fields)
		}
	}
	if err := Builtin().AddCRD(object(t, things)); err != nil {
		t.Error(err)
	}
}

// The control plane refuses the same definitions for the same fields, in the same words but for the
// values that it prints as Go structs.
func TestCRDFaultsLikeTheControlPlane(t *testing.T) {
	ctx, c, _ := connect(t)
	for _, f := range append(faults, struct{ old, new, fields string }{"", "", ""}) {
		o := object(t, strings.Replace(things, f.old, f.new, 1))
		body, _ := json.Marshal(o)
		_, theirs := c.Post().GroupVersion(CRDKind.GroupVersion()).Resource("customresourcedefinitions").
			Param("dryRun", "All").Body(body).DoRaw(ctx)
		ours := Builtin().AddCRD(o)
		if a, b := causesOf(theirs), causesOf(ours); a != b {
			t.Errorf("%s:\nthe control plane refuses %s: %v\nand we                  %s: %v", f.new, a, theirs, b, ours)
			continue
		}
		if theirs == nil {
			continue
		}
		if a, b := messages(theirs), messages(ours); a != b && f.new != "storage: false" {
			t.Errorf("%s:\nthe control plane says %s\nand we               %s", f.new, a, b)
		}
	}
}

func messages(err error) string {
	var all []string
	for _, c := range err.(apierrors.APIStatus).Status().Details.Causes {
		all = append(all, c.Message)
	}
	return strings.Join(sorted(all), "; ")
}

// What skifftest does not do is refused, unless it is told to go without.
func TestRefusedUnlessIgnored(t *testing.T) {
	for _, test := range []struct {
		old, new, says string
		option         CRDOption
	}{
		{"a: {type: string}", "a: {type: string, x-kubernetes-validations: [{rule: 'true'}]}", "does not evaluate CEL rules", IgnoreRules()},
		{"scope:", "conversion: {strategy: Webhook}\n  scope:", "does not convert by a webhook", IgnoreConversionWebhook()},
	} {
		crd := object(t, strings.Replace(things, test.old, test.new, 1))
		if err := Builtin().AddCRD(crd); !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v", test.new, err)
		}
		if err := Builtin().AddCRD(crd, test.option); err != nil {
			t.Errorf("%s, ignored: %v", test.new, err)
		}
	}
}

// A value that was wrong before an update and has not changed is not an error of the update.
func TestRatcheting(t *testing.T) {
	c := gadgets(t)
	for _, test := range []struct {
		before, after string
		faults        int
	}{
		{"{size: medium}", "{size: medium, name: ab}", 0},
		{"{size: medium}", "{size: middle}", 1},
		{"{size: small, labels: {a: b, c: d, e: f}}", "{size: large, labels: {a: b, c: d, e: f}}", 0},
		{"{size: small, labels: {a: b, c: d, e: f}}", "{size: small, labels: {a: b, c: d, e: g}}", 1},
		{"{size: small, ports: [{port: 0}, {port: 5}]}", "{size: small, ports: [{port: 6}, {port: 0}]}", 0},
		{"{size: small, ports: [{port: 5}]}", "{size: small, ports: [{port: 5}, {port: 0}]}", 1},
		{"{name: ab}", "{name: abc}", 1},
		{"{size: small, few: [a, b, c]}", "{size: small, few: [a, b, d]}", 1},
		{"{size: small, set: [a, a]}", "{size: small, set: [a, a, b]}", 0},
		{"{size: small, set: [a]}", "{size: small, set: [a, a]}", 1},
	} {
		old := map[string]any{"spec": object(t, test.before)}
		next := map[string]any{"spec": object(t, test.after)}
		if errs := c.Validate(next, old); len(errs) != test.faults {
			t.Errorf("%s to %s: %v, want %d", test.before, test.after, errs, test.faults)
		}
	}
}

// Sets do not share what is added to them, and can be used by many at once.
func TestSetsAreApart(t *testing.T) {
	one, other := Builtin(), Builtin()
	thing := apischema.GroupVersionKind{Group: "faults.example.com", Version: "v1", Kind: "Thing"}
	if err := one.AddCRD(object(t, things)); err != nil {
		t.Fatal(err)
	}
	if _, ok := other.Custom(thing); ok {
		t.Error("a kind of one set is in another")
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := one.AddCRD(object(t, things)); err != nil {
				t.Error(err)
			}
			c, _ := one.Custom(thing)
			o := map[string]any{"spec": map[string]any{"a": "b", "c": "d"}}
			if unknown, err := c.Decode(o); err != nil || len(unknown) != 1 || c.Validate(o, nil) != nil {
				t.Error(unknown, err)
			}
			if _, err := one.Type(apischema.GroupVersionKind{Group: "batch", Version: "v1", Kind: "CronJob"}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	one.RemoveCRD(thing.GroupKind())
	if _, err := one.Type(thing); !runtime.IsNotRegisteredError(err) {
		t.Errorf("a removed kind: %v", err)
	}
}

// Converting a custom object changes its version, and no field that the version has.
func TestConvert(t *testing.T) {
	set := Builtin()
	two := strings.Replace(things, "  - {name: v1", "  - {name: v2, served: true, storage: false, schema: {openAPIV3Schema: {type: object, "+
		"properties: {spec: {type: object, properties: {b: {type: string}}}}}}}\n  - {name: v1", 1)
	if err := set.AddCRD(object(t, two)); err != nil {
		t.Fatal(err)
	}
	o := object(t, "{apiVersion: faults.example.com/v1, kind: Thing, metadata: {name: x}, spec: {a: z}}")
	got, err := set.Convert(o, apischema.GroupVersionKind{Group: "faults.example.com", Version: "v2", Kind: "Thing"})
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprint(got); text != "map[apiVersion:faults.example.com/v2 kind:Thing metadata:map[name:x] spec:map[]]" {
		t.Error(text)
	}
	if fmt.Sprint(o["spec"]) != "map[a:z]" {
		t.Errorf("the object was modified: %v", o)
	}
}
