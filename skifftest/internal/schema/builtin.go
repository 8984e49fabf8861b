package schema

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/runtime"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/kube-openapi/pkg/schemaconv"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"sigs.k8s.io/structured-merge-diff/v6/typed"

	"github.com/skiff-k8s/skiff/skifftest/internal/schema/reduce"
)

//go:generate go run ./generate types.json.gz

// compressed is what package generate wrote: the types of the kinds that kube-apiserver serves.
//
//go:embed types.json.gz
var compressed []byte

// embedded is compressed, unpacked when it is first asked for.
var embedded = sync.OnceValue(func() *reduce.File {
	f, err := reduce.Decompress(compressed)
	if err != nil {
		panic(fmt.Sprintf("skifftest: read the embedded types: %v", err))
	}
	return f
})

// Version returns the version of Kubernetes whose built-in kinds are known.
func Version() string { return embedded().Version }

// objectMeta is the name of the type of an object's metadata.
const objectMeta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"

// builtins has the types of built-in kinds that were asked for, by kind: functions that return a
// *typed.ParseableType. All Sets share it.
var builtins sync.Map

// builtin returns the type of a built-in kind, by which its objects are merged. It is made from the
// embedded types of the kind alone, when it is first asked for.
func builtin(gvk apischema.GroupVersionKind) (*typed.ParseableType, error) {
	name, ok := embedded().Kinds[gvk.Group+"/"+gvk.Version+"/"+gvk.Kind]
	if !ok {
		return nil, runtime.NewNotRegisteredErrForKind("skifftest", gvk)
	}
	made, ok := builtins.Load(gvk)
	if !ok {
		made, _ = builtins.LoadOrStore(gvk, sync.OnceValues(func() (*typed.ParseableType, error) {
			types := map[string]*spec.Schema{}
			if err := addEmbedded(types, name); err != nil {
				return nil, err
			}
			return parseable(types, name, false)
		}))
	}
	return made.(func() (*typed.ParseableType, error))()
}

// addEmbedded adds an embedded type to types, and those that it refers to.
func addEmbedded(types map[string]*spec.Schema, name string) error {
	if types[name] != nil {
		return nil
	}
	t := &spec.Schema{}
	if err := json.Unmarshal(embedded().Types[name], t); err != nil {
		return fmt.Errorf("read the embedded type %s: %w", name, err)
	}
	types[name] = t
	return addReferred(types, t)
}

// addReferred adds the embedded types that t refers to.
func addReferred(types map[string]*spec.Schema, t *spec.Schema) error {
	if t == nil {
		return nil
	}
	if tokens := t.Ref.GetPointer().DecodedTokens(); len(tokens) > 0 {
		if err := addEmbedded(types, tokens[len(tokens)-1]); err != nil {
			return err
		}
	}
	for _, p := range t.Properties {
		if err := addReferred(types, &p); err != nil {
			return err
		}
	}
	for _, part := range t.AllOf {
		if err := addReferred(types, &part); err != nil {
			return err
		}
	}
	if t.Items != nil {
		if err := addReferred(types, t.Items.Schema); err != nil {
			return err
		}
	}
	if t.AdditionalProperties != nil {
		return addReferred(types, t.AdditionalProperties.Schema)
	}
	return nil
}

// parseable returns the type that has the name in types.
func parseable(types map[string]*spec.Schema, name string, preserveUnknown bool) (*typed.ParseableType, error) {
	s, err := schemaconv.ToSchemaFromOpenAPI(types, preserveUnknown)
	if err != nil {
		return nil, err
	}
	// The other fields of a schema are locks, which are not copied.
	p := &typed.Parser{}
	p.Schema.Types = s.Types
	t := p.Type(name)
	return &t, nil
}
