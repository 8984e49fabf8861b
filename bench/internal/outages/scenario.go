package outages

import (
	"net/http"
	"testing"
	"time"

	"github.com/skiff-k8s/skiff/faults"
)

// scenario is a way in which a server fails.
type scenario struct {
	name string
	// atStart: the fault is there when the informer starts. Otherwise it begins a minute after the
	// initial list.
	atStart bool
	// begin makes the server fail. It may be nil.
	begin func(t *testing.T, w *world)
	// rules are the faults of requests, from then on.
	rules []faults.Rule
	// heals is after how long the server is well again; 0 means never, so that the client has to get
	// along with it.
	heals time.Duration
	// heal makes it well, beside taking the rules away. It may be nil.
	heal func(t *testing.T, w *world)
	// busy: an object changes each 10 seconds.
	busy bool
	// within is how soon skiff's cache has to be right; 0 means two minutes.
	within time.Duration
}

func every(on faults.Verb, do faults.Fault) []faults.Rule { return []faults.Rule{{On: on, Do: do}} }

// listedEvery is how often skiff lists what cannot be watched, with some room.
const listedEvery = 5 * time.Minute

const reads = faults.List | faults.Watch | faults.WatchList

// paged keeps an informer from the watch-list, so that lists are met.
var paged = faults.Rule{On: faults.WatchList, Do: faults.Status(422)}

var scenarios = []scenario{
	{name: "The server is away for 20 s: connections are refused",
		begin: func(_ *testing.T, w *world) { w.server.Refuse(true) }, heals: 20 * time.Second,
		heal: func(_ *testing.T, w *world) { w.server.Refuse(false) }},
	{name: "The server restarts within 20 s and has forgotten the watch's version (410)",
		begin: func(_ *testing.T, w *world) { w.server.Refuse(true) }, heals: 20 * time.Second,
		heal: func(_ *testing.T, w *world) { w.store.Restart(); w.server.Refuse(false) }},
	{name: "Connections stay open and silent for 5 min (a machine has gone)",
		begin: func(_ *testing.T, w *world) { w.server.Freeze(true) }, heals: 5 * time.Minute,
		heal: func(_ *testing.T, w *world) { w.server.Freeze(false) }},
	{name: "At the start the server accepts and never answers, for 5 min", atStart: true,
		rules: every(reads, faults.Hold()), heals: 5 * time.Minute},
	{name: "A maintenance page (503, Retry-After 86400), healed after 8 s",
		begin: ended, rules: every(reads, faults.Page(503, "Retry-After", "86400")), heals: 8 * time.Second},
	{name: "429 with Retry-After 1 for a minute",
		begin: ended, rules: every(reads, faults.Status(429, faults.RetryAfter(1))), heals: time.Minute},
	{name: "401 for a minute", begin: ended, rules: every(reads, faults.Status(401)), heals: time.Minute},
	{name: "500 for a minute", begin: ended, rules: every(reads, faults.Status(500)), heals: time.Minute},
	{name: "A page of HTML with 200 for a minute", begin: ended, rules: every(reads, faults.Page(200)), heals: time.Minute},
	{name: "Each answer is cut after 300 bytes, for a minute", begin: ended,
		rules: every(reads, faults.Cut(300)), heals: time.Minute},
	{name: "The version of the watch is compacted (410)", begin: func(_ *testing.T, w *world) { w.store.Restart() }},
	{name: "Each watch from the present version gets 404; lists work", begin: ended,
		rules: []faults.Rule{{On: faults.Watch, Do: faults.Status(404)}}},
	{name: "Each watch is answered with 200 and an ERROR event 500; lists work", begin: ended,
		rules: every(faults.Watch|faults.WatchList, faults.ErrorEvent(500))},
	{name: "At the start a watch-list is answered with an ERROR event 500; lists and watches work", atStart: true,
		rules: every(faults.WatchList, faults.ErrorEvent(500))},
	{name: "At the start a watch-list is answered with 405; lists and watches work", atStart: true,
		rules: every(faults.WatchList, faults.Status(405))},
	{name: "At the start a watch-list has no end, and an object changes each 10 s", atStart: true, busy: true,
		rules: every(faults.WatchList, faults.NoListEnd())},
	{name: "At the start lists have no resourceVersion, and there is no watch-list", atStart: true,
		rules: []faults.Rule{paged, {On: faults.List, Do: faults.NoVersion()}}, within: listedEvery},
	{name: "The bookmark that ends a watch-list has no resourceVersion", atStart: true,
		rules: every(faults.WatchList, faults.ListEndWithoutVersion()), within: listedEvery},
	{name: "The continue token of lists never changes; there is no watch-list", atStart: true,
		rules: []faults.Rule{paged, {On: faults.List, Do: faults.SameContinue("again")}}, heals: 5 * time.Minute},
	// Without the delay, a client that asks again at once would let the clock stand still.
	{name: "Each watch ends after 10 ms and one bookmark, for a minute", begin: ended,
		rules: every(faults.Watch, faults.All(faults.Delay(10*time.Millisecond), oneBookmark())),
		heals: time.Minute},
	{name: "Lists and watches send Secrets for a minute", begin: func(_ *testing.T, w *world) { w.store.Restart() },
		rules: every(reads, faults.WrongKind("v1", "Secret")), heals: time.Minute},
	{name: "etcd is restored from a backup that is older than the cache", begin: restored},
	{name: "Objects change at the same resourceVersion (a CRD's new default), then the watch's version is compacted",
		begin: func(_ *testing.T, w *world) {
			w.store.Rewrite(func(o map[string]any) { o["data"] = map[string]any{"value": "rewritten"} })
			w.store.Restart()
		}},
	{name: "The connection is reset 3 times while the initial list comes", atStart: true,
		rules: []faults.Rule{{On: reads, Times: 3, Do: faults.Cut(20_000)}}},
}

// ended ends the open watch, so that the next request meets the fault.
func ended(_ *testing.T, w *world) { w.store.EndWatches() }

// restored lets an object be written that the cache gets, and goes back to before that.
func restored(t *testing.T, w *world) {
	w.server.Refuse(true)
	w.store.Restore(w.backup)
	w.server.Refuse(false)
}

// oneBookmark answers a watch with a bookmark of its own version and ends it.
func oneBookmark() faults.Fault {
	return faults.NewFault("one bookmark", func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(faults.Bookmark("v1", "ConfigMap", r.URL.Query().Get("resourceVersion"))))
		})
	})
}
