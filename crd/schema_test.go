package crd_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"

	"github.com/skiff-k8s/skiff/crd"
	"github.com/skiff-k8s/skiff/kind"
)

// Thing is an object whose spec a test chooses.
type Thing[S any] struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              S `json:"spec"`
}

var things int

// specOf returns the schema of a field of type S as YAML, or the error of Of.
func specOf[S any](t *testing.T, options ...crd.Option) (string, error) {
	t.Helper()
	things++
	if _, err := kind.Of[Thing[S]](); err != nil {
		if err := kind.Register[Thing[S]](kind.Info{Group: "schema.skiff.test", Version: "v1", Kind: fmt.Sprint("Thing", things),
			Resource: fmt.Sprint("thing", things), Namespaced: true}); err != nil {
			t.Fatal(err)
		}
	}
	u, err := crd.Of[Thing[S]](options...)
	if err != nil {
		return "", err
	}
	spec, ok, err := unstructured.NestedMap(rootOf(u), "properties", "spec")
	if err != nil || !ok {
		t.Fatalf("no schema of the spec: %v", err)
	}
	text, err := yaml.Marshal(spec)
	return string(text), err
}

// rootOf returns the schema of the first version.
func rootOf(u *unstructured.Unstructured) map[string]any {
	versions, _, _ := unstructured.NestedSlice(u.Object, "spec", "versions")
	root, _, _ := unstructured.NestedMap(versions[0].(map[string]any), "schema", "openAPIV3Schema")
	return root
}

// same compares YAML by what it says.
func same(t *testing.T, what, got, want string) {
	t.Helper()
	var g, w any
	if err := errors.Join(yaml.Unmarshal([]byte(got), &g), yaml.Unmarshal([]byte(want), &w)); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	a, _ := yaml.Marshal(g)
	b, _ := yaml.Marshal(w)
	if string(a) != string(b) {
		t.Errorf("%s:\n%s\nwant:\n%s", what, a, b)
	}
}

type color string

func (color) Enum() []color { return []color{"red", "blue"} }

// size has its value by pointer receiver.
type size int32

func (*size) Enum() []size { return []size{1, 2, 4} }

type inner struct {
	A string  `json:"a"`
	B *string `json:"b,omitempty"`
}

type outer struct {
	inner `json:",inline"`
	*Far
	C int `json:"c,omitzero"`
}

type Far struct {
	D int `json:"d"`
}

type ruled struct {
	Min int `json:"min"`
	Max int `json:"max"`
}

func (ruled) CRDSchema() string { return `rule='self.min <= self.max',message='min is above max'` }

type twoRuled struct {
	ruled
	also
	E int `json:"e"`
}

type also struct {
	F int `json:"f"`
}

func (also) CRDSchema() string { return `rule='self.f > 0'` }

type told struct{}

func (told) MarshalJSON() ([]byte, error) { return []byte(`"x"`), nil }
func (told) OpenAPISchemaType() []string  { return []string{"string"} }
func (told) OpenAPISchemaFormat() string  { return "date" }

type secretive struct{}

func (secretive) MarshalJSON() ([]byte, error) { return []byte(`"x"`), nil }

type documented struct {
	G int `json:"g"`
	H int `json:"h" crd:"doc='By tag, with a comma.'"`
}

func (documented) SwaggerDoc() map[string]string {
	return map[string]string{"": "What it is.", "g": "By method.", "h": "Not this."}
}

const quantityYAML = `{anyOf: [{type: integer}, {type: string}], x-kubernetes-int-or-string: true, pattern: '^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$'}`

