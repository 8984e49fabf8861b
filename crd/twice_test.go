package crd_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/skiff-k8s/skiff/crd"
	"github.com/skiff-k8s/skiff/crd/internal/twice/tagged"
	"github.com/skiff-k8s/skiff/kind"
)

const taggedGroup, markedGroup = "tagged.skiff.test", "marked.skiff.test"

// twin is a kind that is written twice.
type twin struct {
	name, plural string
	of           func() (*unstructured.Unstructured, error)
}

func twinOf[T any, P kind.Object[T]](name, plural string, namespaced bool, options ...crd.Option) twin {
	if err := kind.Register[T, P](kind.Info{Group: taggedGroup, Version: "v1", Kind: name, Resource: plural, Namespaced: namespaced}); err != nil {
		panic(err)
	}
	return twin{name, plural, func() (*unstructured.Unstructured, error) { return crd.Of[T, P](options...) }}
}

var twins = []twin{
	twinOf[tagged.Archive]("Archive", "archives", true, crd.ShortNames("ar", "arch"), crd.Categories("all")),
	twinOf[tagged.Boiler]("Boiler", "boilers", false),
	twinOf[tagged.Crate]("Crate", "crates", true),
	twinOf[tagged.Dish]("Dish", "dishes", true),
	twinOf[tagged.Engine]("Engine", "engines", true),
	twinOf[tagged.Forest]("Forest", "forests", true),
	twinOf[tagged.Glass]("Glass", "glasses", true),
	twinOf[tagged.House]("House", "houses", true),
	twinOf[tagged.Iron]("Iron", "irons", true),
	twinOf[tagged.Jug]("Jug", "jugs", true, crd.Status(), crd.Scale(".spec.replicas", ".status.replicas", ".status.selector"),
		crd.Columns(crd.Column{Name: "Replicas", Path: ".spec.replicas"}, crd.Column{Name: "Age", Path: ".metadata.creationTimestamp", Priority: 1}),
		crd.SelectableFields(".spec.kind")),
}

// marked returns controller-gen's definition of a kind.
func (k twin) marked(t *testing.T) *unstructured.Unstructured {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "marked", markedGroup+"_"+k.plural+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return definition(t, string(data))
}

// The tags make the definitions that kubebuilder's markers make, apart from the documentation, which
// the markers' side has from comments.
func TestTagsMakeWhatMarkersMake(t *testing.T) {
	for _, k := range twins {
		ours, err := k.of()
		if err != nil {
			t.Errorf("%s: %v", k.name, err)
			continue
		}
		theirs := k.marked(t)
		undocumented(theirs.Object["spec"])
		got, _ := yaml.Marshal(ours.Object["spec"])
		want, _ := yaml.Marshal(theirs.Object["spec"])
		same(t, k.name, strings.ReplaceAll(string(got), taggedGroup, markedGroup), string(want))
	}
}

// undocumented removes the descriptions from a schema.
func undocumented(v any) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			undocumented(item)
		}
	case map[string]any:
		if _, ok := v["description"].(string); ok {
			delete(v, "description")
		}
		for _, item := range v {
			undocumented(item)
		}
	}
}
