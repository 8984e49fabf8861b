package events

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/workqueue"
)

// The defaults of Options.
const (
	DefaultQPS          = 5
	DefaultBurst        = 50
	DefaultQueue        = 1000
	DefaultFlushTimeout = 5 * time.Second
)

// Options configures a Recorder. Controller is required.
type Options struct {
	// Controller is the reportingController of the Events, a qualified name such as
	// "example.com/budgets".
	Controller string
	// Instance is the reportingInstance. "" means the host name, which is the pod's.
	Instance string
	// FieldManager is the name under which the fields are owned. "" means Controller.
	FieldManager string

	// QPS and Burst limit the Events that are written per second, and at once. A QPS of 0 means
	// DefaultQPS; negative means no limit. A Burst of 0 means DefaultBurst if QPS is 0 as well, and
	// else QPS rounded up; negative means one at a time.
	QPS   float64
	Burst int
	// Queue limits the Events that are not written yet. Further ones are dropped. 0 means
	// DefaultQueue; negative means no limit.
	Queue int
	// FlushTimeout is how long Run goes on after the end of its context, to write what is queued. 0
	// means DefaultFlushTimeout; negative means that it is dropped.
	FlushTimeout time.Duration
	// Logger gets the faults. nil means slog.Default(), or the logger of the client that New gets.
	Logger *slog.Logger
}

// Event is an occurrence to record. Regarding, Type, Reason and Action are required.
type Event struct {
	Regarding corev1.ObjectReference  // what it is about; Ref makes one
	Related   *corev1.ObjectReference // a second object, or nil
	Type      string                  // corev1.EventTypeNormal or EventTypeWarning
	Reason    string                  // why, as a word in CamelCase
	Action    string                  // what was done or tried, as a word in CamelCase
	Note      string                  // for people

	// Done is called once: from the goroutine of Run when the occurrence is written, or with the
	// error for which it was dropped, which may be within Record. It is not called for an
	// occurrence that Forget removes, nor for one that is left when Run has ended. It may be nil.
	Done func(error)
}

// Recorder records Events. Make one with New. Its methods are safe for concurrent use.
type Recorder struct {
	o       Options
	sink    Sink
	log     *slog.Logger
	limiter rest.RateLimiter // nil for no limit
	queue   *workqueue.Queue[id]

	mu      sync.Mutex // guards the fields below
	state   state
	entries map[id]*entry
	objects map[object]*subject
	groups  map[group]int // how many entries have notes of their own
	waiting int           // entries that are to be written
	stats   Stats
	hopes   seldom // hopeless errors
	full    seldom // the queue is full
	swept   time.Time
	crowded int // with so many entries that are written, some are forgotten
	made    int // entries
}

// state is that of a Recorder: it runs once.
type state int

const (
	idle state = iota
	running
	ended
)

// Stats counts occurrences.
type Stats struct {
	Recorded int // calls of Record and its like
	Written  int // occurrences that are in Events of the API server
	Dropped  int // by limits, errors or mistakes
	Queued   int // Events that wait to be written
}

// What Done gets for an occurrence that is not written.
var (
	// ErrDropped: a limit dropped it.
	ErrDropped = errors.New("events: dropped: too many")
	// ErrEnded: it was recorded after the end of Run.
	ErrEnded = errors.New("events: dropped: the recorder has ended")
)

// errFull is an ErrDropped of the queue's limit.
var errFull = fmt.Errorf("%w", ErrDropped)

// New returns a Recorder that writes by a client. It starts nothing. An error names the option that
// is wrong.
func New(c *rest.Client, o Options) (*Recorder, error) {
	if o.Logger == nil {
		o.Logger = c.Logger()
	}
	if o.FieldManager == "" {
		o.FieldManager = o.Controller[:min(len(o.Controller), maxWord)]
	}
	return NewTo(SinkOf(c, o.FieldManager), o)
}

