// Package public compares package crd with controller-gen over kinds of public operators.
package public

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/skiff-k8s/skiff/crd"
	"github.com/skiff-k8s/skiff/crd/public/kinds"
)

// differences are the lines of a kind's structure that only package crd has (+) or only controller-gen
// (-), each with its reason: "flux.Bucket: + .spec.x string". There are none, and at most 20 may come.
var differences = map[string]string{}

const (
	maxDifferences = 20
	minKinds       = 30
)

// The schema that follows from a Go type is controller-gen's: types, fields, items, values of maps,
// required fields, formats, numbers-or-strings, and unknown fields that stay. testdata is what
// controller-gen makes of the same types when it is given no markers to read (./generate). So what
// only a marker says is on neither side: bounds, +optional, and types that a marker replaces. The
// schema of a template's metadata is that of its option generateEmbeddedObjectMeta.
func TestTheSchemasAreControllerGens(t *testing.T) {
	if len(kinds.All) < minKinds || len(differences) > maxDifferences {
		t.Errorf("%d kinds, %d differences; want at least %d, at most %d", len(kinds.All), len(differences), minKinds, maxDifferences)
	}
	explained, lines := map[string]bool{}, 0
	for _, k := range kinds.All {
		u, err := k.CRD()
		if err != nil {
			t.Errorf("%s: %v", k.Name(), err)
			continue
		}
		versions, _, _ := unstructured.NestedSlice(u.Object, "spec", "versions")
		root, _, _ := unstructured.NestedMap(versions[0].(map[string]any), "schema", "openAPIV3Schema")
		got, want := kinds.Structure(root), reference(t, k.Name()+".txt")
		lines += len(want)
		var found []string
		for _, line := range got {
			if !slices.Contains(want, line) {
				found = append(found, k.Name()+": + "+line)
			}
		}
		for _, line := range want {
			if !slices.Contains(got, line) {
				found = append(found, k.Name()+": - "+line)
			}
		}
		for _, difference := range found {
			if differences[difference] == "" {
				t.Errorf("a difference without a reason: %s", difference)
			}
			explained[difference] = true
		}
	}
	for difference := range differences {
		if !explained[difference] {
			t.Errorf("this is no difference any more: %s", difference)
		}
	}
	t.Logf("%d kinds, %d fields, %d differences", len(kinds.All), lines, len(explained))
}

// The comparison notices each thing that it is about.
func TestTheComparisonNotices(t *testing.T) {
	schema := func(property map[string]any) map[string]any {
		return map[string]any{"type": "object", "properties": map[string]any{"a": property}, "required": []any{"a"}}
	}
	base := kinds.Structure(schema(map[string]any{"type": "string"}))
	optional := schema(map[string]any{"type": "string"})
	delete(optional, "required")
	for what, other := range map[string]map[string]any{
		"type":                 schema(map[string]any{"type": "integer"}),
		"format":               schema(map[string]any{"type": "string", "format": "date"}),
		"items":                schema(map[string]any{"type": "string", "items": map[string]any{"type": "string"}}),
		"additionalProperties": schema(map[string]any{"type": "string", "additionalProperties": map[string]any{"type": "string"}}),
		"int-or-string":        schema(map[string]any{"x-kubernetes-int-or-string": true}),
		"preserve-unknown":     schema(map[string]any{"type": "string", "x-kubernetes-preserve-unknown-fields": true}),
		"properties":           {"type": "object"},
		"required":             optional,
	} {
		if slices.Equal(kinds.Structure(other), base) {
			t.Errorf("%s makes no difference", what)
		}
	}
}

// testdata was made from the versions of the modules that are compiled here.
func TestTheReferenceIsUpToDate(t *testing.T) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		t.Fatal("the test has no build info")
	}
	versions := map[string]string{}
	for _, m := range info.Deps {
		versions[m.Path] = m.Version
	}
	made := reference(t, "modules.txt")
	for _, line := range made {
		path, version, _ := strings.Cut(line, " ")
		if now, ok := versions[path]; ok && now != version {
			t.Errorf("testdata was made from %s, and %s is %s here: go run ./generate", line, path, now)
		}
		delete(versions, path)
	}
	if len(made) < 10 {
		t.Errorf("modules.txt has %d modules", len(made))
	}
	for _, k := range kinds.All {
		for path := range versions {
			if strings.HasPrefix(k.Type.PkgPath(), path+"/") {
				t.Errorf("testdata/modules.txt lacks %s: go run ./generate", path)
			}
		}
	}
}

func reference(t *testing.T, name string) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
}

// A definition fills the type of apiextensions, and comes back as it was.
func TestInto(t *testing.T) {
	for _, k := range kinds.All {
		u, err := k.CRD(crd.ShortNames("x"), crd.Labels(map[string]string{"a": "b"}))
		if err != nil {
			t.Fatal(err)
		}
		var theirs apiextensionsv1.CustomResourceDefinition
		if err := crd.Into(u, &theirs); err != nil {
			t.Errorf("%s: %v", k.Name(), err)
			continue
		}
		if theirs.Name != u.GetName() || theirs.Labels["a"] != "b" || theirs.Spec.Names.ShortNames[0] != "x" ||
			theirs.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["metadata"].Type != "object" {
			t.Errorf("%s: %+v", k.Name(), theirs.Spec.Names)
		}
	}
}
