package schema

import (
	"encoding/json"
	"reflect"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/skifftest/internal/schema/reduce"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

// The embedded types are those that the control plane serves.
func TestEmbeddedIsServed(t *testing.T) {
	ctx, c, _ := connect(t)
	served, err := reduce.Server(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	has := embedded()
	if !reflect.DeepEqual(has, served) {
		t.Errorf("types.json.gz has %d kinds and %d types of %s, and the control plane %d and %d of %s, or their fields differ: "+
			"run go generate ./internal/schema",
			len(has.Kinds), len(has.Types), has.Version, len(served.Kinds), len(served.Types), served.Version)
	}
}

// Every embedded kind has a type that its objects can be merged by, and most a Go type.
func TestEveryKindHasAType(t *testing.T) {
	set := Builtin()
	with := 0
	for info := range kind.All() {
		gvk := info.GVK()
		if !IsBuiltin(gvk) {
			continue
		}
		ty, err := set.Type(gvk)
		if runtime.IsNotRegisteredError(err) {
			continue // a version that is not served any more
		}
		if err != nil {
			t.Errorf("%s: %v", gvk, err)
			continue
		}
		with++
		object, unknown, err := Decode(gvk, []byte("{}"))
		if err != nil || unknown != nil {
			t.Errorf("%s: %v %v", gvk, unknown, err)
			continue
		}
		if _, err := ty.FromUnstructured(object); err != nil {
			t.Errorf("%s: %v", gvk, err)
		}
	}
	if with < 80 {
		t.Errorf("only %d kinds have a type", with)
	}
	if _, err := set.Type(apischema.GroupVersionKind{Version: "v1", Kind: "Nothing"}); !runtime.IsNotRegisteredError(err) {
		t.Errorf("an unknown kind: %v", err)
	}
}

// The embedded file stays small: every test that links skifftest carries it.
func TestEmbeddedIsSmall(t *testing.T) {
	if n := len(compressed); n > 40_000 {
		t.Errorf("the embedded types are %d bytes", n)
	}
	for name, data := range embedded().Types {
		if !json.Valid(data) {
			t.Errorf("%s: %s", name, data)
		}
	}
}
