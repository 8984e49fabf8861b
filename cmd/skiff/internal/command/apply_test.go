package command_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// write writes files of a temporary folder, and returns it. files are pairs of a path and a content.
func write(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		path := filepath.Join(dir, files[i])
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(files[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func cm(name, data string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + ", labels: {t: apply}}\ndata: {" + data + "}\n---\n"
}

func TestApply(t *testing.T) {
	r := newTool(t)
	dir := write(t, "b.yaml", cm("two", "a: b"), "a.json", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"one","labels":{"t":"apply"}}}`,
		"notes.txt", "no: [object", "deep/c.yml", cm("three", ""))
	applied := func(names ...string) string {
		return "configmap/" + strings.Join(names, " serverside-applied\nconfigmap/") + " serverside-applied\n"
	}
	for _, c := range []struct {
		want string
		args []string
	}{
		{"configmap/one\nconfigmap/two\n", []string{"-f", dir, "--dry-run=server", "-o", "name"}},
		{"configmap/two serverside-applied (server dry run)\n", []string{"-f", dir + "/b.yaml", "--dry-run=server"}},
		{applied("one", "two"), []string{"-f", dir}},
		{applied("one", "two", "three"), []string{"-R", "-f", dir, "--server-side"}},
		{applied("two", "one"), []string{"-f", dir + "/b.yaml", "-f", dir + "/a.json"}},
	} {
		if got := r.ok(append([]string{"apply"}, c.args...)...); got != c.want {
			t.Errorf("apply %q: %q, want %q", c.args, got, c.want)
		}
		if strings.Contains(c.args[len(c.args)-1], "dry-run") {
			if got := r.ok("get", "cm", "-l", "t=apply", "-o", "name"); got != "" {
				t.Errorf("a dry run has stored %q", got)
			}
		}
	}
	got := skiffIn(t, cm("four", "x: v")+cm("five", ""), append([]string{"apply", "-f", "-"}, r.flags...)...)
	if got.out != applied("four", "five") || got.code != 0 {
		t.Errorf("from standard input: %+v", got)
	}
	if got := r.ok("get", "cm", "-l", "t=apply", "-o", "name"); strings.Count(got, "\n") != 5 {
		t.Errorf("stored are %q", got)
	}
	r.ok("wait", "-f", dir, "-R", "--for", "create")
	if got := r.ok("delete", "-f", dir, "-R", "-o", "name"); got != "configmap/three\nconfigmap/two\nconfigmap/one\n" {
		t.Errorf("deleted: %q", got)
	}
	for part, args := range map[string][]string{
		"--filename is missing":                {},
		"skiff applies on the server only":     {"-f", dir, "--server-side=false"},
		"--field-manager is empty":             {"-f", dir, "--field-manager", ""},
		"--validate \"x\": want":               {"-f", dir, "--validate", "x"},
		"--timeout must be positive":           {"-f", dir, "--timeout", "0"},
		"--output \"json\": want":              {"-f", dir, "-o", "json"},
		"--diff and --output name exclude":     {"-f", dir, "--diff", "-o", "name"},
		"--dry-run \"client\": want":           {"-f", dir, "--dry-run", "client"},
		"skiff loads no URL":                   {"-f", "https://example.com/a.yaml"},
		"there is one standard input":          {"-f", "-", "-f", "-"},
		"--filename: a name is empty":          {"-f", dir + ",,x"},
		"unknown command \"x\" for \"skiff ap": {"x"},
	} {
		r.fails(2, []string{"skiff: ", part}, append([]string{"apply"}, args...)...)
	}
	for part, args := range map[string][]string{
		"no such file":                        {"-f", dir + "/none"},
		"it has no file of .yaml":             {"-f", write(t, "a.txt", "")},
		"there is no object":                  {"-f", write(t, "a.yaml", "# nothing\n")},
		"notes.txt\": ":                       {"-f", dir + "/notes.txt"},
		`has the namespace "other", and --na`: {"-f", write(t, "a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: other}")},
		`find its resource: no matches for`:   {"-f", write(t, "a.yaml", "apiVersion: v1\nkind: Nothing\nmetadata: {name: a}")},
		`field not declared in schema`:        {"-f", write(t, "a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndate: {}")},
	} {
		r.fails(1, []string{"skiff: ", part}, append([]string{"apply"}, args...)...)
	}
}

func TestApplyConflicts(t *testing.T) {
	r := newTool(t)
	theirs, ours := write(t, "a.yaml", cm("a", "x: theirs, z: theirs")), write(t, "a.yaml", cm("a", "x: ours, z: ours")+cm("b", ""))
	r.ok("apply", "-f", theirs, "--field-manager", "them")
	got := r.fails(1, []string{"skiff: apply ConfigMap \"a\" (object 1): fields belong to other managers; --force-conflicts takes them over:\n" +
		"  .data.x: them\n  .data.z: them\n"}, "apply", "-f", ours)
	if got.out != "configmap/b serverside-applied\n" {
		t.Errorf("the other object: %q", got.out)
	}
	r.ok("apply", "-f", ours, "--force-conflicts")
	if got := r.ok("get", "cm/a", "-o", "jsonpath={.data.x}"); got != "ours" {
		t.Errorf("after --force-conflicts: %q", got)
	}
}

func TestApplyDiff(t *testing.T) {
	r := newTool(t)
	secret := func(data string) string {
		return "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {" + data + "}\n---\n"
	}
	first := write(t, "a.yaml", cm("a", "x: one, z: same")+secret("p: hunter2, q: kept1"))
	got := r.ok("apply", "-f", first, "--diff", "--dry-run=server")
	for _, want := range []string{"--- live/configmap/a\n+++ applied/configmap/a\n", "+  x: one\n", "+  p: '***'\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("the diff of a new object lacks %q:\n%s", want, got)
		}
	}
	for _, not := range []string{"uid", "creationTimestamp", "managedFields", "resourceVersion", "hunter2", "aHVudGVyMg", "serverside-applied"} {
		if strings.Contains(got, not) {
			t.Errorf("the diff of a new object has %q:\n%s", not, got)
		}
	}
	if got := r.ok("get", "cm", "-l", "t=apply", "-o", "name"); got != "" {
		t.Errorf("a dry run has stored %q", got)
	}
	if got := r.ok("apply", "-f", first, "--diff"); !strings.HasSuffix(got, "configmap/a serverside-applied\nsecret/s serverside-applied\n") {
		t.Errorf("with --diff: %s", got)
	}
	if got := r.ok("apply", "-f", first, "--diff", "--dry-run=server"); got != "" {
		t.Errorf("nothing changes: %s", got)
	}
	second := write(t, "a.yaml", cm("a", "x: two, z: same")+secret("p: hunter3, q: kept1"))
	got = r.ok("apply", "-f", second, "--diff", "--dry-run=server")
	for _, want := range []string{" data:\n-  x: one\n+  x: two\n   z: same\n", "-  p: '*** (before)'\n+  p: '*** (after)'\n   q: '***'\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("the diff lacks %q:\n%s", want, got)
		}
	}
	for _, not := range []string{"hunter", "aHVudGVy", "generation", "managedFields", "resourceVersion"} {
		if strings.Contains(got, not) {
			t.Errorf("the diff has %q:\n%s", not, got)
		}
	}
	// If the server refuses one object, nothing is applied.
	bad := write(t, "a.yaml", cm("a", "x: three")+"apiVersion: v1\nkind: Nothing\nmetadata: {name: none}\n")
	r.fails(1, []string{"no matches for kind"}, "apply", "-f", bad, "--diff")
	if got := r.ok("get", "cm/a", "-o", "jsonpath={.data.x}"); got != "one" {
		t.Errorf("after a diff that failed: %q", got)
	}
}

// A namespace and a definition may stand behind the objects that need them.
func TestApplyOrder(t *testing.T) {
	r := newTool(t)
	group := "apply.skiff.example.com"
	inner := r.namespace + "-inner"
	dir := write(t, "a.yaml", "apiVersion: "+group+"/v1\nkind: Widget\nmetadata: {name: w, namespace: "+inner+"}\nspec: {size: 1}\n", "b.yaml",
		`apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.`+group+`}
spec:
  group: `+group+`
  scope: Namespaced
  names: {plural: widgets, kind: Widget}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}
---
apiVersion: v1
kind: Namespace
metadata: {name: `+inner+`}
`)
	flags := append([]string{}, r.flags[:len(r.flags)-2]...) // without -n
	run := func(args ...string) result { return skiff(t, append(args, flags...)...) }
	got := run("apply", "-f", dir, "--diff", "--dry-run=server")
	if got.code != 0 || !strings.Contains(got.err, "widget."+group+"/w: new, and not checked") || !strings.Contains(got.out, "+++ applied/namespace/"+inner) {
		t.Errorf("a diff before anything is there: %+v", got)
	}
	want := "namespace/" + inner + " serverside-applied\ncustomresourcedefinition.apiextensions.k8s.io/widgets." + group +
		" serverside-applied\nwidget." + group + "/w serverside-applied\n"
	if got := run("apply", "-f", dir); got.out != want || got.code != 0 {
		t.Errorf("got %+v, want %s", got, want)
	}
	if got := run("delete", "-f", dir, "-o", "name", "--timeout", "2m"); got.code != 0 || !strings.HasPrefix(got.out, "namespace/") {
		t.Errorf("deleted: %+v", got)
	}
}
