package informer_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/faults"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/wire"
)

// converges is how long after the last fault the cache may differ from the server. A stream that is
// silent, on a connection that is alive, looks like one on which nothing happens: it is found out
// when the watch has outlived its time.
const converges = 12 * time.Minute

// sickness is a random script: what happens to the server and when, and then it is healthy.
type sickness struct {
	random *rand.Rand
	steps  []string // what happened, for the message of a failure

	streams int    // how many the informer has: 1, or 2 of a namespace each
	form    string // "decoded" or "bytes" if the informer has that form of halves; "" if it has none
	cache   *informer.Informer[corev1.ConfigMap]
	store   *faults.Store
	layer   *faults.Layer
	server  *faults.Server

	events int // faults that are no answers: of the network, and of the store
	backup *faults.Snapshot
	behind []int        // the version of each stream when the server was restored
	hangs  atomic.Bool  // the server accepts and does not answer, or cannot be reached
	lost   atomic.Int64 // requests sent meanwhile
	sent   atomic.Int64 // all requests, those too that the server did not get
}

var maps1 = kind.Info{Version: "v1", Kind: "ConfigMap", Resource: "configmaps", Namespaced: true}

// Whatever 100 random scripts do to the server, then the cache is what the server has, each fault is
// logged once, and the server is not asked more often than the faults explain.
func TestRandomScripts(t *testing.T) {
	scripts := 100
	if s := os.Getenv("SKIFF_SCRIPTS"); s != "" {
		scripts, _ = strconv.Atoi(s)
	}
	met := map[string]int{}
	for seed := range uint64(scripts) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &sickness{random: rand.New(rand.NewPCG(seed, 8)), store: faults.NewStore()}
				s.form = []string{"", "decoded", "", "bytes"}[seed%4]
				s.streams = []int{1, 1, 2}[seed%3]
				randomScript(t, s, met)
			})
		})
	}
	t.Logf("requests that met a fault, by its kind: %v", met)
	if scripts >= 100 && len(met) < 20 {
		t.Errorf("the scripts had faults of %d kinds only", len(met))
	}
}

// halves is a transform that drops about half of the objects, and changes the others.
var halves = map[string]informer.Option{
	"":        informer.TransformBytes(nil),
	"decoded": informer.Transform(func(cm *corev1.ConfigMap) bool { return half(cm) }),
	"bytes": informer.TransformBytes(func(o wire.Object) ([]byte, bool) {
		cm := decodeMap(o.Data)
		keep := half(&cm)
		data, err := json.Marshal(cm)
		if err != nil {
			panic(err)
		}
		return data, keep
	}),
}

func half(cm *corev1.ConfigMap) bool {
	v := cm.Data["v"]
	cm.Data = map[string]string{"half of": v}
	return v == "" || v[len(v)-1] < '5'
}

