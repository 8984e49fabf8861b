package operator

import (
	"container/list"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controller"
)

const (
	// maxKeys is how many keys have a history: those that moved last.
	maxKeys = 1000
	// maxSteps is how long the history of a key is: its last steps.
	maxSteps = 64
	// maxText limits a text in a step, such as an error, and the name of a key, in bytes.
	maxText = 512
	// maxBytes limits the memory of all histories, in bytes: beyond it the keys that did not move for
	// the longest time lose theirs before there are maxKeys.
	maxBytes = 16 << 20
	// stepBytes is the memory of a step without its texts, about.
	stepBytes = 128
	// maxDurations is how many reconciles of a controller the percentiles are of: the last ones.
	maxDurations = 1000
)

// Step is something that happened to a key.
type Step struct {
	At time.Time `json:"at"`
	// What is queued, held, released, reconciling, wrote, reconciled or failed.
	What string `json:"what"`
	// Why tells more: the object whose change queued the key, the error, what was written and what
	// happens next. It has names and no values.
	Why string `json:"why,omitempty"`
	// Fields are the paths of the fields that were written, as client.Write has them. An update, whose
	// fields are not known, has none.
	Fields string `json:"fields,omitempty"`
	// Took is how long a reconcile or a hold took, in milliseconds.
	Took float64 `json:"tookMs,omitempty"`
	// Next is when the key is queued again, if that is known.
	Next *time.Time `json:"next,omitempty"`
}

// The steps that end a reconcile.
const (
	stepReconciled = "reconciled"
	stepFailed     = "failed"
)

// Moved is a key and the last step of its history.
type Moved struct {
	Controller string `json:"controller"`
	Key        string `json:"key"`
	Step
}

// histories are what happened to the keys of controllers that moved last. It observes the
// controllers while the page is on.
type histories struct {
	mu    sync.Mutex
	byKey map[keyOf]*list.Element // of *history; guarded by mu
	order list.List               // of *history, the one that moved last in front; guarded by mu
	took  map[string]*durations   // by controller; guarded by mu
	bytes int                     // of the steps, about; guarded by mu
}

type keyOf struct{ controller, key string }

// history is the last steps of a key, in a ring.
type history struct {
	of    keyOf
	steps []Step
	next  int // where the next step goes, if steps is full
	held  bool

	failures int       // in a row, the last of which is the last reconcile
	since    time.Time // the first of them
	failed   Step      // the last of them
}

// bytes returns the memory of a step, about.
func (s *Step) bytes() int { return stepBytes + len(s.Why) + len(s.Fields) }

// durations are how long the last reconciles of a controller took, in a ring.
type durations struct {
	all  []time.Duration
	next int
}

func newHistories() *histories {
	return &histories{byKey: map[keyOf]*list.Element{}, took: map[string]*durations{}}
}

// add appends steps to the history of a key. change changes its state; it may be nil.
func (h *histories) add(controller string, key any, change func(*history), steps ...Step) {
	of := keyOf{controller, short(fmt.Sprint(key))}
	h.mu.Lock()
	defer h.mu.Unlock()
	e := h.byKey[of]
	if e == nil {
		if h.order.Len() >= maxKeys {
			h.forgetOldest()
		}
		e = h.order.PushFront(&history{of: of})
		h.byKey[of] = e
	}
	h.order.MoveToFront(e)
	k := e.Value.(*history)
	if change != nil {
		change(k)
	}
	for _, s := range steps {
		s.At, s.Why = time.Now(), short(s.Why)
		k.note(s)
		h.bytes += s.bytes()
		if len(k.steps) < maxSteps {
			k.steps = append(k.steps, s)
			continue
		}
		h.bytes -= k.steps[k.next].bytes()
		k.steps[k.next] = s
		k.next = (k.next + 1) % maxSteps
	}
	for h.bytes > maxBytes && h.order.Len() > 1 {
		h.forgetOldest()
	}
}

// note counts the failures in a row.
func (k *history) note(s Step) {
	switch s.What {
	case stepReconciled:
		k.failures = 0
	case stepFailed:
		if k.failures++; k.failures == 1 {
			k.since = s.At
		}
		k.failed = s
	}
}

// forgetOldest removes the history of a key that did not move for the longest time: of one that
// neither fails nor is held, if there is one in the older half. So the others that a resync queues do
// not take the histories of the keys that fail, nor a thousand keys that fail those of all others.
// h.mu is held.
func (h *histories) forgetOldest() {
	e := h.order.Back()
	for at, n := e, h.order.Len()/2; n > 0; at, n = at.Prev(), n-1 {
		if k := at.Value.(*history); k.failures == 0 && !k.held {
			e = at
			break
		}
	}
	k := e.Value.(*history)
	for i := range k.steps {
		h.bytes -= k.steps[i].bytes()
	}
	delete(h.byKey, k.of)
	h.order.Remove(e)
}

