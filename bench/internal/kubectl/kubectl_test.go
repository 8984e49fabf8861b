package kubectl

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/skiff-k8s/skiff/bench/internal/stats"
)

const table = "NAMESPACE   NAME    READY   STATUS    RESTARTS     AGE\n" +
	"a           one     2/2     Running   0            5m3s\n" +
	"b           two     1/2     Running   3 (2m ago)   5m3s\n"

func TestTheSamePods(t *testing.T) {
	later := strings.ReplaceAll(strings.ReplaceAll(table, "5m3s", "5m"), "   ", " ")
	if err := samePods(table, later, 2); err != nil {
		t.Error(err)
	}
	for want, other := range map[string]string{
		"2 lines and kubectl 3": strings.Join(strings.SplitAfter(table, "\n")[:2], ""),
		"line 3 differs":        strings.Replace(table, "two", "three", 1),
		"line 2 differs":        strings.Replace(table, "2/2", "1/2", 1),
	} {
		if err := samePods(other, table, 2); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if err := samePods(table, table, 3); err == nil {
		t.Error("a pod is missing in both, and that is no error")
	}
	wide := strings.Replace(table, "READY", "IP", 1)
	if err := samePods(wide, wide, 2); err == nil || !strings.Contains(err.Error(), "the header is") {
		t.Errorf("another header: %v", err)
	}
	if got := versionOf("Client Version: v1.37.2\nKustomize Version: v5\n") + versionOf("nothing"); got != "v1.37.2unknown" {
		t.Errorf("the versions are %s", got)
	}
}

// Each limit at its bound, and one step over it.
func TestTheSection(t *testing.T) {
	b := &Bench{Pods: 20_000, Runs: 3, Version: "v1.37.2", Samples: stats.Samples{}}
	add := func(figure string, ours, theirs float64) {
		b.Samples[figure] = map[stats.Side][]float64{skiff: {ours, ours, ours}, kubectl: {theirs, theirs, theirs}}
	}
	add(listRSS, 25e6, 100e6)
	add(listWall, 1.05, 1)
	add(listCPU, 9, 1)
	add(versionWall, 1, 3)
	add(size, 30e6, 60e6)
	text := b.Section("a machine", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	for _, want := range []string{
		"Written by `make bench-kubectl` on 2026-01-02; do not edit.", "kubectl v1.37.2's", "ran 3 times each", "20,000 pods", "Machine: a machine.",
		"| peak RSS of `get pods -A` | 25.0 MB | 100 MB | 0.250 | at most 1/4 | met |\n",
		"| CPU of `get pods -A` | 9.00 s | 1.00 s | 9.000 |  |  |\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the section lacks %q:\n%s", want, text)
		}
	}
	if missed := b.Missed(); len(missed) > 0 {
		t.Errorf("at the limits: %q", missed)
	}
	for _, r := range b.ratios().Rows {
		if r.Most == 0 {
			continue
		}
		before := b.Samples[r.Figure]
		theirs := before[kubectl][0]
		add(r.Figure, theirs*(r.Most+0.001), theirs)
		if missed := b.Missed(); len(missed) != 1 || !strings.HasPrefix(missed[0], r.Title) {
			t.Errorf("%s over its limit: %q", r.Title, missed)
		}
		b.Samples[r.Figure] = before
	}
	b.Samples[listWall][skiff] = []float64{1, 0.5, 1.01}
	if text := b.Section("", time.Time{}); !strings.Contains(text, "| time of `get pods -A` | 1.00 s (500 ms – 1.01 s) |") {
		t.Errorf("the median is missing:\n%s", text)
	}
}

// fake writes a program that prints text, or fails. It stands for both skiff and kubectl.
func fake(t *testing.T, name, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestMeasure(t *testing.T) {
	var said strings.Builder
	out := filepath.Join(t.TempDir(), "out")
	b := &Bench{Progress: &said, Samples: stats.Samples{}, home: t.TempDir(), kubeconfig: "of the test", begin: time.Now(), Runs: 3, Pods: 2,
		Measure: fake(t, "measure", `file=$1; shift; "$@" >"$file"; printf '{"code":%d,"wall":3000000000,"cpu":5,"peakRSS":2048}\n' $?`)}
	show := fake(t, "show", `echo "$HOME $KUBECONFIG $SECRET $*"`)
	t.Setenv("SECRET", "not passed on")
	got, err := b.measure(t.Context(), out, show, "a", "b c")
	if want := (usage{Wall: 3 * time.Second, CPU: 5, PeakRSS: 2048}); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	if text, err := os.ReadFile(out); err != nil || string(text) != fmt.Sprintf("%s of the test  a b c\n", b.home) {
		t.Errorf("the program printed %q, %v", text, err)
	}
	if _, err := b.measure(t.Context(), out, fake(t, "fail", "echo no >&2; exit 4"), "x"); err == nil || !strings.Contains(err.Error(), "exit code 4: no") {
		t.Errorf("a program that fails: %v", err)
	}

	// By turns: the one that comes second in a run comes first in the next.
	order := filepath.Join(t.TempDir(), "order")
	program := func(name string) string {
		return fake(t, name, `[ "$1" = version ] && echo "Client Version: v1" && exit; echo `+name+` >>`+order+"; cat <<'E'\n"+table+"E\n")
	}
	tools := []tool{{skiff, program("s")}, {kubectl, program("k")}}
	b.Kubectl = tools[1].program
	if err := b.compare(t.Context(), tools); err != nil || b.Version != "v1" {
		t.Errorf("%v, version %s", err, b.Version)
	}
	if err := b.turns(t.Context(), tools); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(order)
	if got := strings.ReplaceAll(string(text), "\n", ""); got != "sk"+"sk"+"ks"+"sk" {
		t.Errorf("the order is %s", got)
	}
	for _, figure := range []string{listRSS, listWall, listCPU, versionWall} {
		for _, side := range []stats.Side{skiff, kubectl} {
			if n := len(b.Samples[figure][side]); n != 3 {
				t.Errorf("%s of %s: %d samples", figure, side, n)
			}
		}
	}
	if !strings.Contains(said.String(), "run 3, kubectl: ") {
		t.Errorf("said: %s", &said)
	}
}