func TestTypes(t *testing.T) {
	check := func(got string, err error) func(name, want string) {
		return func(name, want string) {
			t.Helper()
			if err != nil {
				t.Errorf("%s: %v", name, err)
				return
			}
			same(t, name, got, want)
		}
	}
	check(specOf[bool](t))("bool", "type: boolean")
	check(specOf[int](t))("int", "type: integer")
	check(specOf[uint16](t))("uint16", "type: integer")
	check(specOf[int32](t))("int32", "{type: integer, format: int32}")
	check(specOf[int64](t))("int64", "{type: integer, format: int64}")
	check(specOf[time.Duration](t))("time.Duration", "{type: integer, format: int64}")
	check(specOf[float64](t))("float64", "type: number")
	check(specOf[[]byte](t))("bytes", "{type: string, format: byte}")
	check(specOf[[2]int32](t))("array", "{type: array, items: {type: integer, format: int32}, minItems: 2, maxItems: 2}")
	check(specOf[[]string](t))("list", "{type: array, items: {type: string}}")
	check(specOf[map[color][]int](t))("map", "{type: object, additionalProperties: {type: array, items: {type: integer}}}")
	check(specOf[struct{}](t))("empty", "type: object")
	check(specOf[metav1.Time](t))("Time", "{type: string, format: date-time}")
	check(specOf[metav1.MicroTime](t))("MicroTime", "{type: string, format: date-time}")
	check(specOf[time.Time](t))("time.Time", "{type: string, format: date-time}")
	check(specOf[metav1.Duration](t))("Duration", "type: string")
	check(specOf[resource.Quantity](t))("Quantity", quantityYAML)
	check(specOf[intstr.IntOrString](t))("IntOrString", "{anyOf: [{type: integer}, {type: string}], x-kubernetes-int-or-string: true}")
	check(specOf[runtime.RawExtension](t))("RawExtension", "{type: object, x-kubernetes-preserve-unknown-fields: true}")
	check(specOf[unstructured.Unstructured](t))("Unstructured", "{type: object, x-kubernetes-preserve-unknown-fields: true}")
	check(specOf[json.RawMessage](t))("RawMessage", "x-kubernetes-preserve-unknown-fields: true")
	check(specOf[netip.Addr](t))("a type that writes text", "type: string")
	check(specOf[told](t))("kube-openapi's methods", "{type: string, format: date}")
	check(specOf[secretive](t, crd.ForType[secretive]("type=string,maxLength=3")))("ForType", "{type: string, maxLength: 3}")
	check(specOf[color](t))("Enum", "{type: string, enum: [red, blue]}")
	check(specOf[size](t))("Enum of a pointer", "{type: integer, format: int32, enum: [1, 2, 4]}")
	check(specOf[ruled](t))("CRDSchema", `{type: object, properties: {min: {type: integer}, max: {type: integer}}, required: [max, min],
  x-kubernetes-validations: [{rule: self.min <= self.max, message: min is above max}]}`)
	check(specOf[twoRuled](t))("CRDSchema of embedded structs", `{type: object, required: [e, f, max, min],
  properties: {min: {type: integer}, max: {type: integer}, e: {type: integer}, f: {type: integer}},
  x-kubernetes-validations: [{rule: self.min <= self.max, message: min is above max}, {rule: self.f > 0}]}`)
	check(specOf[documented](t))("SwaggerDoc", `{type: object, description: What it is., required: [g, h],
  properties: {g: {type: integer, description: By method.}, h: {type: integer, description: 'By tag, with a comma.'}}}`)
	check(specOf[outer](t))("embedded structs", `{type: object, required: [a],
  properties: {a: {type: string}, b: {type: string}, c: {type: integer}, d: {type: integer}}}`)
	check(specOf[struct {
		Pointer *int              `json:"pointer"`
		Maybe   *int              `json:"maybe,omitempty"`
		List    []*inner          `json:"list,omitempty"`
		Quoted  int               `json:"quoted,string"`
		Go      bool              // without a tag
		Left    chan int          `json:"-"`
		Must    map[string]string `json:"must,omitempty" crd:"required"`
		May     string            `json:"may" crd:"optional"`
	}](t))("fields", `{type: object, required: [Go, must, pointer, quoted], properties: {
  pointer: {type: integer, nullable: true}, maybe: {type: integer}, Go: {type: boolean}, quoted: {type: string},
  list: {type: array, items: {type: object, required: [a], properties: {a: {type: string}, b: {type: string}}}},
  must: {type: object, additionalProperties: {type: string}}, may: {type: string}}}`)
}

