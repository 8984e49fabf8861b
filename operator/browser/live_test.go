package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"
)

// fast makes the pauses of a page a hundredth of what they are, and records them.
const fast = `window.pauses = [];
const real = setTimeout;
setTimeout = (f, ms) => { if (f.name === 'connect') pauses.push(ms); return real(f, f.name === 'connect' ? ms / 100 : ms); };`

// restarting is a server in front of an operator's page that can be away.
type restarting struct {
	*httptest.Server
	status  atomic.Int32 // of its answers while it is away; 0 means that it is not
	state   atomic.Bool  // whether it answers requests for the state all the same
	streams atomic.Int32 // how many were asked for
}

func newRestarting(t *testing.T, page string) *restarting {
	t.Helper()
	target, err := url.Parse(page)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host }, FlushInterval: -1}
	r := &restarting{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if strings.HasSuffix(req.URL.Path, "/events") {
			r.streams.Add(1)
		}
		if status := r.status.Load(); status != 0 && !(r.state.Load() && strings.HasSuffix(req.URL.Path, "/state")) {
			w.WriteHeader(int(status))
			return
		}
		proxy.ServeHTTP(w, req)
	}))
	t.Cleanup(r.Close)
	return r
}

// A browser gives an EventSource up after an answer that is not 200. The page makes another one, after
// pauses that grow, says meanwhile that it is not live, and is live again when the server is back.
func liveAgain(t *testing.T, p *tab, r *restarting) {
	p.until("it is live", `document.querySelector('#live').innerText === '● live' && document.querySelector('#lost').hidden`)
	for _, status := range []int32{http.StatusServiceUnavailable, http.StatusNotFound, http.StatusNoContent} {
		t.Run(fmt.Sprint("an answer of ", status), func(t *testing.T) {
			p.t = t
			eval[chromedp.Void](p, `(() => { pauses.length = 0; })()`)
			before := r.streams.Load()
			r.status.Store(status)
			r.CloseClientConnections()
			p.until("it has tried often", `pauses.length > 6`)
			p.has("#live", "▲ not live")
			p.has("#lost", "▲ Not live: the operator does not answer, and this is its state of ", " ago. Next try in ", "try now")
			p.has("#name", "shop-operator")
			if n := r.streams.Load() - before; n < 6 {
				t.Errorf("it asked for %d streams in 7 failures", n)
			}
			p.looks("not live")
			if status == http.StatusNotFound {
				p.picture("not-live", desktop, false)
			}
			r.status.Store(0)
			p.until("it is live again", `document.querySelector('#live').innerText === '● live' && document.querySelector('#lost').hidden`)
			if got, want := eval[[]int](p, "pauses")[:7], []int{1000, 2000, 4000, 8000, 16000, 30000, 30000}; !slices.Equal(got, want) {
				t.Errorf("its pauses were %v ms, want %v", got, want)
			}
		})
	}
	t.Run("a stream that is refused alone", func(t *testing.T) {
		p.t = t
		r.state.Store(true)
		r.status.Store(http.StatusServiceUnavailable)
		r.CloseClientConnections()
		p.until("it says so", `document.querySelector('#lost').innerText.includes('the operator answers, but refuses its stream of events, and this is its state of ')`)
		at := eval[string](p, "last.at")
		p.until("it shows newer states", `at => last.at > at && document.querySelector('#live').innerText === '▲ not live'`, at)
		r.state.Store(false)
		p.until("it does not answer", `document.querySelector('#lost').innerText.includes('the operator does not answer, and')`)
		r.status.Store(0)
		p.until("it is live again", `document.querySelector('#live').innerText === '● live' && document.querySelector('#lost').hidden`)
	})
	t.Run("at once", func(t *testing.T) {
		p.t = t
		eval[chromedp.Void](p, `(() => { pauses.length = 0; const slow = setTimeout; setTimeout = (f, ms) => slow(f, f.name === 'connect' ? 3600e3 : ms); })()`)
		r.status.Store(http.StatusServiceUnavailable)
		r.CloseClientConnections()
		p.until("it is not live", `!document.querySelector('#lost').hidden`)
		r.status.Store(0)
		p.do(chromedp.Click(chromedp.CSS("#again")))
		p.until("it is live again", `document.querySelector('#live').innerText === '● live'`)
	})
}
