package compare

import (
	"context"
	"flag"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	clientgorest "k8s.io/client-go/rest"
	"k8s.io/klog/v2"

	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/rest"
)

// client-go logs what it retries and what it cannot read.
func TestMain(m *testing.M) {
	klog.SetLogger(logr.Discard())
	controlplane.Main(m)
}

var write = flag.String("write", "", "the document whose made part is replaced")

var (
	resultsMu sync.Mutex
	ran       = map[area]*results{}
)

// run makes a comparison once, for the test of its own and for that of the document.
func run(t *testing.T, a area) *results {
	t.Helper()
	resultsMu.Lock()
	defer resultsMu.Unlock()
	if ran[a] == nil {
		ran[a] = comparisons[a](t)
	}
	return ran[a]
}

var comparisons = map[area]func(*testing.T) *results{
	inRequests: runRequests, inAnswers: runAnswers, inKubeconfigs: runKubeconfigs, inControlPlane: runControlPlane,
}

// check fails the test for each difference that has no reason, and if there are fewer cases than the
// comparison promises.
func check(t *testing.T, a area, least int) {
	r := run(t, a)
	t.Logf("%d cases, %d differences", r.cases, len(r.found))
	if r.cases < least {
		t.Errorf("there are %d cases, want at least %d", r.cases, least)
	}
	unexplained := map[string][]difference{}
	for _, d := range r.found {
		if explain(reasons, d) < 0 {
			key := d.Facet + d.Theirs + d.Ours
			unexplained[key] = append(unexplained[key], d)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(unexplained)) {
		t.Errorf("no reason for (%d cases) %s", len(unexplained[key]), unexplained[key][0])
	}
}

func TestRequests(t *testing.T)    { check(t, inRequests, 110) }
func TestAnswers(t *testing.T)     { check(t, inAnswers, 1000) }
func TestKubeconfigs(t *testing.T) { check(t, inKubeconfigs, 160) }

func runAnswers(t *testing.T) *results {
	r := &results{}
	for _, c := range answeredCases() {
		theirs, ours := play(t, c)
		r.collect(inAnswers, c.line(), compareOutcomes(theirs, ours))
	}
	theirs, ours := burst(t)
	r.collect(inAnswers, "30 reads in a row", []difference{{Facet: "seconds", Theirs: theirs.String(), Ours: ours.String()}})
	return r
}

// burst reads 30 times with each library as it is without options, and returns how long that takes.
func burst(t *testing.T) (their, our time.Duration) {
	o := operation{layer: typed, verb: get, on: pods, namespace: "ns", name: "p"}
	c := answeredCase{o, served{code: 200, header: [][2]string{isJSON}, body: []byte("GOOD")}.fit(o)}
	measure := func(ctx context.Context, do func(context.Context, operation) (any, error)) time.Duration {
		began := time.Now()
		for range 30 {
			if _, err := do(ctx, o); err != nil {
				t.Error(err)
			}
		}
		return time.Since(began).Round(time.Second)
	}
	synctest.Test(t, func(t *testing.T) {
		_, server := serve(t, c)
		defer server.Close()
		transport := server.Transport()
		defer transport.CloseIdleConnections()
		theirs, err := newTheirs(&clientgorest.Config{Host: server.URL(), Transport: transport})
		if err != nil {
			t.Fatal(err)
		}
		ours, err := newOurs(&rest.Config{Host: server.URL(), Dial: server.Dial})
		if err != nil {
			t.Fatal(err)
		}
		defer ours.rest.CloseIdleConnections()
		their, our = measure(t.Context(), theirs.do), measure(t.Context(), ours.do)
	})
	return their, our
}

func runKubeconfigs(t *testing.T) *results {
	r := &results{}
	p := newPEMs(t)
	for _, c := range kubeconfigCases() {
		theirs, ours := load(t, c, p)
		r.collect(inKubeconfigs, c.name, compareLoaded(theirs, ours))
	}
	return r
}

// run of every comparison.
func runAll(t *testing.T) map[area]*results {
	all := map[area]*results{}
	for _, a := range areas {
		all[a.area] = run(t, a.area)
	}
	return all
}

// Every reason explains something, and is one of those that the document knows. None says that
// something is not done.
func TestEveryReasonIsNeeded(t *testing.T) {
	all := runAll(t)
	used := make([]bool, len(reasons))
	for _, a := range areas {
		for _, d := range all[a.area].found {
			if i := explain(reasons, d); i >= 0 {
				used[i] = true
			}
		}
	}
	for i, r := range reasons {
		if !used[i] {
			t.Errorf("%s: the reason of %q (%s, %s) explains no difference any more", r.area, r.what, r.facet, r.of)
		}
		if r.why != wrong && r.why != decided || r.source == "" || r.what == "" || r.skiff == "" || r.clientGo == "" {
			t.Errorf("%s: the row %q says %q and %q", r.area, r.what, r.why, r.source)
		}
		if r.why == wrong && !issue.MatchString(r.source) && !strings.Contains(r.source, "KEP-") {
			t.Errorf("%s: the row %q names no issue and no KEP: %q", r.area, r.what, r.source)
		}
	}
}

// docs/differences.md is what these tests would write.
func TestTheDocumentIsTrue(t *testing.T) {
	path, writing := "../docs/differences.md", *write != ""
	if writing {
		path = *write
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := replaceMade(string(text), document(runAll(t)))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	switch {
	case writing && !t.Failed():
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	case want != string(text):
		t.Errorf("%s is not what it would be now: run make differences", path)
	}
}
