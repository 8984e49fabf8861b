package command_test

import (
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/faults"
)

func TestWait(t *testing.T) {
	r := newTool(t)
	r.configMaps(2)
	r.pod("web", nil, "app", "pause")
	for _, c := range []struct {
		want string
		args []string
	}{
		{"pod/web condition met\n", []string{"pod/web", "--for", "condition=ready"}},
		{"pod/web condition met\n", []string{"pods", "web", "--for", "condition=Ready=True", "--timeout", "0"}},
		{"pod/web condition met\n", []string{"pods", "-l", "app=web", "--for", "jsonpath={.status.phase}=Running", "--timeout", "-1s"}},
		{"pod/web condition met\n", []string{"pods", "--all", "--for", `jsonpath={.status.conditions[?(@.type=="Ready")].status}=True`}},
		{"pod/web condition met\n", []string{"pods", "--field-selector", "metadata.name=web", "--for", "jsonpath=.status.podIP"}},
		{"configmap/m-001 condition met\n", []string{"cm/m-001", "--for", "create"}},
		{"configmap/m-001 condition met\n", []string{"cm/m-001", "--for", "jsonpath={.data.num}=1"}},
		{"configmap/none condition met\n", []string{"cm/none", "--for", "delete"}},
		{"", []string{"cm", "-l", "a=none", "--for", "delete"}},
	} {
		if got := r.ok(append([]string{"wait"}, c.args...)...); got != c.want {
			t.Errorf("wait %q: %q, want %q", c.args, got, c.want)
		}
	}
	got := r.ok("wait", "cm", "-l", "a=b", "--for", "create")
	if !strings.Contains(got, "configmap/m-000 condition met\n") || !strings.Contains(got, "configmap/m-001 condition met\n") {
		t.Errorf("two objects: %q", got)
	}
	for part, args := range map[string][]string{
		"--for is missing":                      {"cm/a"},
		`--for "ready": want condition=TYPE`:    {"cm/a", "--for", "ready"},
		"want condition=TYPE[=STATUS]":          {"cm/a", "--for", "condition==x"},
		"want = behind the path":                {"cm/a", "--for", "jsonpath={.a}x"},
		"the value behind = is empty":           {"cm/a", "--for", "jsonpath={.a}="},
		`path "{": a brace is missing`:          {"cm/a", "--for", "jsonpath={"},
		"name the configmaps, or give":          {"cm", "--for", "create"},
		"names exclude --selector":              {"cm/a", "-l", "a=b", "--for", "create"},
		"--all excludes --selector":             {"cm", "--all", "-l", "a=b", "--for", "create"},
		"--all-namespaces needs":                {"cm", "-A", "--for", "create"},
		"--filename and the argument":           {"cm/a", "-f", "x", "--for", "create"},
		"--filename excludes --selector":        {"-l", "a=b", "-f", "x", "--for", "create"},
		`--filename "http://x": skiff loads no`: {"-f", "http://x", "--for", "create"},
	} {
		r.fails(2, []string{"skiff: ", part}, append([]string{"wait"}, args...)...)
	}
	for part, args := range map[string][]string{
		"it does not exist":                            {"cm/none", "--for", "condition=Ready"},
		"there is no such field":                       {"cm/m-000", "--for", "jsonpath={.data.none}", "--timeout", "0"},
		"{.data.num} is 2":                             {"cm/m-000", "--for", "jsonpath={.data.num}=3", "--timeout", "0"},
		"the timeout of 1ms (--timeout) is over":       {"cm/m-000", "--for", "delete", "--timeout", "1ms"},
		"no object matches":                            {"cm", "-l", "a=none", "--for", "create"},
		`wait for configmaps "`:                        {"cm/none", "--for", "create", "--timeout", "0"},
		"nobody\" cannot list resource \"configmaps\"": {"cm/m-000", "--for", "delete", "--as", "nobody"},
	} {
		r.fails(1, []string{"skiff: ", part}, append([]string{"wait"}, args...)...)
	}
}

// What happens while skiff waits.
func TestWaitForAChange(t *testing.T) {
	r := newTool(t)
	r.configMaps(2)
	r.pod("web", nil, "app", "pause")
	w := r.start("wait", "cm", "-l", "a=b", "--for", "jsonpath={.data.go}=on", "--timeout", "2m")
	r.patch("configmaps", "m-001", `{"data":{"go":"on"}}`)
	seen := w.line()
	r.patch("configmaps", "m-000", `{"data":{"go":"on"}}`)
	if seen += w.line(); !strings.Contains(seen, "m-000") || !strings.Contains(seen, "m-001") {
		t.Errorf("the lines are %q", seen)
	}
	if w.lines.Scan() || w.stop() != 0 {
		t.Errorf("more: %q, %s", w.lines.Text(), w.errs)
	}
	// Another object of the name does not make the first one come back.
	d := r.start("wait", "pod/web", "--for", "delete", "--timeout", "2m")
	r.ok("delete", "pod", "web", "--force", "--wait")
	r.pod("web", nil, "app", "pause")
	d.expect("pod/web condition met")
	d.stop()
}