func randomScript(t *testing.T, s *sickness, met map[string]int) {
	r := s.random
	s.layer = faults.NewLayer(smallPages(s.store))
	http1 := r.IntN(2) == 0
	s.server = faults.Start(t, s.layer, faults.Options{TLS: !http1})
	log := faults.NewLog()
	c, err := rest.NewClient(&rest.Config{
		Host: s.server.URL(), Logger: log.Logger(), JSONOnly: true, MaxRetries: -1,
		TLS:  rest.TLSConfig{CAData: s.server.CA()},
		Dial: s.server.Dial,
		WrapTransport: func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(req *http.Request) (*http.Response, error) {
				s.sent.Add(1)
				if s.hangs.Load() {
					s.lost.Add(1)
				}
				return next.RoundTrip(req)
			})
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	factory := informer.NewFactory(c, informer.JSON(), informer.Logger(log.Logger()))
	scope := informer.Namespace("")
	if s.streams == 2 {
		scope = informer.Namespaces("ns", "nt")
	}
	cache := informer.For[corev1.ConfigMap](factory, halves[s.form], scope)
	s.cache = cache
	for range 5 + r.IntN(20) {
		s.write()
	}
	s.backup = s.store.Snapshot()
	told := newModel[corev1.ConfigMap]("handler")
	cache.AddHandler(told.handler())
	ctx, cancel := context.WithCancel(t.Context())
	defer factory.Wait()
	defer cancel()
	if r.IntN(3) == 0 { // the server is sick from the first request on
		s.fault(http1)
	}
	if err := factory.Start(ctx); err != nil {
		t.Fatal(err)
	}
	for range 1 + r.IntN(8) {
		s.fault(http1)
		for range r.IntN(6) {
			time.Sleep(time.Duration(r.Int64N(int64(20 * time.Second))))
			s.write()
		}
	}
	s.layer.SetRules()
	s.step("health")
	for range r.IntN(3) {
		time.Sleep(time.Duration(r.Int64N(int64(time.Second))))
		s.write()
	}

	defer func() {
		if t.Failed() {
			t.Logf("the script:\n%s\nthe requests:\n%s\nthe log:\n%s\nthe status: %+v", strings.Join(s.steps, "\n"),
				faults.Transcript(s.layer.Requests()), log, cache.Status())
		}
	}()
	healed := time.Now()
	for {
		synctest.Wait()
		problem := s.differs(cache, told)
		if problem == "" {
			break
		}
		if time.Since(healed) > converges {
			t.Fatalf("%s after the last fault: %s", time.Since(healed), problem)
		}
		time.Sleep(time.Second)
	}
	s.check(t, log, time.Since(began))
	for _, q := range s.layer.Requests() {
		if q.Fault != "" {
			met[numbers.ReplaceAllString(q.Fault, "N")]++
		}
	}
}

// numbers are those in the names of faults, with their units.
var numbers = regexp.MustCompile(`-?\d[\d.]*(µs|ms|s)?`)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// smallPages is a server whose pages have a few objects, whatever the client wants.
func smallPages(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if q := r.URL.Query(); q.Has("limit") {
			q.Set("limit", "7")
			r.URL.RawQuery = q.Encode()
		}
		next.ServeHTTP(w, r)
	})
}

func decodeMap(object []byte) (cm corev1.ConfigMap) {
	if err := json.Unmarshal(object, &cm); err != nil {
		panic(err)
	}
	return cm
}

func (s *sickness) step(format string, args ...any) {
	at := s.layer.Age().Round(time.Millisecond)
	s.steps = append(s.steps, fmt.Sprintf("%s %s", at, fmt.Sprintf(format, args...)))
}

// overtakes reports whether a write would bring a restored server past the version that the informer
// has from before: nobody can tell then that it was restored.
func (s *sickness) overtakes() bool {
	server, _ := strconv.Atoi(s.store.ResourceVersion())
	for i, cached := range s.versions() {
		if s.behind != nil && s.behind[i] > 0 && cached == s.behind[i] && server < cached {
			return true
		}
	}
	return false
}

// versions returns the version of each stream.
func (s *sickness) versions() (all []int) {
	for _, stream := range s.cache.Streams() {
		version, _ := strconv.Atoi(stream.ResourceVersion())
		all = append(all, version)
	}
	return all
}

// write changes the server's state in some way.
func (s *sickness) write() {
	if s.overtakes() {
		return
	}
	n := s.random.IntN(25)
	namespace, name := []string{"ns", "nt"}[n%2], fmt.Sprint("o", n)
	if s.random.IntN(4) == 0 {
		s.store.Remove(maps1, namespace, name)
		return
	}
	_, err := s.store.Put(fmt.Sprintf(`{"kind":"ConfigMap","apiVersion":"v1","metadata":{"namespace":%q,"name":%q,"labels":{"n":%q}},"data":{"v":"%d"}}`,
		namespace, name, name, s.random.IntN(1000)))
	if err != nil {
		panic(err)
	}
}

