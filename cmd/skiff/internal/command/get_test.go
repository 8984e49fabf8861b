package command_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/skiff-k8s/skiff/cmd/skiff/internal/cli"
	"github.com/skiff-k8s/skiff/cmd/skiff/internal/command"
	"github.com/skiff-k8s/skiff/faults"
)

// cut returns the lines of a table as the fields of each.
func cut(table string) [][]string {
	var rows [][]string
	for line := range strings.Lines(table) {
		rows = append(rows, strings.Fields(line))
	}
	return rows
}

// first returns the first field of each line, joined.
func first(table string) string {
	var names []string
	for _, row := range cut(table) {
		names = append(names, row[0])
	}
	return strings.Join(names, " ")
}

func TestGetTables(t *testing.T) {
	r := newTool(t)
	r.configMaps(5)
	if got := first(r.ok("get", "cm", "-l", "a=b")); got != "NAME m-000 m-001 m-002 m-003 m-004" {
		t.Errorf("get cm: %q", got)
	}
	if got := first(r.ok("get", "configmaps", "m-003", "m-001")); got != "NAME m-003 m-001" {
		t.Errorf("by names: %q", got)
	}
	if got := first(r.ok("get", "configmap/m-003", "cm/m-001", "--no-headers")); got != "m-003 m-001" {
		t.Errorf("by TYPE/NAME: %q", got)
	}
	if got := first(r.ok("get", "cm", "--field-selector", "metadata.name=m-002")); got != "NAME m-002" {
		t.Errorf("--field-selector: %q", got)
	}
	if got := first(r.ok("get", "cm", "-l", "a=b", "--sort-by", ".data.num", "--no-headers")); got != "m-004 m-003 m-002 m-001 m-000" {
		t.Errorf("--sort-by: %q", got)
	}
	for row := range slices.Values(cut(r.ok("get", "cm", "-l", "a=b", "-A"))[1:]) {
		if len(row) != 4 || !strings.HasPrefix(row[1], "m-") {
			t.Errorf("-A: %q", row)
		}
	}
	labeled := r.ok("get", "cm", "-l", "a=b", "-L", "a,none", "--show-labels", "--show-kind")
	if rows := cut(labeled); strings.Join(rows[0], " ") != "NAME DATA AGE A NONE LABELS" ||
		rows[1][0] != "configmap/m-000" || strings.Join(rows[1][3:], " ") != "b <none> a=b" {
		t.Errorf("labels: %q", rows[:2])
	}
}

// The columns of wide output come from the server, those of a CustomResourceDefinition too, and an
// empty column stays empty.
func TestGetCustomResources(t *testing.T) {
	r := newTool(t)
	group := strings.ReplaceAll(r.namespace, "-", "") + ".example.com"
	r.create(fmt.Sprintf(`apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: boats.%[1]s}
spec:
  group: %[1]s
  scope: Namespaced
  names: {plural: boats, singular: boat, kind: Boat, listKind: BoatList, shortNames: [bt], categories: [harbour]}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
    additionalPrinterColumns:
    - {name: Sails, type: integer, jsonPath: .spec.sails}
    - {name: Port, type: string, jsonPath: .spec.port}
    - {name: Crew, type: string, jsonPath: .spec.crew, priority: 1}
`, group))
	r.await("get", "boats."+group)
	boat := "apiVersion: " + group + "/v1\nkind: Boat\nmetadata: {name: %s}\nspec: {sails: %d, crew: %s}"
	r.create(fmt.Sprintf(boat, "dinghy", 1, "ann") + "\n---\n" + fmt.Sprintf(boat, "schooner", 3, "bob"))

	table := r.ok("get", "boats."+group)
	if table != "NAME       SAILS   PORT\ndinghy     1\nschooner   3\n" {
		t.Errorf("the table:\n%s", table)
	}
	if rows := cut(r.ok("get", "bt."+group, "-o", "wide")); strings.Join(rows[0], " ") != "NAME SAILS PORT CREW" ||
		strings.Join(rows[2], " ") != "schooner 3 bob" {
		t.Errorf("wide: %q", rows)
	}
	if got := r.ok("get", "Boat.v1."+group, "-o", "name"); got != fmt.Sprintf("boat.%[1]s/dinghy\nboat.%[1]s/schooner\n", group) {
		t.Errorf("-o name: %q", got)
	}
	if got := r.ok("get", "harbour", "--sort-by", "{.spec.sails}", "-o", "jsonpath={.items[*].metadata.name}"); got != "dinghy schooner" {
		t.Errorf("by category: %q", got)
	}
}