// A broken watch and 410 do not end a wait.
func TestWaitAcrossFaults(t *testing.T) {
	direct := newTool(t)
	direct.configMaps(1)
	changed := faults.NewFault("changed", func(next http.Handler) http.Handler {
		gone := faults.ErrorEvent(410).Handler(next)
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			direct.patch("configmaps", "m-000", `{"data":{"go":"on"}}`)
			gone.ServeHTTP(w, req)
		})
	})
	r, layer := direct.through(
		faults.Rule{On: faults.Watch, Times: 1, Do: faults.Reset()},
		faults.Rule{On: faults.Watch, Times: 1, Do: changed})
	got := r.run("wait", "cm/m-000", "--for", "jsonpath={.data.go}=on", "--timeout", "2m")
	if got.code != 0 || got.out != "configmap/m-000 condition met\n" {
		t.Errorf("%+v\n%s", got, faults.Transcript(layer.Requests()))
	}
}

func TestDelete(t *testing.T) {
	r := newTool(t)
	r.configMaps(4)
	from := " deleted from " + r.namespace + " namespace"
	for _, c := range []struct {
		want string
		args []string
	}{
		{`configmap "m-000"` + from + " (server dry run)\n", []string{"cm", "m-000", "--dry-run=server"}},
		{`configmap "m-000"` + from + "\n", []string{"cm", "m-000"}},
		{"configmap/m-001\n", []string{"cm/m-001", "-o", "name", "--now"}},
		{"", []string{"cm/m-001", "--ignore-not-found"}},
		{`configmap "m-002"` + from + "\n" + `configmap "m-003"` + from + "\n", []string{"cm", "-l", "a=b"}},
	} {
		if got := r.ok(append([]string{"delete"}, c.args...)...); got != c.want {
			t.Errorf("delete %q: %q, want %q", c.args, got, c.want)
		}
	}
	if got := r.run("delete", "cm", "-l", "a=b"); got.code != 0 || got.err != "No object matches.\n" {
		t.Errorf("of nothing: %+v", got)
	}
	r.fails(1, []string{`skiff: configmaps "m-001" not found`}, "delete", "cm/m-001")
	for part, args := range map[string][]string{
		"--cascade \"x\": want":            {"--cascade", "x"},
		"--dry-run \"client\": want":       {"--dry-run", "client"},
		"--output \"yaml\": want name":     {"-o", "yaml"},
		"--now and --grace-period":         {"--now", "--grace-period", "3"},
		"--force means":                    {"--force", "--grace-period", "3"},
		"--grace-period 0 needs --force":   {"--grace-period", "0"},
		"--grace-period must not be less":  {"--grace-period", "-2"},
		"--timeout must not be negative":   {"--timeout", "-1s"},
		"name the configmaps, or give --s": {},
	} {
		r.fails(2, []string{"skiff: ", part}, append([]string{"delete", "cm"}, args...)...)
	}
	r.fails(2, []string{"name a resource"}, "delete")
}

// The process of a pod has its grace period, unless the deletion is forced.
func TestDeleteWaits(t *testing.T) {
	r := newTool(t)
	finalized := func(name string) {
		r.create("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + ", finalizers: [example.com/keep]}")
	}
	finalized("held")
	r.fails(1, []string{"the timeout of 1s (--timeout) is over", "it is being deleted, and has the finalizers [example.com/keep]"},
		"delete", "cm/held", "--timeout", "1s")
	d := r.start("delete", "cm/held", "--timeout", "2m")
	d.expect(`configmap "held" deleted`)
	r.patch("configmaps", "held", `{"metadata":{"finalizers":null}}`)
	if d.lines.Scan() || d.stop() != 0 {
		t.Errorf("after the finalizer: %q, %s", d.lines.Text(), d.errs)
	}
	finalized("kept")
	r.ok("delete", "cm/kept", "--wait=false")
	r.patch("configmaps", "kept", `{"metadata":{"finalizers":null}}`)

	r.pod("web", func(p *corev1.Pod) { p.Spec.TerminationGracePeriodSeconds = new(int64(3600)) }, "app", "pause")
	if got := r.run("delete", "pod/web", "--force"); got.code != 0 || !strings.Contains(got.out, "force deleted") || !strings.HasPrefix(got.err, "Warning: ") {
		t.Errorf("--force: %+v", got)
	}
}

// A selected object that has been replaced by another one of its name is not deleted.
func TestDeleteOfAnotherObject(t *testing.T) {
	direct := newTool(t)
	direct.configMaps(1)
	replaced := faults.NewFault("replaced", func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			direct.remove("configmaps", "m-000")
			direct.configMaps(1)
			next.ServeHTTP(w, req)
		})
	})
	r, _ := direct.through(faults.Rule{On: faults.Delete, Times: 1, Do: replaced})
	if got := r.run("delete", "cm", "-l", "a=b"); got.code != 0 || got.out != "" {
		t.Errorf("%+v", got)
	}
	direct.ok("get", "cm/m-000")
	// Foreground deletion of an owner deletes what it owns before, and orphan does not.
	for _, c := range [][2]string{{"foreground", ""}, {"orphan", "configmap/owned"}} {
		cascade, want := c[0], c[1]
		direct.create("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: owner}")
		uid := direct.ok("get", "cm/owner", "-o", "jsonpath={.metadata.uid}")
		direct.create("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: owned, labels: {c: d}, ownerReferences: [{apiVersion: v1, " +
			"kind: ConfigMap, name: owner, blockOwnerDeletion: true, uid: " + uid + "}]}")
		direct.ok("delete", "cm/owner", "--cascade", cascade, "--timeout", "2m")
		if got := strings.TrimSpace(direct.ok("get", "cm", "-l", "c=d", "-o", "name")); got != want {
			t.Errorf("after a deletion with --cascade %s: %q", cascade, got)
		}
	}
}
