package rest

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

func TestWarningsAreParsed(t *testing.T) {
	for _, test := range []struct {
		header []string
		want   []Warning
	}{
		{[]string{`299 - "v1 Endpoints is deprecated"`}, []Warning{{"-", "v1 Endpoints is deprecated"}}},
		{[]string{`299 kube-apiserver:6443 "a \"quoted\" \\ text"`}, []Warning{{"kube-apiserver:6443", `a "quoted" \ text`}}},
		{[]string{`299 - "a, b", 299 - "c"`}, []Warning{{"-", "a, b"}, {"-", "c"}}},
		{[]string{`299 - "a" "Sat, 25 Aug 2012 23:34:45 GMT", 299 - "b"`}, []Warning{{"-", "a"}, {"-", "b"}}},
		{[]string{`299 - "a"`, `299 - "b"`}, []Warning{{"-", "a"}, {"-", "b"}}},
		{[]string{`110 - "response is stale", 299 - "b"`}, []Warning{{"-", "b"}}},
		{[]string{`299 - "empty follows",`}, []Warning{{"-", "empty follows"}}},
		{[]string{`299 - ""`}, []Warning{{"-", ""}}},
		{[]string{``, `299`, `299 -`, `299 - unquoted`, `299 - "open`, `299 - "a" junk`, `29 - "a"`, `2x9 - "a"`, `299 - "a\`}, nil},
		{[]string{`299 - "` + strings.Repeat("x", maxWarning+1) + `"`}, nil},
	} {
		if got := parseWarnings(http.Header{"Warning": test.header}); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%q: %q, not %q", test.header, got, test.want)
		}
	}
}

func FuzzParseWarnings(f *testing.F) {
	f.Add(`299 - "a \"b\"" "date", 110 x "y"`)
	f.Fuzz(func(t *testing.T, header string) {
		for _, w := range parseWarnings(http.Header{"Warning": {header}}) {
			if w.Agent == "" || len(w.Text) > len(header) {
				t.Errorf("%q made %+v", header, w)
			}
		}
	})
}

func TestWarningsReachWhoAskedForThem(t *testing.T) {
	var got []Warning
	c := fakeClient(t, func(req *http.Request) (*http.Response, error) {
		return answer(req, 200, "{}", "Warning", `299 - "deprecated"`), nil
	}, func(cfg *Config) { cfg.Warnings = func(w Warning) { got = append(got, w) } })
	want := []Warning{{"-", "deprecated"}}
	if err := c.Get().Resource("pods").Do(t.Context()).Error(); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the config's function got %v, not %v", got, want)
	}
}

func TestAWarningIsLoggedOnceAndTheMemoryOfItIsBounded(t *testing.T) {
	var log logBuffer
	text := "deprecated"
	c := fakeClient(t, func(req *http.Request) (*http.Response, error) {
		return answer(req, 200, "{}", "Warning", `299 - "`+text+`"`), nil
	}, func(cfg *Config) { cfg.Logger = log.logger() })
	do := func() {
		if err := c.Get().Resource("pods").Do(t.Context()).Error(); err != nil {
			t.Fatal(err)
		}
	}
	do()
	do()
	if n := strings.Count(log.String(), "deprecated"); n != 1 {
		t.Errorf("logged %d times", n)
	}
	mustContain(t, log.String(), "level=WARN")

	var l warningLog
	l.log = log.logger()
	for i := range 5 * maxRemembered {
		l.warn(Warning{Text: fmt.Sprint(i)})
		if len(l.seen) > maxRemembered {
			t.Fatalf("%d warnings are remembered", len(l.seen))
		}
	}
}