// NewTo returns a Recorder that writes to a sink, such as a Fake.
func NewTo(sink Sink, o Options) (*Recorder, error) {
	if problems := validation.IsQualifiedName(o.Controller); len(problems) > 0 {
		return nil, fmt.Errorf("events: the option Controller is %q: %s", o.Controller,
			strings.Join(problems, "; "))
	}
	if o.Instance == "" {
		o.Instance, _ = os.Hostname()
	}
	if o.Instance == "" {
		o.Instance = o.Controller
	}
	o.Instance = cut(o.Instance, maxWord)
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	r := &Recorder{
		o: o, sink: sink, log: o.Logger,
		queue: workqueue.NewWithRateLimiter(
			workqueue.Exponential[id](time.Second, time.Minute), workqueue.WithName("events")),
		entries: map[id]*entry{}, objects: map[object]*subject{}, groups: map[group]int{},
		crowded: maxRemembered,
	}
	if o.QPS == 0 {
		o.QPS = DefaultQPS
		if o.Burst == 0 {
			o.Burst = DefaultBurst
		}
	}
	if o.QPS > 0 {
		limiter, err := rest.NewRateLimiter(o.QPS, o.Burst)
		if err != nil {
			return nil, fmt.Errorf("events: %w", err)
		}
		r.limiter = limiter
	}
	switch {
	case o.Queue == 0:
		r.o.Queue = DefaultQueue
	case o.Queue < 0:
		r.o.Queue = math.MaxInt
	}
	if o.FlushTimeout == 0 {
		r.o.FlushTimeout = DefaultFlushTimeout
	}
	return r, nil
}

// Normal records an Event of the type Normal about obj. The note is formatted as by fmt.Sprintf if
// there are args.
func (r *Recorder) Normal(obj Object, reason, action, note string, args ...any) {
	r.about(obj, corev1.EventTypeNormal, reason, action, note, args)
}

// Warning records an Event of the type Warning about obj.
func (r *Recorder) Warning(obj Object, reason, action, note string, args ...any) {
	r.about(obj, corev1.EventTypeWarning, reason, action, note, args)
}

func (r *Recorder) about(obj Object, kind, reason, action, note string, args []any) {
	if len(args) > 0 {
		note = fmt.Sprintf(note, args...)
	}
	r.Record(Event{Regarding: Ref(obj), Type: kind, Reason: reason, Action: action, Note: note})
}

// Stats returns what was counted so far.
func (r *Recorder) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.stats
	s.Queued = r.waiting
	return s
}

// Record records an occurrence. It never blocks. Occurrences that are recorded before Run is called
// are written when it is. A mistake, such as an Event without a reason, is logged and dropped.
func (r *Recorder) Record(e Event) {
	if err := check(&e); err != nil {
		r.log.Error("Event dropped", "err", err)
		r.dropped(e.Done, err)
		return
	}
	if err := r.add(e); err != nil {
		if err == errFull {
			err = ErrDropped
			r.sayFull()
		}
		r.dropped(e.Done, err)
	}
}

func (r *Recorder) dropped(done func(error), err error) {
	r.mu.Lock()
	r.stats.Recorded++
	r.stats.Dropped++
	r.mu.Unlock()
	if done != nil {
		done(err)
	}
}

// Forget drops what is recorded about an object and not written yet, and forgets what was written.
// The next occurrence is written at once.
func (r *Recorder) Forget(regarding corev1.ObjectReference) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if of := r.objects[objectOf(regarding)]; of != nil {
		for key, e := range of.entries {
			r.remove(key, e)
		}
	}
}

// Run writes Events until ctx ends, and then for up to FlushTimeout what is queued. It returns nil,
// and an error at once if it runs or has run: make a new Recorder then. What is recorded after Run has
// ended is dropped.
func (r *Recorder) Run(ctx context.Context) error {
	r.mu.Lock()
	before := r.state
	if before == idle {
		r.state = running
	}
	r.mu.Unlock()
	switch before {
	case running:
		return errors.New("events: run the recorder: it is running already")
	case ended:
		return errors.New("events: run the recorder: it was run before: make a new one")
	}
	for {
		key, err := r.queue.Get(ctx)
		if err != nil {
			break
		}
		if r.due(key) && (r.limiter == nil || r.limiter.Wait(ctx) == nil) && ctx.Err() == nil {
			r.turn(ctx, key, false)
		}
		r.queue.Done(key)
	}
	r.flush(context.WithoutCancel(ctx))
	return nil
}