// Several resources are printed one after the other, with their types before the names.
func TestGetSeveralResources(t *testing.T) {
	r := newTool(t)
	r.create(`apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 0
  selector: {matchLabels: {a: b}}
  template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}`)
	for _, types := range []string{"svc,deploy,svc", "all"} {
		got := r.ok("get", types)
		if !strings.Contains(got, "service/web ") || !strings.Contains(got, "\n\nNAME") ||
			!strings.Contains(got, "deployment.apps/web ") || strings.Count(got, "service/web ") != 1 {
			t.Errorf("get %s:\n%s", types, got)
		}
	}
	got := r.ok("get", "deploy/web", "--subresource", "scale", "-o", "jsonpath={.kind} {.metadata.name}")
	if got != "Scale web" {
		t.Errorf("--subresource: %q", got)
	}
	if got := r.ok("get", "deploy/web", "svc/web", "-o", "json"); !strings.Contains(got, `"kind": "List"`) {
		t.Errorf("two objects are no list: %s", got)
	}
}

// What -o json and yaml print can be read again, and has the type that lists leave out.
func TestGetFormatsParseBack(t *testing.T) {
	r := newTool(t)
	r.configMaps(2)
	r.create("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: text}\ndata:\n  a: \"one\\n  two\\n\\n\"\n  b: \"- x: 1\\n---\\n\"")
	type object struct {
		APIVersion, Kind string
		Metadata         struct {
			Name          string
			ManagedFields []any
		}
		Data  map[string]string
		Items []object
	}
	for format, parse := range map[string]func([]byte, *object) error{
		"json": func(b []byte, o *object) error { return json.Unmarshal(b, o) },
		"yaml": func(b []byte, o *object) error { return yaml.Unmarshal(b, o) },
	} {
		var one, list, none, managed object
		for _, c := range []struct {
			into *object
			args []string
		}{
			{&one, []string{"cm", "text"}},
			{&list, []string{"cm", "--field-selector", "metadata.name!=kube-root-ca.crt", "--chunk-size", "1"}},
			{&none, []string{"cm", "-l", "no=where"}},
			{&managed, []string{"cm/text", "--show-managed-fields"}},
		} {
			out := r.ok(append([]string{"get", "-o", format}, c.args...)...)
			if err := parse([]byte(out), c.into); err != nil {
				t.Fatalf("-o %s of %q: %v\n%s", format, c.args, err, out)
			}
		}
		if one.Kind != "ConfigMap" || one.APIVersion != "v1" || one.Data["a"] != "one\n  two\n\n" || one.Data["b"] != "- x: 1\n---\n" {
			t.Errorf("-o %s of one object: %+v", format, one)
		}
		if list.Kind != "List" || len(list.Items) != 3 || list.Items[0].Kind != "ConfigMap" || list.Items[0].APIVersion != "v1" ||
			list.Items[2].Data["a"] != "one\n  two\n\n" || list.Items[2].Data["b"] != "- x: 1\n---\n" {
			t.Errorf("-o %s of a list: %+v", format, list)
		}
		if none.Kind != "List" || none.Items == nil || len(none.Items) != 0 {
			t.Errorf("-o %s of nothing: %+v", format, none)
		}
		if len(one.Metadata.ManagedFields) != 0 || len(managed.Metadata.ManagedFields) == 0 {
			t.Errorf("-o %s: managedFields of %d and %d", format, len(one.Metadata.ManagedFields), len(managed.Metadata.ManagedFields))
		}
	}
}