// short returns the beginning of a text, which ends at the end of a character.
func short(s string) string {
	if len(s) <= maxText {
		return s
	}
	return strings.ToValidUTF8(s[:maxText], "") + "…"
}

// in returns the steps from the oldest to the newest.
func (k *history) in() []Step {
	return append(append([]Step{}, k.steps[k.next:]...), k.steps[:k.next]...)
}

// last returns the newest step.
func (k *history) last() Step {
	if len(k.steps) < maxSteps {
		return k.steps[len(k.steps)-1]
	}
	return k.steps[(k.next+maxSteps-1)%maxSteps]
}

// of returns the history of a key, and whether there is one.
func (h *histories) of(controller, key string) ([]Step, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := h.byKey[keyOf{controller, short(key)}]
	if e == nil {
		return nil, false
	}
	return e.Value.(*history).in(), true
}

// moved returns the keys that moved last, at most n, and those of each controller that are held.
func (h *histories) moved(n int) (moved []Moved, held map[string][]string) {
	moved, held = []Moved{}, map[string][]string{}
	h.mu.Lock()
	defer h.mu.Unlock()
	for e := h.order.Front(); e != nil; e = e.Next() {
		k := e.Value.(*history)
		if len(moved) < n && len(k.steps) > 0 {
			moved = append(moved, Moved{Controller: k.of.controller, Key: k.of.key, Step: k.last()})
		}
		if k.held && len(held[k.of.controller]) < n {
			held[k.of.controller] = append(held[k.of.controller], k.of.key)
		}
	}
	return moved, held
}

// observer returns the functions that note what happens to the keys of a controller. Of a
// controller that reads Secrets the texts of errors are left out: secret says whether it does.
func (h *histories) observer(name string, secret bool) controller.Observer {
	return controller.Observer{
		Named: func(key any, c controller.Cause) {
			why := c.Source
			if c.Change != "" {
				why = fmt.Sprintf("%s: %s of %s %s", c.Source, c.Object, c.Informer, c.Change)
			}
			h.add(name, key, nil, Step{What: "queued", Why: why})
		},
		Held: func(key any) {
			h.add(name, key, func(k *history) { k.held = true },
				Step{What: "held", Why: "the caches have not seen what its last reconcile wrote"})
		},
		Released: func(key any, hold controller.Hold) {
			why := "the caches have seen its writes"
			switch {
			case hold.Stopped:
				why = "the controller has stopped"
			case !hold.Seen:
				why = "the write timeout is over, and the caches have not seen its writes"
			}
			h.add(name, key, func(k *history) { k.held = false },
				Step{What: "released", Why: why, Took: milliseconds(hold.Duration)})
		},
		Reconcile: func(ctx context.Context, key any) (context.Context, func(controller.Outcome)) {
			h.add(name, key, nil, Step{What: "reconciling"})
			return client.WithFieldPaths(ctx), func(o controller.Outcome) { h.ended(name, key, o, secret) }
		},
	}
}

// ended notes the end of a reconcile.
func (h *histories) ended(name string, key any, o controller.Outcome, secret bool) {
	var steps []Step
	for _, w := range o.Writes {
		what := "wrote"
		if w.Deleted {
			what = "deleted"
		}
		object := w.Name
		if w.Namespace != "" {
			object = w.Namespace + "/" + w.Name
		}
		steps = append(steps, Step{What: what, Why: w.Kind.GVR().GroupResource().String() + " " + object,
			Fields: w.Fields})
	}
	if len(steps) > maxSteps/2 { // so that a reconcile of many writes does not fill the history
		steps = append(steps[:maxSteps/2], Step{What: "wrote",
			Why: fmt.Sprintf("%d more objects", len(steps)-maxSteps/2)})
	}
	end := Step{What: stepReconciled, Why: "next: " + string(o.Next), Took: milliseconds(o.Duration)}
	if o.Err != nil {
		end.What, end.Why = stepFailed, fmt.Sprintf("next: %s; %s", o.Next, shownError(o.Err, secret, "this controller reads Secrets"))
	}
	if !o.NextAt.IsZero() {
		at := o.NextAt // its own, or the step would keep the whole outcome
		end.Next = &at
	}
	h.add(name, key, nil, append(steps, end)...)
	h.mu.Lock()
	defer h.mu.Unlock()
	d := h.took[name]
	if d == nil {
		d = &durations{}
		h.took[name] = d
	}
	d.add(o.Duration)
}

func (d *durations) add(took time.Duration) {
	if len(d.all) < maxDurations {
		d.all = append(d.all, took)
		return
	}
	d.all[d.next] = took
	d.next = (d.next + 1) % maxDurations
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Round(10*time.Microsecond)) / float64(time.Millisecond)
}