// fault does something to the server.
func (s *sickness) fault(http1 bool) {
	r := s.random
	between := func(low, high time.Duration) time.Duration { return low + time.Duration(r.Int64N(int64(high-low))) }
	switch r.IntN(16) {
	case 0:
		s.events++
		s.step("the network is down")
		s.hangs.Store(true)
		s.server.Refuse(true)
		time.Sleep(between(0, 40*time.Second))
		s.server.Refuse(false)
		s.hangs.Store(false)
	case 1:
		s.events++
		s.step("the server hangs")
		s.hangs.Store(true)
		s.server.Freeze(true)
		time.Sleep(between(0, 2*time.Minute))
		s.server.Freeze(false)
		s.hangs.Store(false)
	case 2:
		s.events++
		s.step("connections are reset")
		s.server.Disconnect()
	case 3:
		s.events++
		s.step("compaction")
		s.store.Compact()
	case 4:
		s.events++
		s.step("the server is started again")
		s.store.Restart()
	case 5:
		s.events++
		s.step("watches end")
		s.store.EndWatches()
	case 6:
		s.events += 3 // a connection breaks, the server is behind, a list is older than the cache
		s.step("the server is restored to a backup")
		s.behind = s.versions()
		s.store.Restore(s.backup)
		s.server.Disconnect()
	case 7:
		if s.overtakes() {
			return
		}
		s.events++
		s.step("what is stored is read in another way")
		value := strconv.Itoa(r.IntN(1000))
		s.store.Rewrite(func(o map[string]any) { o["data"] = map[string]any{"default": value} })
	default:
		rule := faults.Rule{
			On: []faults.Verb{0, faults.List, faults.Watch, faults.WatchList, faults.Watch | faults.WatchList, faults.List | faults.WatchList}[r.IntN(6)],
			Do: s.answer(http1), Skip: r.IntN(2), Times: 1 + r.IntN(4),
		}
		if r.IntN(4) == 0 {
			rule.Times = 0 // until the next one
		}
		s.step("%s x %d: %s", rule.On, rule.Times, rule.Do)
		s.layer.SetRules(rule)
		switch r.IntN(4) { // so that there is a request soon
		case 0:
			s.events++
			s.store.EndWatches()
		case 1, 2:
			s.events++
			s.write()
			s.store.Restart()
		}
		time.Sleep(between(0, 90*time.Second))
	}
}

// answer is something that is wrong with an answer.
func (s *sickness) answer(http1 bool) faults.Fault {
	r := s.random
	codes := []int{204, 300, 304, 400, 401, 403, 404, 405, 406, 409, 410, 413, 415, 418, 422, 429, 500, 501, 502, 503, 504}
	code := codes[r.IntN(len(codes))]
	var options []faults.StatusOption
	if r.IntN(3) == 0 {
		options = append(options, faults.RetryAfter([]int{0, 1, 5, 30, 3600, 86400, -1}[r.IntN(7)]))
	}
	if r.IntN(5) == 0 {
		options = append(options, faults.TooLarge())
	}
	all := []func() faults.Fault{
		func() faults.Fault { return faults.Delay(time.Duration(r.Int64N(int64(5 * time.Second)))) },
		faults.GoAway, faults.Gzip, faults.Close, faults.Reset, faults.Hold, faults.Freeze,
		func() faults.Fault { return faults.Repeat(2 + r.IntN(2)) },
		func() faults.Fault { return faults.Cut(r.IntN(1500)) },
		func() faults.Fault { return faults.Stall(r.IntN(1500)) },
		func() faults.Fault {
			return faults.Page([]int{200, 403, 502, 503}[r.IntN(4)], "Retry-After", "86400")
		},
		func() faults.Fault { return faults.Status(code, options...) },
		func() faults.Fault { return faults.Status(code, options...) },
		func() faults.Fault { return faults.ErrorEvent(code, options...) },
		func() faults.Fault { return faults.ErrorEvent(code, options...) },
		func() faults.Fault { return faults.Trickle("application/json", " ", time.Second) },
		func() faults.Fault {
			return faults.Answer(200, "application/json", []string{"", "null", "{}", "[]", `""`, `{"kind":"Status"}`, "\x00", `{"type":"ADDED","object":{}}`}[r.IntN(8)])
		},
		func() faults.Fault {
			return faults.Inject(r.IntN(3), []string{"{}", "x", "\n\n", `{"type":"ADDED"}`, `{"type":"BOOKMARK","object":{"kind":"ConfigMap","apiVersion":"v1","metadata":{}}}`}[r.IntN(5)])
		},
		faults.NoVersion, func() faults.Fault { return faults.SameContinue("x") },
		faults.NoBookmarks, faults.NoListEnd, faults.ListEndWithoutVersion, faults.NoNames,
		func() faults.Fault { return faults.WrongKind("v1", "Secret") },
	}
	if http1 {
		all = append(all, faults.HTTP10, func() faults.Fault { return faults.All(faults.HTTP10(), faults.Cut(r.IntN(1500))) })
	}
	return all[r.IntN(len(all))]()
}

