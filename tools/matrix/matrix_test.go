package main

import (
	"os"
	"strings"
	"testing"
)

// TestTheModuleOfAVersion goes over the bound at which k8s.io/cri-streaming came.
func TestTheModuleOfAVersion(t *testing.T) {
	var mod modFile
	mod.Require = append(mod.Require,
		struct{ Path, Version string }{"k8s.io/api", "v0.0.0"},
		struct{ Path, Version string }{"go.etcd.io/etcd/server/v3", "v3.6.5"})
	mod.Replace = append(mod.Replace, struct{ Old struct{ Path string } }{struct{ Path string }{"k8s.io/api"}})
	for version, streaming := range map[string]bool{"1.35.4": false, "1.36.3": true, "1.37.2": true} {
		r := release{version: version, mod: mod}
		text := r.goMod("/before")
		staged := "v0" + strings.TrimPrefix(version, "1")
		for _, want := range []string{
			"\tk8s.io/kubernetes v" + version + "\n", "\tk8s.io/api " + staged + "\n",
			"\tk8s.io/api => k8s.io/api " + staged + "\n", "\tgo.etcd.io/etcd/server/v3 v3.6.5\n",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: go.mod lacks %q:\n%s", version, want, text)
			}
		}
		if got := !strings.Contains(text, "=> /before/cri-streaming\n"); got != streaming {
			t.Errorf("%s: uses its own cri-streaming: %v, want %v", version, got, streaming)
		}
		if r.etcd() != "3.6.5" {
			t.Errorf("etcd is %q", r.etcd())
		}
	}
}

// TestTheModuleHasDevclustersSources holds the copy to the sources: without tests, with what versions
// before 1.36 need.
func TestTheModuleHasDevclustersSources(t *testing.T) {
	for version, word := range map[string]string{"1.35.4": "logs.NewLogOptions", "1.36.3": "logs.LogOptions{"} {
		dir := t.TempDir()
		if err := (release{version: version}).writeModule("../..", dir); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"/main.go", "/go.mod", "/internal/cluster/cluster.go"} {
			if _, err := os.Stat(dir + name); err != nil {
				t.Error(err)
			}
		}
		if _, err := os.Stat(dir + "/e2e/run_test.go"); err == nil {
			t.Error("the tests were copied")
		}
		logs, err := os.ReadFile(dir + "/kubelet/logfile.go")
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(logs), word) {
			t.Errorf("%s: kubelet/logfile.go has no %q", version, word)
		}
	}
}

func TestWhatATestSaid(t *testing.T) {
	const pkg = library + "/rest"
	tests := []test{{pkg, "TestPass"}, {pkg, "TestSkip"}, {pkg, "TestFail"}, {pkg, "TestDied"}, {pkg, "TestPartly"}}
	c := newCollector(tests)
	for _, e := range []event{
		{"output", pkg, "TestPass", "=== RUN   TestPass\n"},
		{"pass", pkg, "TestPass", ""},
		{"output", pkg, "TestSkip", "    a_test.go:7: a log line\n"},
		{"output", pkg, "TestSkip", "    need.go:12: needs Kubernetes 1.36: it has no such thing\n"},
		{"output", pkg, "TestSkip", "--- SKIP: TestSkip (0.00s)\n"},
		{"skip", pkg, "TestSkip", ""},
		{"output", pkg, "TestFail/sub", "    a_test.go:9: broken\n"},
		{"fail", pkg, "TestFail/sub", ""},
		{"fail", pkg, "TestFail", ""},
		{"skip", pkg, "TestPartly/sub", ""},
		{"pass", pkg, "TestPartly", ""},
		{"output", pkg, "TestDied", "=== RUN   TestDied\n"},
		{"pass", pkg, "TestOther", ""},
		{"fail", pkg, "", ""},
	} {
		c.add(e)
	}
	r := c.result()
	if r.passed != 2 {
		t.Errorf("%d passed, want 2", r.passed)
	}
	if want := (outcome{"rest TestSkip", "needs Kubernetes 1.36: it has no such thing"}); len(r.skipped) != 1 || r.skipped[0] != want {
		t.Errorf("skipped: %q, want %q", r.skipped, want)
	}
	if len(r.failed) != 2 || r.failed[0].name != "rest TestDied" || r.failed[1].text != "    a_test.go:9: broken\n" {
		t.Errorf("failed: %q", r.failed)
	}
}

func TestTheDocument(t *testing.T) {
	results := []result{
		{binary: binary{kubernetes: "1.34.4", etcd: "3.6.4"}, passed: 3, skipped: []outcome{{"rest TestA", "no a|b"}}},
		{binary: binary{kubernetes: "1.35.4", etcd: "3.6.5"}, passed: 3, skipped: []outcome{{"rest TestA", "no a|b"}}},
		{binary: binary{kubernetes: "1.37.2", etcd: "3.7.0"}, passed: 4},
	}
	const want = "before\n" + begins + `| Kubernetes | etcd | tests on a cluster | passed | skipped | failed |
|---|---|---|---|---|---|
| 1.34.4 | 3.6.4 | 4 | 3 | 1 | 0 |
| 1.35.4 | 3.6.5 | 4 | 3 | 1 | 0 |
| 1.37.2 | 3.7.0 | 4 | 4 | 0 | 0 |

| test | why it is skipped | on |
|---|---|---|
| rest TestA | no a\|b | 1.34.4, 1.35.4 |
` + ends + "after\n"
	got, err := replace([]byte("before\n"+begins+"old\n"+ends+"after\n"), results)
	if err != nil || string(got) != want {
		t.Errorf("got %v\n%s\nwant\n%s", err, got, want)
	}
	if _, err := replace([]byte("no marks\n"), results); err == nil {
		t.Error("a document without marks is accepted")
	}
}

// TestTheDocumentNamesEveryVersion holds docs/versions.md to the list.
func TestTheDocumentNamesEveryVersion(t *testing.T) {
	text, err := os.ReadFile("../../docs/versions.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range versions {
		if !strings.Contains(string(text), "\n| "+v+" |") {
			t.Errorf("docs/versions.md has no row of %s: run make matrix", v)
		}
	}
}
