package browser

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/operator"
)

// everyState looks at a page of states that an operator seldom has at once, with names as long as
// they can be: one word of letters, which has no place to be broken.
func everyState(t *testing.T, p *tab) {
	p.until("it is live", `document.querySelector('#live').innerText === '● live'`)
	long := strings.Repeat("m", 63) + "/" + strings.Repeat("w", 253)
	text := strings.Repeat("e", 512) + "…"
	at, next := time.Now().Add(-210*time.Minute), time.Now().Add(210*time.Minute)
	step := operator.Step{At: at, What: "failed", Why: text, Took: 123456, Next: &next, Fields: strings.Repeat("f", 2000)}
	s := operator.State{At: time.Now(), Name: strings.Repeat("N", 253), Started: at.Add(-1000 * time.Hour), Leader: long, NotReady: text,
		Failing: []operator.Failing{{Controller: long, Key: long, Since: at, Times: 1, Step: step}, {Controller: "c", Key: "k", Since: at, Times: 123456, Step: operator.Step{At: at, What: "failed"}}}}
	for i, state := range []string{informer.StateIdle, "streaming", "paging", "watching", informer.StateWaiting, "discovering", informer.StateUnserved, "stopped", "polling"} {
		in := operator.InformerState{Name: state, Resource: "things.example.com", Host: fmt.Sprint("server-", i), State: state, Synced: i%2 == 0}
		if state == "polling" {
			in.Unwatchable = text
		}
		if i > 3 {
			in.Name, in.Resource, in.Host = state+long, long, long+":443"
			in.Objects, in.PackedBytes, in.DecodedBytes, in.Events, in.EventsPerSecond, in.Lists, in.LagMs = 123456789, 123456789012, 12345, 1e12, 123456.7, 123456, 1e9
			in.Failures, in.LastError, in.LastErrorAt, in.NextTry = i%2*123456, text, &at, &next
			in.LastErrorOver = in.Failures == 0 && state != "polling"
		}
		s.Informers = append(s.Informers, in)
	}
	s.Controllers = []operator.ControllerState{
		{Name: "waits", NeedsLease: true, Workers: 1},
		{Name: "paused", Paused: true, Workers: 1, Depth: 5, Failing: 5},
		{Name: "stuck", Workers: 1, Active: 1, LongestMs: 900e3, Timeouts: 3},
		{Name: "works", Workers: 1, Active: 1, Succeeded: 1, P50Ms: 0.05, P99Ms: 3.4},
		{Name: "queued", Workers: 1, Depth: 1, Failed: 1, P50Ms: 12, P99Ms: 9999},
		{Name: long, Workers: 123456, Active: 123456, Depth: 123456789, Delayed: 123456789, Oldest: long, OldestMs: 1e10, Succeeded: 1e15, Failed: 1e15, Retried: 1e15,
			GivenUp: 1e15, Panics: 1e15, Timeouts: 1e15, LongestMs: 1e10, P50Ms: 1e8, P99Ms: 1e9, Failing: 1000, Held: 123456, HeldKeys: []string{long, "a/b", long}},
	}
	for _, what := range []string{"queued", "held", "released", "reconciling", "wrote", "deleted", "reconciled", "failed"} {
		step.What = what
		s.Moved = append(s.Moved, operator.Moved{Controller: long, Key: what + long, Step: step}, operator.Moved{Controller: "c", Key: what, Step: operator.Step{At: at, What: what}})
	}
	// Its own stream is ended, or the next event would replace the state.
	eval[chromedp.Void](p, `s => { clearTimeout(timer); source.close(); take(s); }`, s)
	for selector, parts := range map[string][]string{
		"#leads":                              {"○ " + long + " leads"},
		"#ready":                              {"▲ not ready"},
		"#up":                                 {"up 41 d"},
		"#server":                             {"5 API servers"},
		row("informers", "idle", ""):          {"◆ idle", "things.example.com · server-0"},
		row("informers", "streaming", ""):     {"◆ streaming, not synced"},
		row("informers", "watching", ""):      {"◆ watching, not synced"},
		row("informers", "waiting"+long, ""):  {"◆ waiting", "last error ", "3 h ago, over", "123.5M", "123.46 GB", "11 d"},
		row("informers", "stopped"+long, ""):  {"▲ stopped, not synced", "123,456 failed in a row", "next try ", ", in 3 h"},
		row("informers", "unserved"+long, ""): {"● unserved"},
		row("informers", "polling"+long, ""):  {"● polling", "3 h ago · next try ", "listed again and again: " + text},
		row("controllers", "paused", ""):      {"○ paused"},
		row("controllers", "stuck", ""):       {"◆ working", "a reconcile has been running for 15 min · timed out 3"},
		row("controllers", "waits", ""):       {"○ waits for the lease", "0 of 1", "none"},
		row("controllers", "works", ""):       {"◆ working", "1 of 1", "< 0.1 ms", "3.4 ms"},
		row("controllers", "queued", ""):      {"◆ working", "12 ms", "10.0 s"},
		row("controllers", long, ""):          {"▲ 1,000 keys fail", "given up 1000T", "panics 1000T", "oldest: " + long, "held: " + long + ", a/b"},
		"#h-failing":                          {"Keys that fail: 1,005, of which 2 are shown"},
		"#failing li:nth-child(1)":            {"▲ failed once, the first 3 h ago", ", in 3 h"},
		"#failing li:nth-child(2)":            {"▲ failed 123,456 times"},
	} {
		p.has(selector, parts...)
	}
	p.looks("every state")

	// What the server sends is text.
	s.Name, s.Informers[0].LastError = "<img src=x onerror=alert(1)>", "<b id=injected>bold</b>"
	eval[chromedp.Void](p, `take`, s)
	p.has("#name", s.Name)
	p.has(row("informers", "idle", ".error"), s.Informers[0].LastError)
	if eval[bool](p, `!!document.querySelector('img, #injected')`) {
		t.Error("what the server sends becomes markup")
	}
	// An operator of nothing.
	eval[chromedp.Void](p, `take`, operator.State{At: time.Now(), Name: "n", Informers: []operator.InformerState{}, Controllers: []operator.ControllerState{},
		Failing: []operator.Failing{}, Moved: []operator.Moved{}})
	p.has("#server", "no informers")
	p.has("#moved", "none")
	p.looks("nothing")
}