func TestGetTemplates(t *testing.T) {
	r := newTool(t)
	r.configMaps(2)
	file := filepath.Join(t.TempDir(), "template")
	if err := os.WriteFile(file, []byte(`{range .items[*]}{.metadata.name}={.data.num};{end}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ want, format string }{
		{"m-000 m-001", "jsonpath={.items[*].metadata.name}"},
		{"m-000=2;m-001=1;", "jsonpath-file=" + file},
		{"m-001", `jsonpath={.items[?(@.data.num=="1")].metadata.name}`},
		{"NAME    N   NONE\nm-000   2   <none>\nm-001   1   <none>\n", "custom-columns=NAME:.metadata.name,N:.data.num,NONE:.data.x"},
	} {
		if got := r.ok("get", "cm", "-l", "a=b", "-o", c.format); got != c.want {
			t.Errorf("-o %s: got %q, want %q", c.format, got, c.want)
		}
	}
	if got := r.ok("get", "cm", "m-001", "-o", "jsonpath={.data.num}"); got != "1" {
		t.Errorf("a template of one object: %q", got)
	}
	var names []string
	if got := r.ok("get", "cm", "-l", "a=b", "-o", "jsonpath-as-json={.items[*].metadata.name}"); json.Unmarshal([]byte(got), &names) != nil || len(names) != 2 {
		t.Errorf("-o jsonpath-as-json: %q", got)
	}
}

func TestGetNothing(t *testing.T) {
	r := newTool(t)
	if got := r.run("get", "deploy"); got.code != 0 || got.out != "" || got.err != "No resources found in namespace "+r.namespace+".\n" {
		t.Errorf("an empty namespace: %+v", got)
	}
	if got := r.run("get", "deploy", "-A", "-l", "no=where"); got.code != 0 || got.err != "No resources found.\n" {
		t.Errorf("all namespaces: %+v", got)
	}
	r.configMaps(1)
	got := r.fails(1, []string{`skiff: get configmaps/nope: configmaps "nope" not found`}, "get", "cm", "m-000", "nope")
	if first(got.out) != "NAME m-000" {
		t.Errorf("beside what is not found: %q", got.out)
	}
	for _, args := range [][]string{{"cm", "nope"}, {"cm/nope", "-o", "yaml"}, {"cm", "nope", "nada", "-o", "json"}, {"cm", "-l", "no=where"}} {
		if got := r.run(append([]string{"get", "--ignore-not-found"}, args...)...); got.code != 0 || got.out != "" || got.err != "" {
			t.Errorf("--ignore-not-found %q: %+v", args, got)
		}
	}
}

func TestGetRefuses(t *testing.T) {
	r := newTool(t)
	for _, c := range []struct {
		code int
		part string
		args string
	}{
		{2, "name a resource", ""},
		{1, `find resource "flowers": the server serves none`, "flowers"},
		{1, `find resource "pods.apps": the server serves none`, "pods.apps"},
		{2, "if one argument is TYPE/NAME, all are", "pod/a b"},
		{2, `argument "pod/": want TYPE/NAME`, "pod/"},
		{2, `argument "pods,": a type is empty`, "pods,"},
		{2, "--all-namespaces does not go with names", "pod a -A"},
		{2, "names and selectors exclude each other", "pod a -l a=b"},
		{2, "--selector \"a_|b\"", "pods -l a_|b"},
		{2, "--sort-by", "pods --sort-by {.a"},
		{2, "want wide", "pods -o fancy"},
		{2, "want jsonpath=", "pods -o jsonpath"},
		{2, "the template", "pods -o jsonpath={.a"},
		{2, "--chunk-size must not be negative", "pods --chunk-size -1"},
		{2, "--watch is for one resource", "pods,svc -w"},
		{2, "--subresource needs names", "pods --subresource status"},
		{1, "skiff: list pods: pods is forbidden: User \"nobody\"", "pods --as nobody"},
		{1, "skiff: get pods/x: pods \"x\" is forbidden", "pod x --as nobody"},
	} {
		args := strings.Fields("get " + c.args)
		r.fails(c.code, []string{"skiff: ", c.part}, args...)
	}
	checkFailure(t, skiff(t, "get", "pods", "-s", "http://127.0.0.1:1", "--cache-dir", t.TempDir()), 1,
		[]string{"connection refused"}, nil)
}

// newerToken answers as a server does whose snapshot of a list has expired: with the token for the rest.
func newerToken() faults.Fault {
	return faults.NewFault("expired", func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusGone)
			fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","metadata":{"continue":%q},"status":"Failure","reason":"Expired","message":"too old","code":410}`,
				req.URL.Query().Get("continue"))
		})
	})
}

