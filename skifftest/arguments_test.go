package skifftest_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/skiff-k8s/skiff/skifftest"
)

const boxDefinition = `{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
	"metadata": {"name": "boxes.example.com"}, "spec": {
		"group": "example.com", "scope": "Namespaced", "names": {"kind": "Box", "plural": "boxes"},
		"versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
			"type": "object", "properties": {"spec": {"type": "object", "properties": {
				"size": {"type": "string", "enum": ["s", "l"], "default": "s"}}}}}}}]}}`

// What a server would drop or refuse, and what no call can be, fails the test and says what is wrong.
func TestMistakesFailTheTest(t *testing.T) {
	box := func(spec string) string {
		return `{"apiVersion":"example.com/v1","kind":"Box","metadata":{"name":"a","namespace":"b"},"spec":` + spec + `}`
	}
	fail := func(verb, resource string) func(*skifftest.Server) {
		return func(s *skifftest.Server) { s.FailNth(verb, resource, 1, errors.New("no")) }
	}
	put := func(o any) func(*skifftest.Server) { return func(s *skifftest.Server) { s.Put(o) } }
	for _, c := range []struct {
		do   func(*skifftest.Server)
		want string // "": it is no mistake
	}{
		{put(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"b"},"dta":{"a":"b"}}`), `unknown field "dta"`},
		{put(box(`{"sise":"l"}`)), `unknown field "spec.sise"`},
		{put(box(`{"size":"xl"}`)), `spec.size: Unsupported value: "xl"`},
		{put(box(`{"size":"l"}`)), ""},
		{put(box(`{}`)), ""},
		{func(s *skifftest.Server) { s.AddCRD(boxDefinition) }, "is the path of a file or folder"},
		{fail("update", "deployments"), "the server serves no deployments, but deployments.apps"},
		{fail("update", "deployment.apps"), "the server serves no deployment.apps"},
		{fail("update", "deployments.apps/stat"), `deployments.apps has no subresource "stat"`},
		{fail("apply", "deployments.apps"), `the verb is "apply"`},
		{fail("update", "deployments.apps/status"), ""},
		{fail("create", "boxes.example.com"), ""},
		{fail("create", "pods/eviction"), ""},
		{fail("get", "crates.example.org"), ""}, // may be defined later
		{fail("GET", ""), ""},
		{fail("", ""), ""},
	} {
		f := &fatal{TB: t}
		s := skifftest.New(f, skifftest.WithCRDs([]byte(boxDefinition)))
		func() {
			defer func() { _ = recover() }()
			c.do(s)
		}()
		if c.want == "" && f.text != "" || c.want != "" && !strings.Contains(f.text, c.want) {
			t.Errorf("%q, want %q", f.text, c.want)
		}
	}
}
