package election_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/election"
	"github.com/skiff-k8s/skiff/faults"
	"github.com/skiff-k8s/skiff/rest"
)

// fullRuns asks for all runs, by the virtual and by the real clock: make election.
const fullRuns = "SKIFF_ELECTION_FULL"

// Runs of three processes on one API server, each with pauses of processes (as by SIGSTOP), kills,
// ends, partitions, restarts and pauses of the server, and clocks that differ by up to an hour.
// Each process that has ever led tries to write for the rest of the run, under no context. The
// judge is the server: a write arrives, and is carried out, only while its process holds the Lease.
func TestNeverTwoLeaders(t *testing.T) {
	var sum tally
	runs := uint64(10)
	if os.Getenv(fullRuns) != "" {
		runs = 100
	}
	for seed := range runs {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, seed)
				w.play(3 * time.Minute)
				sum.add(w.tally)
			})
		})
	}
	t.Logf("%+v", sum)
	if n := int(runs); sum.runs == n &&
		(sum.terms < 3*n || sum.writes < 50*n || sum.refused < 50*n || sum.lost < n) {
		t.Errorf("%+v: too little happened for this test to judge by", sum)
	}
}

type tally struct{ runs, terms, lost, writes, refused int }

func (a *tally) add(b tally) {
	a.runs++
	a.terms += b.terms
	a.lost += b.lost
	a.writes += b.writes
	a.refused += b.refused
}

type world struct {
	t     *testing.T
	rand  *rand.Rand // of the test's goroutine
	seed  uint64
	store *faults.Store
	log   *faults.Log
	over  chan struct{} // closed when everything is to end
	all   sync.WaitGroup
	procs []*proc

	mu    sync.Mutex
	slow  *rand.Rand // of the server
	tally tally
}

func newWorld(t *testing.T, seed uint64) *world {
	return &world{
		t: t, seed: seed, rand: rand.New(rand.NewPCG(seed, 1)), slow: rand.New(rand.NewPCG(seed, 2)),
		store: faults.NewStore(), log: faults.NewLog(), over: make(chan struct{}),
	}
}

// ServeHTTP is the API server, which is slow now and then, and keeps to timeout=.
func (w *world) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	write := faults.VerbOf(r)&faults.Write != 0
	ours := write && r.Header.Get("User-Agent") != "elector"
	w.judge(r, ours, "arrives")
	w.mu.Lock()
	var delay time.Duration
	if w.slow.IntN(10) == 0 {
		delay = time.Duration(w.slow.Int64N(int64(8 * time.Second)))
	}
	w.mu.Unlock()
	limit, err := time.ParseDuration(r.URL.Query().Get("timeout"))
	if err != nil && ours || limit > 5*time.Second {
		w.t.Errorf("timeout=%s of %s %s", r.URL.Query().Get("timeout"), r.Method, r.URL.Path)
	}
	ctx, cancel := context.WithTimeout(r.Context(), limit)
	defer cancel()
	select {
	case <-time.After(delay):
	case <-ctx.Done():
		faults.Status(504).Handler(nil).ServeHTTP(rw, r)
		return
	}
	w.judge(r, ours, "is carried out")
	w.store.ServeHTTP(rw, r)
	w.mu.Lock()
	defer w.mu.Unlock()
	if ours {
		w.tally.writes++
	}
}

