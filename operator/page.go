package operator

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

//go:embed page.html
var pageHTML []byte

// Page serves the live page of an operator, and the JSON that it shows:
//
//	PREFIX/         the page, one static file
//	PREFIX/state    a State
//	PREFIX/events   the same as server-sent events: one now, and one each second
//	PREFIX/key?controller=NAME&key=KEY   the history of a key, a list of Steps
//
// It shows names, counts, times and the texts of errors, and reads no other part of an object. Of
// the API server's errors about fields it shows the paths and not the values, and of caches of
// Secrets and controllers that have one no text of an error. The message of a webhook, or of the
// program's own errors, may hold a value. Of what a reconcile wrote it shows the paths of the fields, of Secrets
// not even these. While a Page is there, the histories of keys are kept: 64 steps of the 1,000 keys
// that moved last, in 16 MB at most; keys that fail or are held keep theirs longer, up to half of
// these. Close ends that. It is safe for concurrent use.
type Page struct {
	source func() State // without what changes with time
	mux    *http.ServeMux
	keys   *histories
	stops  []func() // of observers

	places chan struct{} // one for each stream of events

	mu    sync.Mutex
	state State     // computed last; guarded by mu
	began time.Time // when the reading of state began; guarded by mu
	rates rates     // of events; guarded by mu
}

const (
	// period is the time between two events.
	period = time.Second
	// stateAge is how long a State is shown again, from the beginning of its reading: all who look
	// share one. It is less than period, so that each event has a new one.
	stateAge = period * 9 / 10
	// maxStreams is how many follow the events at once. More are refused with 503.
	maxStreams = 16
)

// NewPage returns the page of an operator, served below prefix, such as "/debug/skiff". From now on
// the histories of the controllers' keys are kept.
func NewPage(o *Operator, prefix string) *Page {
	p := &Page{keys: newHistories(), places: make(chan struct{}, maxStreams), source: o.state}
	for _, c := range o.controllers {
		if c != nil && c.Check() == nil {
			p.stops = append(p.stops, c.Observe(p.keys.observer(c.Name(), readsSecrets(c))))
		}
	}
	p.routes(prefix)
	return p
}

// ServeHTTP answers GET and HEAD.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	// All of the page is in one file, and it asks only the server that it is from.
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; "+
		"script-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; form-action 'none'")
	p.mux.ServeHTTP(w, r)
}

// Close ends the keeping of histories.
func (p *Page) Close() {
	for _, stop := range p.stops {
		stop()
	}
}

func (p *Page) routes(prefix string) {
	p.mux = http.NewServeMux()
	p.mux.HandleFunc("GET "+prefix+"/{$}", func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "page.html", time.Time{}, bytes.NewReader(pageHTML))
	})
	p.mux.HandleFunc("GET "+prefix+"/state", func(w http.ResponseWriter, _ *http.Request) {
		answer200(w, p.State())
	})
	p.mux.HandleFunc("GET "+prefix+"/events", p.events)
	p.mux.HandleFunc("GET "+prefix+"/key", func(w http.ResponseWriter, r *http.Request) {
		steps, ok := p.keys.of(r.FormValue("controller"), r.FormValue("key"))
		if !ok {
			http.Error(w, "this key has no history: it has not moved, or others have since",
				http.StatusNotFound)
			return
		}
		answer200(w, steps)
	})
}

func answer200(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // an error is that of a client that went away
}

// events sends the State each second until the client goes away or the server stops. HEAD is
// answered without a State.
func (p *Page) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	if r.Method == http.MethodHead {
		return
	}
	select {
	case p.places <- struct{}{}:
		defer func() { <-p.places }()
	default:
		http.Error(w, "too many follow this page", http.StatusServiceUnavailable)
		return
	}
	out := http.NewResponseController(w)
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		data, err := json.Marshal(p.State())
		if err != nil {
			return
		}
		// A client that takes nothing is not waited for.
		_ = out.SetWriteDeadline(time.Now().Add(10 * time.Second))
		if _, err := w.Write([]byte("data: " + string(data) + "\n\n")); err != nil {
			return
		}
		if out.Flush() != nil {
			return
		}
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		}
	}
}

// State returns the state of the operator, whose reading began less than a second ago. It must not
// be changed.
func (p *Page) State() State {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.began.IsZero() && time.Since(p.began) < stateAge {
		return p.state
	}
	p.began = time.Now()
	s := p.source()
	s.At = time.Now() // after it, which takes a while: ages are told from here
	p.keys.fill(&s)
	p.rates.fill(&s)
	p.state = s
	return s
}
