package main

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// The events of go test -json become the closing line, and the run is a success only if something
// passed and nothing failed.
func TestClosingLine(t *testing.T) {
	tests := []struct {
		name   string
		events string
		short  bool
		last   string
		ok     bool
		shows  []string
		hides  []string
	}{
		{
			name: "passed, with a subtest that is not counted twice",
			events: `{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"quiet\n"}
{"Action":"pass","Package":"p","Test":"TestA/sub","Elapsed":0.1}
{"Action":"pass","Package":"p","Test":"TestA","Elapsed":0.1}
{"Action":"output","Package":"p","Output":"PASS\n"}
{"Action":"pass","Package":"p","Elapsed":0.2}`,
			last: "1 passed, 0 failed", ok: true, shows: []string{"run   p\n", "ok    p"}, hides: []string{"quiet"},
		},
		{
			name: "a failure shows its output",
			events: `{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestB","Output":"b_test.go:7: got 1, want 2\n"}
{"Action":"fail","Package":"p","Test":"TestB"}
{"Action":"fail","Package":"p","Elapsed":0.2}`,
			last: "1 passed, 1 failed", shows: []string{"got 1, want 2", "FAIL  p"},
		},
		{
			name: "a package that does not build is a failure",
			events: `{"ImportPath":"p [p.test]","Action":"build-output","Output":"x.go:1: undefined: y\n"}
{"ImportPath":"p [p.test]","Action":"build-fail"}
{"Action":"start","Package":"p"}
{"Action":"fail","Package":"p","Elapsed":0}`,
			last: "0 passed, 1 failed", shows: []string{"undefined: y"},
		},
		{
			name: "a crash after tests that passed is a failure, with the crashed test's output",
			events: `{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestB","Output":"panic: oh\n"}
{"Action":"fail","Package":"p","Elapsed":1}`,
			last: "1 passed, 1 failed", shows: []string{"panic: oh"},
		},
		{
			name:   "a package that never ended is a failure",
			events: `{"Action":"pass","Package":"p","Test":"TestA"}`,
			last:   "0 passed, 1 failed", shows: []string{"p did not end"},
		},
		{
			name:   "no test at all is no success",
			events: `{"Action":"skip","Package":"p","Elapsed":0}`,
			last:   "0 passed, 0 failed", shows: []string{"no test ran", "1 packages have none"},
		},
		{
			name: "a skipped test is named, and is a failure",
			events: `{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestB","Output":"b_test.go:7: no curl\n"}
{"Action":"skip","Package":"p","Test":"TestB"}
{"Action":"pass","Package":"p"}`,
			last: "1 passed, 1 failed", shows: []string{"counted as failed: p TestB", "no curl", "FAIL  p"},
		},
		{
			name: "so is a skipped subtest of a test that passed",
			events: `{"Action":"skip","Package":"p","Test":"TestA/sub"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p"}`,
			last: "1 passed, 1 failed", shows: []string{"counted as failed: p TestA/sub"},
		},
		{
			name: "a fuzz target may skip an input",
			events: `{"Action":"skip","Package":"p","Test":"FuzzA/seed#0"}
{"Action":"pass","Package":"p","Test":"FuzzA"}
{"Action":"pass","Package":"p"}`,
			last: "1 passed, 0 failed", ok: true, hides: []string{"FuzzA"},
		},
		{
			name: "with -short a skipped test is named, and is no failure",
			events: `{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestB","Output":"b_test.go:7: needs a control plane\n"}
{"Action":"skip","Package":"p","Test":"TestB"}
{"Action":"pass","Package":"p"}`,
			short: true,
			last:  "1 passed, 0 failed", ok: true, shows: []string{"skipped: p TestB", "1 passed, 1 skipped\n"}, hides: []string{"needs a"},
		},
		{
			name:   "what is no event is shown",
			events: "go: cannot find main module",
			last:   "0 passed, 0 failed", shows: []string{"cannot find main module"},
		},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			var out strings.Builder
			r := newReport(&out, tc.short)
			if err := r.read(strings.NewReader(tc.events)); err != nil {
				t.Fatal(err)
			}
			if ok := r.close(time.Second); ok != tc.ok {
				t.Errorf("success: got %v, want %v", ok, tc.ok)
			}
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			if last := lines[len(lines)-1]; last != tc.last {
				t.Errorf("last line: got %q, want %q", last, tc.last)
			}
			for _, s := range tc.shows {
				if !strings.Contains(out.String(), s) {
					t.Errorf("output does not show %q:\n%s", s, &out)
				}
			}
			for _, s := range tc.hides {
				if strings.Contains(out.String(), s) {
					t.Errorf("output shows %q:\n%s", s, &out)
				}
			}
		})
	}
}

func TestSplit(t *testing.T) {
	got := split([]string{"--", ".", "-race", "./...", "--", "tools", "./..."})
	want := [][]string{{".", "-race", "./..."}, {"tools", "./..."}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := split([]string{"--"}); len(got) != 0 {
		t.Errorf("an empty group: got %q, want none", got)
	}
}
