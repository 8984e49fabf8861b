package fieldpath_test

import (
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/skiff-k8s/skiff/wire/fieldpath"
)

// Widget is a custom resource of which some is anything.
type Widget struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              WidgetSpec `json:"spec"`
}

type WidgetSpec struct {
	*WidgetCommon
	Template   runtime.RawExtension         `json:"template,omitempty"`
	Any        map[string]any               `json:"any,omitempty"`
	Port       intstr.IntOrString           `json:"port,omitempty"`
	Containers []*corev1.Container          `json:"containers,omitempty"`
	ByNumber   map[int]string               `json:"byNumber,omitempty"`
	Deep       map[string]map[string]string `json:"deep,omitempty"`
	Secret     string                       `json:"-"`
	Untagged   string
}

type WidgetCommon struct {
	Size  *int64  `json:"size,omitempty"`
	Ratio float64 `json:"ratio"`
}

var (
	podType    = reflect.TypeFor[corev1.Pod]()
	widgetType = reflect.TypeFor[Widget]()
)

func TestPathsAreCanonical(t *testing.T) {
	for _, tt := range []struct {
		t     reflect.Type
		paths []string
		want  string
	}{
		{podType, nil, ""},
		{podType, []string{"status.phase", "spec.containers[*].env", "status.phase"}, "spec.containers[*].env, status.phase"},
		{reflect.TypeFor[*corev1.Pod](), []string{"spec.nodeName"}, "spec.nodeName"},
		{podType, []string{`metadata.annotations['a.b/c']`}, `metadata.annotations['a.b/c']`},
		{podType, []string{`metadata.annotations['it\'s a \\ [*].x']`}, `metadata.annotations['it\'s a \\ [*].x']`},
		{podType, []string{`metadata.labels['']`, `metadata.labels[*]`}, `metadata.labels[''], metadata.labels[*]`},
		{podType, []string{"spec.volumes[*].configMap.items[*].key"}, "spec.volumes[*].configMap.items[*].key"},
		{podType, []string{"apiVersion", "kind"}, "apiVersion, kind"},
		{widgetType, []string{"spec.size", "spec.template.spec.x[*]['y']", "spec.any['a'].b", "spec.Untagged", "spec.containers[*].env"},
			"spec.Untagged, spec.any['a'].b, spec.containers[*].env, spec.size, spec.template.spec.x[*]['y']"},
		{nil, []string{"a['b'].c['d.e'][*]", "a.b.c['d.e'][*]"}, "a.b.c['d.e'][*]"},
		{nil, []string{"['a'].$ref", "x-kubernetes-y"}, "a.$ref, x-kubernetes-y"},
		{reflect.TypeFor[unstructured.Unstructured](), []string{"a.b"}, "a.b"},
	} {
		fields, err := fieldpath.New(tt.t, tt.paths...)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := fields.String(); got != tt.want {
			t.Errorf("%q: got %s, want %s", tt.paths, got, tt.want)
		}
	}
}

// The error says where in the path it is, and what exists there.
func TestPathsThatDoNotExist(t *testing.T) {
	for _, tt := range []struct {
		t      reflect.Type
		path   string
		offset int
		reason string
		exists []string // among others
	}{
		{nil, "", 0, "begins with", nil},
		{nil, ".spec", 0, "begins with", nil},
		{nil, "{.spec}", 0, "begins with", nil},
		{nil, "[*].spec", 0, "begins with", nil},
		{nil, "spec.", 5, "name of a field", nil},
		{nil, "spec..a", 5, "name of a field", nil},
		{nil, "spec.[*]", 5, "name of a field", nil},
		{nil, "spec a", 4, "a dot or a bracket", nil},
		{nil, "spec[*]a", 7, "a dot or a bracket", nil},
		{nil, "spec[0]", 4, "between brackets", nil},
		{nil, `spec["a"]`, 4, "between brackets", nil},
		{nil, "spec[a]", 4, "between brackets", nil},
		{nil, "spec[", 4, "between brackets", nil},
		{nil, "spec['a", 4, "missing", nil},
		{nil, "spec['a'", 7, "bracket was expected", nil},
		{nil, "spec['a'b']", 7, "bracket was expected", nil},
		{podType, "spec.contaners[*].env", 5, "a v1.PodSpec has no field contaners", []string{"containers", "initContainers", "volumes"}},
		{podType, "Spec", 0, "a v1.Pod has no field Spec", []string{"spec"}},
		{podType, "spec.containers.env", 16, "a []v1.Container is a list", []string{"[*]"}},
		{podType, "spec.containers['a'].env", 15, "is a list", []string{"[*]"}},
		{podType, "metadata.labels.app", 16, "is a map", []string{"['app']", "[*]"}},
		{podType, "spec['nodeName']", 4, "named after a dot", []string{"nodeName"}},
		{podType, "spec[*]", 4, "named after a dot", []string{"nodeName"}},
		{podType, "spec.nodeName.x", 14, "a string is one value", nil},
		{podType, "metadata.creationTimestamp.seconds", 27, "a v1.Time is one value", nil},
		{podType, "spec.volumes[*].volumeSource.configMap", 16, "no field volumeSource", []string{"configMap", "emptyDir", "name"}},
		{reflect.TypeFor[corev1.Secret](), "data['a'][*]", 9, "a []uint8 is one value", nil},
		{widgetType, "spec.port.x", 10, "one value", nil},
		{widgetType, "spec.secret", 5, "no field", []string{"Untagged", "size"}},
		{widgetType, "spec.byNumber[*]", 13, "no strings", nil},
	} {
		_, err := fieldpath.New(tt.t, "kind", tt.path)
		var wrong *fieldpath.Error
		if !errors.As(err, &wrong) {
			t.Errorf("%q: got %v", tt.path, err)
			continue
		}
		if wrong.Path != tt.path || wrong.Offset != tt.offset || !strings.Contains(wrong.Reason, tt.reason) {
			t.Errorf("%q: got %+v", tt.path, wrong)
		}
		if !slices.IsSorted(wrong.Exists) && len(wrong.Exists) > 2 || tt.exists == nil && wrong.Exists != nil {
			t.Errorf("%q: there is %q", tt.path, wrong.Exists)
		}
		for _, name := range append(tt.exists, strconv.Quote(tt.path)) {
			if !strings.Contains(err.Error(), name) {
				t.Errorf("%q: %v does not say %s", tt.path, err, name)
			}
		}
	}
	if _, err := fieldpath.New(reflect.TypeFor[string](), "a"); err == nil {
		t.Error("a string has fields")
	}
}

