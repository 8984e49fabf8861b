// Package conformance is a suite of cases that an API server of Kubernetes has to pass: each says what
// a client sees of one rule. It runs on the real control plane and on [skifftest]'s server in memory,
// so that a test which passes on the second says something about the first.
//
// A case checks status codes, reasons, details, objects, versions, events and headers. It never checks
// how long something takes. Each case is a subtest, with names of its own: a namespace that nobody
// else uses, and unique names for objects that have no namespace. Cases run in parallel, except those
// that need [Target.Expire].
//
// [Differences] lists the cases that skifftest's server fails, each with the reason.
//
// [skifftest]: https://pkg.go.dev/github.com/skiff-k8s/skiff/skifftest
package conformance

import (
	"slices"
	"strings"
	"testing"

	"github.com/skiff-k8s/skiff/rest"
)

// Target is a server that the suite runs on.
type Target struct {
	// Name is the name of the subtest that holds the cases.
	Name string
	// Config reaches the server, as a user who may do everything.
	Config *rest.Config
	// Expire makes the server forget its history: after it returns, every version that the server
	// gave before is too old to watch or to list from, and every continue token has expired. It may
	// disturb connections. nil means that the cases of topic "expired" are skipped.
	Expire func(t testing.TB)
	// Collect runs the garbage collection of owner references until there is nothing to do. nil means
	// that the server collects by itself.
	Collect func(t testing.TB)
	// Differences are the cases that this server is known to fail. Such a case fails the test if it
	// passes, so that the list cannot outlive its reason. So does a name that is no case.
	Differences []Difference
}

// Difference is a case that a server does not pass.
type Difference struct {
	Case   string // as in [Cases]
	Reason string // why the server differs, and what that means for a test
}

// testCase is one rule. Its name is TOPIC/SENTENCE.
type testCase struct {
	name string
	run  func(s *scene)
}

// topics are the tables of cases, in the order in which they run.
var topics = []struct {
	name  string
	cases []testCase
}{
	{"create", createCases},
	{"get", getCases},
	{"update", updateCases},
	{"delete", deleteCases},
	{"deletecollection", deleteCollectionCases},
	{"patch-json", jsonPatchCases},
	{"patch-merge", mergePatchCases},
	{"patch-strategic", strategicCases},
	{"apply", applyCases},
	{"list", listCases},
	{"watch", watchCases},
	{"watch-list", watchListCases},
	{"status", statusCases},
	{"scale", scaleCases},
	{"dry-run", dryRunCases},
	{"field-validation", validationCases},
	{"discovery", discoveryCases},
	{"formats", formatCases},
	{"metadata", metadataCases},
	{"custom", customCases},
	{"owners", ownerCases},
	{"namespaces", namespaceCases},
	{"expired", expiredCases},
}

// serial are the topics whose cases run one after the other, when all others have ended.
var serial = map[string]bool{"expired": true}

// Cases returns the names of all cases, TOPIC/SENTENCE, in the order in which they start.
func Cases() []string {
	var names []string
	for _, topic := range topics {
		for _, c := range topic.cases {
			names = append(names, topic.name+"/"+c.name)
		}
	}
	return names
}

// Run runs all cases on a server, as subtests of a subtest with the target's name.
func Run(t *testing.T, target Target) {
	t.Run(target.Name, func(t *testing.T) {
		known := map[string]string{}
		for _, d := range target.Differences {
			if !slices.Contains(Cases(), d.Case) {
				t.Errorf("the difference %q is no case", d.Case)
			}
			known[d.Case] = d.Reason
		}
		fix := newFixture(t, &target)
		runTopics := func(t *testing.T, parallel bool) {
			for _, topic := range topics {
				if serial[topic.name] == parallel {
					continue
				}
				for _, c := range topic.cases {
					name := topic.name + "/" + c.name
					t.Run(name, func(t *testing.T) {
						if parallel {
							t.Parallel()
						}
						runCase(t, fix, c, known[name])
					})
				}
			}
		}
		t.Run("cases", func(t *testing.T) { runTopics(t, true) })
		runTopics(t, false)
	})
}

// runCase runs one case. If a difference is known, the case has to fail.
func runCase(t *testing.T, fix *fixture, c testCase, difference string) {
	s := newScene(t, fix)
	s.perform(c.run)
	switch failures := strings.Join(s.failures, "\n"); {
	case difference == "":
		if failures != "" {
			t.Error(failures)
		}
	case failures == "":
		t.Errorf("the case passes: take it out of the list of differences, where its reason is: %s", difference)
	default:
		t.Logf("differs: %s\n%s", difference, failures)
	}
}