// A template's labels are kept, which takes a schema: the server drops fields that have none.
func TestTheMetadataOfATemplate(t *testing.T) {
	got, err := specOf[corev1.PodTemplateSpec](t)
	if err != nil {
		t.Fatal(err)
	}
	var template struct{ Properties map[string]any }
	if err := yaml.Unmarshal([]byte(got), &template); err != nil {
		t.Fatal(err)
	}
	metadata, _ := yaml.Marshal(template.Properties["metadata"])
	same(t, "metadata", string(metadata), `{type: object, properties: {name: {type: string}, namespace: {type: string},
  labels: {type: object, additionalProperties: {type: string}}, annotations: {type: object, additionalProperties: {type: string}},
  finalizers: {type: array, items: {type: string}}}}`)
}

// Lists of Kubernetes' types have the keys that their markers give them, so that server-side apply
// merges them.
func TestTheListsOfATemplate(t *testing.T) {
	got, err := specOf[corev1.PodTemplateSpec](t)
	if err != nil {
		t.Fatal(err)
	}
	var template map[string]any
	if err := yaml.Unmarshal([]byte(got), &template); err != nil {
		t.Fatal(err)
	}
	containers, _, _ := unstructured.NestedMap(template, "properties", "spec", "properties", "containers")
	ports, _, _ := unstructured.NestedMap(containers, "items", "properties", "ports")
	for what, list := range map[string]map[string]any{"[name]": containers, "[containerPort protocol]": ports} {
		if list["x-kubernetes-list-type"] != "map" || fmt.Sprint(list["x-kubernetes-list-map-keys"]) != what {
			t.Errorf("type %v, keys %v, want %s", list["x-kubernetes-list-type"], list["x-kubernetes-list-map-keys"], what)
		}
	}
}

type tree struct {
	Name     string `json:"name"`
	Children []leaf `json:"children"`
}

type leaf struct {
	Trees map[string]*tree `json:"trees"`
}

type list []list

func TestWhatHasNoSchema(t *testing.T) {
	refused := func(_ string, err error) func(path, problem string) {
		return func(path, problem string) {
			t.Helper()
			var te *crd.TypeError
			if !errors.As(err, &te) || te.Path != path || !strings.Contains(te.Problem, problem) {
				t.Errorf("%v; want one of %s about %s", err, path, problem)
			}
		}
	}
	refused(specOf[tree](t))(".spec.children[].trees.*", "crd_test.tree is recursive: it stands in itself at .spec,")
	refused(specOf[list](t))(".spec[]", "crd_test.list is recursive")
	refused(specOf[any](t))(".spec", "the interface interface {} says nothing")
	refused(specOf[struct{ F func() }](t))(".spec.F", "func() has no JSON form")
	refused(specOf[map[int]string](t))(".spec", "the keys of map[int]string are no strings")
	refused(specOf[secretive](t))(".spec", "crd_test.secretive writes its JSON itself")
	refused(specOf[struct {
		A any `json:"a" crd:"typ=any"`
	}](t))(".spec.a", "says nothing")

	// What a tag's type ends.
	got, err := specOf[struct {
		Tree tree `json:"tree" crd:"type=object,preserveUnknownFields"`
		Any  any  `json:"any" crd:"type=any"`
	}](t)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "types by tag", got, `{type: object, required: [any, tree], properties: {
  tree: {type: object, x-kubernetes-preserve-unknown-fields: true}, any: {x-kubernetes-preserve-unknown-fields: true}}}`)

	// All mistakes at once.
	_, err = specOf[struct {
		A any    `json:"a"`
		B func() `json:"b"`
	}](t)
	if joined, ok := err.(interface{ Unwrap() []error }); !ok || len(joined.Unwrap()) != 2 {
		t.Errorf("%v; want two errors", err)
	}
}