// A path to a list, a map or an object is known to have no values, where the type is known.
func TestPathsAboveValues(t *testing.T) {
	for _, tt := range []struct {
		t      reflect.Type
		path   string
		reason string // "" if there may be values
		exists string // among others
	}{
		{podType, "spec", "a v1.PodSpec is an object", "nodeName"},
		{podType, "spec.containers", "a []v1.Container is a list", "[*]"},
		{podType, "spec.containers[*]", "a v1.Container is an object", "image"},
		{podType, "spec.containers[*].command", "a []string is a list", "[*]"},
		{podType, "spec.securityContext", "a v1.PodSecurityContext is an object", "runAsUser"},
		{podType, "metadata.labels", "a map[string]string is a map", "[*]"},
		{podType, "spec.containers[*].command[*]", "", ""},
		{podType, "metadata.labels[*]", "", ""},
		{podType, "metadata.labels['app']", "", ""},
		{podType, "spec.nodeName", "", ""},
		{podType, "spec.securityContext.runAsUser", "", ""},
		{podType, "metadata.creationTimestamp", "", ""},
		{podType, "spec.containers[*].resources.limits['cpu']", "", ""},
		{reflect.TypeFor[corev1.Secret](), "data", "is a map", "[*]"},
		{reflect.TypeFor[corev1.Secret](), "data[*]", "", ""},
		{nil, "spec", "", ""},
	} {
		fields, err := fieldpath.New(tt.t, tt.path)
		if err != nil {
			t.Fatal(err)
		}
		err = fields.NeedValues()
		var wrong *fieldpath.Error
		switch {
		case tt.reason == "" && err != nil:
			t.Errorf("%q: %v", tt.path, err)
		case tt.reason == "":
		case !errors.As(err, &wrong) || wrong.Path != tt.path || wrong.Offset != len(tt.path) ||
			!strings.Contains(wrong.Reason, tt.reason) || !slices.Contains(wrong.Exists, tt.exists):
			t.Errorf("%q: got %v", tt.path, err)
		}
	}
	fields, err := fieldpath.New(podType, "metadata.name", "spec", "spec.nodeName")
	if err != nil || fields.NeedValues() == nil {
		t.Errorf("one of several paths is not noticed: %v", err)
	}
}

// Whatever is taken for a path is written as one that means the same.
func FuzzPath(f *testing.F) {
	for _, path := range []string{"spec.containers[*].env", `a['b'][*]['it\'s \\']`, "a..b", "a['", "a[*]b", "['x.y'].z"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		fields, err := fieldpath.New(nil, path)
		if err != nil {
			var wrong *fieldpath.Error
			if !errors.As(err, &wrong) || wrong.Offset < 0 || wrong.Offset > len(path) || wrong.Reason == "" {
				t.Fatalf("%q: %v", path, err)
			}
			return
		}
		again, err := fieldpath.New(nil, fields.String())
		if err != nil || again.String() != fields.String() {
			t.Fatalf("%q is %q, and that is %v, %v", path, fields, again, err)
		}
		_, _ = fieldpath.New(podType, path)
		if fields.Forbid("forbidden", path) == nil {
			t.Fatalf("%q is not forbidden by itself", path)
		}
	})
}