// differs returns how the cache and what the handler knows differ from the server's state; "" if they
// do not.
func (s *sickness) differs(cache *informer.Informer[corev1.ConfigMap], told *model[corev1.ConfigMap]) string {
	if !cache.HasSynced() {
		return "not synced"
	}
	want, versions := map[string]string{}, map[string]string{}
	for _, object := range s.store.Objects(maps1) {
		cm := decodeMap(object)
		if s.form != "" && !half(&cm) {
			continue
		}
		want[cm.Namespace+"/"+cm.Name] = fmt.Sprint(cm.UID, "/", cm.ResourceVersion, " ", cm.Data)
		versions[cm.Namespace+"/"+cm.Name] = fmt.Sprint(cm.UID, "/", cm.ResourceVersion)
	}
	have := map[string]string{}
	for item, err := range cache.Lister().Items(informer.Query{}) {
		if err != nil {
			return err.Error()
		}
		cm, err := item.Object()
		if err != nil {
			return err.Error()
		}
		have[item.Key()] = fmt.Sprint(cm.UID, "/", cm.ResourceVersion, " ", cm.Data)
	}
	if !maps.Equal(have, want) {
		return fmt.Sprintf("the cache has\n\t%v\nand the server\n\t%v", have, want)
	}
	told.mu.Lock()
	defer told.mu.Unlock()
	switch {
	case len(told.breaches) > 0:
		return fmt.Sprint(told.breaches)
	case !maps.Equal(told.known, versions):
		return fmt.Sprintf("the handler knows\n\t%v\nand the server has\n\t%v", told.known, versions)
	}
	return ""
}

// check checks how often the server was asked, and what was logged.
func (s *sickness) check(t *testing.T, log *faults.Log, lasted time.Duration) {
	requests := s.layer.Requests()
	lost := max(int(s.lost.Load()), int(s.sent.Load())-len(requests))
	met := faults.Faulted(requests) + s.events*s.streams + lost
	limit := 3*(met+1) + int(max(0, lasted-time.Minute)/time.Second)
	if len(requests) > limit {
		t.Errorf("%d requests for %d faults in %s, the limit is %d", len(requests), met, lasted, limit)
	}
	if busiest := faults.Busiest(requests); busiest > 10*s.streams {
		t.Errorf("%d requests within a second", busiest)
	}
	lines, suppressed, loud := log.Lines(slog.LevelWarn, slog.LevelError), 0, 0
	for _, line := range lines {
		if _, n, ok := strings.Cut(line.Text, " suppressed="); ok {
			n, _ := strconv.Atoi(n)
			suppressed += n
		}
	}
	for _, q := range requests {
		for _, kind := range []string{"status 4", "status 5", "ERROR event"} {
			if strings.HasPrefix(q.Fault, kind) && q.Verb&(faults.List|faults.Watch|faults.WatchList) != 0 {
				loud++
			}
		}
	}
	if n := len(lines) + suppressed; n > met {
		t.Errorf("%d lines of the log for %d faults, %d of them suppressed", n, met, suppressed)
	}
	if loud > 0 && len(log.Lines()) == 0 { // that pages replace a watch-list is said at debug level
		t.Errorf("%d faults, and nothing in the log", loud)
	}
}