func (w *world) judge(r *http.Request, ours bool, what string) {
	if !ours {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	l := storedLease(w.t, w.store)
	if by := r.Header.Get("User-Agent"); by != holderOf(l) {
		w.t.Errorf("seed %d, %v: a write of %s %s, and %q holds the Lease since %v",
			w.seed, time.Since(epoch), by, what, holderOf(l), l.Spec.AcquireTime)
	}
}

// epoch is when synctest's clock begins.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// proc is a process, and those that are started in its place when it has ended.
type proc struct {
	world  *world
	number int
	server *faults.Server
	rand   *rand.Rand
	skew   time.Duration

	mu   sync.Mutex
	gate *gate
	link *link
	term context.CancelFunc // SIGTERM
}

func (w *world) play(d time.Duration) {
	for n := range 3 {
		p := &proc{
			world: w, number: n, rand: rand.New(rand.NewPCG(w.seed, uint64(10+n))),
			skew:   time.Duration(w.rand.Int64N(int64(2*time.Hour))) - time.Hour,
			server: faults.Start(w.t, w, faults.Options{TLS: w.seed%5 == 0}),
		}
		w.procs = append(w.procs, p)
		w.all.Go(p.live)
	}
	for end := time.Now().Add(d); time.Now().Before(end); {
		time.Sleep(time.Duration(w.rand.Int64N(int64(15 * time.Second))))
		w.fault()
	}
	// After the last fault somebody leads soon.
	time.Sleep(40 * time.Second)
	for _, p := range w.procs {
		p.mu.Lock()
		p.gate.cont()
		p.link.mend()
		p.mu.Unlock()
	}
	time.Sleep(40 * time.Second)
	synctest.Wait()
	if l := storedLease(w.t, w.store); holderOf(l) == "" {
		w.t.Errorf("seed %d: nobody leads at the end: %+v\n%s", w.seed, l, w.log)
	}
	close(w.over)
	for _, p := range w.procs {
		p.mu.Lock()
		p.term()
		p.mu.Unlock()
	}
	w.all.Wait()
	for _, p := range w.procs {
		p.server.Close()
	}
	time.Sleep(time.Second) // connections that are reset wait for an alert
}

// fault begins one fault, and ends it after a time of up to 40 seconds.
func (w *world) fault() {
	p := w.procs[w.rand.IntN(len(w.procs))]
	d := time.Duration(w.rand.Int64N(int64(40 * time.Second)))
	p.mu.Lock()
	defer p.mu.Unlock()
	gate, link := p.gate, p.link
	switch w.rand.IntN(7) {
	case 0, 1:
		gate.stop()
		time.AfterFunc(d, gate.cont)
	case 2, 3:
		link.cut()
		time.AfterFunc(d, link.mend)
	case 4:
		p.term()
	case 5:
		link.kill()
		p.term()
	case 6:
		d /= 4
		away := w.rand.IntN(2) == 0
		for _, p := range w.procs {
			if away {
				w.store.Restart()
				p.server.Refuse(true)
				time.AfterFunc(d, func() { p.server.Refuse(false) })
			} else {
				p.server.Freeze(true) // shorter than a write may take
				time.AfterFunc(d/3, func() { p.server.Freeze(false) })
			}
		}
	}
}

// live runs one process after the other.
func (p *proc) live() {
	for life := 0; ; life++ {
		ctx, cancel := context.WithCancel(context.Background())
		p.mu.Lock()
		p.gate, p.link, p.term = new(gate), newLink(p.server), cancel
		p.mu.Unlock()
		p.run(ctx, fmt.Sprintf("p%d-%d", p.number, life))
		cancel()
		select {
		case <-p.world.over:
			return
		case <-time.After(time.Duration(p.rand.Int64N(int64(5 * time.Second)))):
		}
	}
}

func (p *proc) run(ctx context.Context, identity string) {
	w := p.world
	p.mu.Lock()
	gate, link := p.gate, p.link
	p.mu.Unlock()
	cfg := configOf(p.server, w.log)
	cfg.Dial = link.Dial
	cfg.Wrap(gate.wrap)
	cfg.UserAgent = "elector"
	e, err := election.New(cfg, options(identity))
	if err != nil {
		w.t.Error(err)
		return
	}
	e.SetWall(func() time.Time { return time.Now().Add(p.skew) })
	fenced := e.Fence(cfg)
	fenced.UserAgent = identity
	c, err := rest.NewClient(fenced)
	if err != nil {
		w.t.Error(err)
		return
	}
	maps := client.Of[corev1.ConfigMap](c)
	err = e.Run(ctx, func(ctx context.Context) error {
		w.mu.Lock()
		w.tally.terms++
		w.mu.Unlock()
		for n := range 2 {
			w.all.Go(func() { p.write(gate, maps, identity, time.Duration(n)*time.Second) })
		}
		<-ctx.Done()
		time.Sleep(time.Duration(p.rand.Int64N(int64(3 * time.Second)))) // work to finish
		return nil
	})
	var lost *election.LostError
	if errors.As(err, &lost) {
		w.mu.Lock()
		w.tally.lost++
		w.mu.Unlock()
	} else if err != nil {
		w.t.Error(err)
	}
}

// write writes until the end, leader or not, more slowly once it was refused.
func (p *proc) write(gate *gate, maps *client.Client[corev1.ConfigMap], identity string, pause time.Duration) {
	w := p.world
	for {
		gate.wait()
		_, err := maps.Create(context.Background(), configMap(identity), metav1.CreateOptions{})
		var refused *election.NotLeadingError
		if errors.As(err, &refused) {
			pause = 4 * time.Second
			w.mu.Lock()
			w.tally.refused++
			w.mu.Unlock()
		}
		select {
		case <-w.over:
			return
		case <-time.After(pause + 700*time.Millisecond):
		}
	}
}