// A list in chunks whose continue token expires goes on with the token that the server gives.
func TestGetGoesOnAfterAnExpiredToken(t *testing.T) {
	direct := newTool(t)
	direct.configMaps(7)
	later := func(req *http.Request) bool { return req.URL.Query().Has("continue") }
	for _, format := range []string{"", "name"} {
		r, layer := direct.through(faults.Rule{On: faults.List, Path: "/api/v1/", If: later, Skip: 1, Times: 1, Do: newerToken()})
		got := r.run("get", "cm", "-l", "a=b", "--chunk-size", "2", "--no-headers", "-o", format)
		if got.code != 0 || strings.Count(got.out, "m-00") != 7 || !strings.Contains(got.err, "after 4 objects: the server's snapshot has expired") {
			t.Errorf("-o %q: %+v\n%s", format, got, faults.Transcript(layer.Requests()))
		}
	}
	r, _ := direct.through(faults.Rule{On: faults.List, Path: "/api/v1/", If: later, Do: faults.Status(410)})
	r.fails(1, []string{"list configmaps", "(after 2 objects)", "--chunk-size 0"}, "get", "cm", "-l", "a=b", "--chunk-size", "2")
	r, layer := direct.through(faults.Rule{On: faults.List, Path: "/api/v1/", If: later, Do: newerToken()})
	r.fails(1, []string{"list configmaps", "(after 2 objects)"}, "get", "cm", "-l", "a=b", "--chunk-size", "2")
	if n := faults.Faulted(layer.Requests()); n != 2 {
		t.Errorf("a token that is refused twice is sent %d times", n)
	}
	again := faults.NewFault("again", func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			query := req.URL.Query()
			query.Del("continue")
			req.URL.RawQuery = query.Encode()
			next.ServeHTTP(w, req)
		})
	})
	r, _ = direct.through(faults.Rule{On: faults.List, Path: "/api/v1/", Do: faults.All(faults.SameContinue("x"), again)})
	r.fails(1, []string{"repeats a continue token"}, "get", "cm", "-l", "a=b", "-o", "name")
}

// A server that knows no tables answers with objects, and the table has names and ages.
func TestGetWithoutTables(t *testing.T) {
	direct := newTool(t)
	direct.configMaps(2)
	plain := faults.NewFault("no tables", func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			req.Header.Set("Accept", "application/json")
			next.ServeHTTP(w, req)
		})
	})
	r, _ := direct.through(faults.Rule{On: faults.List | faults.Get, Path: "/api/v1/namespaces", Do: plain})
	for _, args := range [][]string{{"cm", "-l", "a=b", "--chunk-size", "1"}, {"cm", "m-000", "m-001"}} {
		if rows := cut(r.ok(append([]string{"get"}, args...)...)); len(rows) != 3 || strings.Join(rows[0], " ") != "NAME AGE" || rows[2][0] != "m-001" {
			t.Errorf("%q: %q", args, rows)
		}
	}
}

func TestGetRaw(t *testing.T) {
	r := newTool(t)
	r.configMaps(3)
	got := r.ok("get", "--raw", "/api/v1/namespaces/"+r.namespace+"/configmaps?labelSelector=a%3Db&limit=2")
	if !strings.HasPrefix(got, `{"kind":"ConfigMapList"`) || strings.Count(got, `"name":"m-`) != 2 {
		t.Errorf("--raw: %s", got)
	}
	if got := r.ok("get", "--raw", "/readyz"); got != "ok" {
		t.Errorf("--raw /readyz: %q", got)
	}
	r.fails(1, []string{"skiff: ", "could not find"}, "get", "--raw", "/nope")
	r.fails(2, []string{"--raw takes no arguments"}, "get", "pods", "--raw", "/readyz")
}

// brokenPipe is an output that nobody reads any more.
type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) {
	return 0, &os.PathError{Op: "write", Path: "|1", Err: syscall.EPIPE}
}

func TestGetIntoABrokenPipe(t *testing.T) {
	r := newTool(t)
	r.configMaps(1)
	for _, format := range []string{"", "json", "yaml", "name", "jsonpath={.items}"} {
		var errs strings.Builder
		code := command.Main(t.Context(), append(r.flags, "get", "cm", "-o", format),
			cli.Streams{In: strings.NewReader(""), Out: brokenPipe{}, Err: &errs})
		if code != cli.CodePipe || errs.String() != "" {
			t.Errorf("-o %q: exit code %d, %q", format, code, errs.String())
		}
	}
}

// A signal ends the command with its code, and prints nothing.
func TestSignalsEndQuietly(t *testing.T) {
	for signal, code := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(&cli.SignalError{Signal: signal})
		var out, errs strings.Builder
		if got := command.Main(ctx, []string{"get", "pods", "-s", "http://127.0.0.1:1"}, cli.Streams{Out: &out, Err: &errs}); got != code || errs.String() != "" {
			t.Errorf("%s: exit code %d, %q", signal, got, errs.String())
		}
	}
}
