package operator

import (
	"context"
	"slices"
	"time"

	"github.com/skiff-k8s/skiff/controller"
)

// State is what the page shows of an operator. Times are RFC 3339, durations milliseconds.
type State struct {
	At          time.Time         `json:"at"`
	Name        string            `json:"name"`
	Started     time.Time         `json:"started"`
	Leads       bool              `json:"leads"`
	Leader      string            `json:"leader,omitempty"` // as the election knows it
	Identity    string            `json:"identity,omitempty"`
	NotReady    string            `json:"notReady,omitempty"` // the Ready checks that fail
	Informers   []InformerState   `json:"informers"`
	Controllers []ControllerState `json:"controllers"`
	Failing     []Failing         `json:"failing"` // the keys whose last reconcile failed
	Moved       []Moved           `json:"moved"`   // the keys that moved last

	since map[keyOf]time.Time // the keys that fail, as the metrics know them
}

// InformerState is the state of an informer.
type InformerState struct {
	Name            string     `json:"name"`
	Resource        string     `json:"resource"`
	Host            string     `json:"host"`
	State           string     `json:"state"` // see informer.Status
	Synced          bool       `json:"synced"`
	Objects         int        `json:"objects"`
	PackedBytes     int64      `json:"packedBytes"`
	DecodedBytes    int64      `json:"decodedBytes"`
	Events          int64      `json:"events"`
	EventsPerSecond float64    `json:"eventsPerSecond"`
	Lists           int64      `json:"lists"`
	LagMs           float64    `json:"lagMs"`
	Failures        int        `json:"failures"`
	LastError       string     `json:"lastError,omitempty"`
	LastErrorAt     *time.Time `json:"lastErrorAt,omitempty"`
	LastErrorOver   bool       `json:"lastErrorOver,omitempty"` // it was a request's, and one has succeeded since
	NextTry         *time.Time `json:"nextTry,omitempty"`
	Unwatchable     string     `json:"unwatchable,omitempty"` // why it is listed again and again
}

// ControllerState is the state of a controller and its queue.
type ControllerState struct {
	Name       string   `json:"name"`
	NeedsLease bool     `json:"needsLease"`
	Paused     bool     `json:"paused"`
	Workers    int      `json:"workers"`
	Active     int      `json:"active"`
	Depth      int      `json:"depth"`   // keys that are queued
	Delayed    int      `json:"delayed"` // keys that wait out a delay
	Oldest     string   `json:"oldest,omitempty"`
	OldestMs   float64  `json:"oldestMs,omitempty"`
	Succeeded  uint64   `json:"succeeded"`
	Failed     uint64   `json:"failed"`
	Retried    uint64   `json:"retried"`
	GivenUp    uint64   `json:"givenUp"`
	Panics     uint64   `json:"panics"`
	Timeouts   uint64   `json:"timeouts"`
	LongestMs  float64  `json:"longestMs"` // for how long the longest reconcile has been running
	Failing    int      `json:"failing"`   // keys whose last reconcile failed
	P50Ms      float64  `json:"p50Ms"`     // of the last reconciles
	P99Ms      float64  `json:"p99Ms"`
	Held       int      `json:"held"`
	HeldKeys   []string `json:"heldKeys,omitempty"` // those that were wanted meanwhile
}

// maxMoved is how many keys each list of a State names.
const maxMoved = 50

// state returns the state of the operator at this moment.
func (o *Operator) state() State {
	s := State{Name: o.options.Name, Started: o.started, Leads: o.Leads(),
		Informers: []InformerState{}, Controllers: []ControllerState{}}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := o.health.Err(ctx, Ready); err != nil {
		s.NotReady = short(oneLine(err.Error()))
	}
	if e, ok := o.options.Elector.(electionStatus); ok {
		status := e.Status()
		s.Leader, s.Identity = status.Leader, status.Identity
	}
	for _, i := range allInformers(o.options.Factories) {
		s.Informers = append(s.Informers, informerState(i, time.Now()))
	}
	for _, c := range o.controllers {
		s.Controllers = append(s.Controllers, controllerState(c))
	}
	s.since = o.options.Metrics.failingSince(o.controllers)
	return s
}

// informerState returns the state of an informer.
func informerState(i named, now time.Time) InformerState {
	s := i.Status()
	state := InformerState{
		Name: i.name(), Resource: i.Kind().GVR().GroupResource().String(), Host: i.host,
		State: s.State, Synced: s.Synced, Objects: s.Objects,
		PackedBytes: s.PackedBytes + s.Cache.BaseBytes, DecodedBytes: s.Cache.DecodedBytes,
		Events: s.Events, Lists: s.Lists, LagMs: milliseconds(lag(s, now)), Failures: s.Failures,
		NextTry: timeOf(s.NextAt),
	}
	if s.Unwatchable != nil {
		state.Unwatchable = short(shownError(s.Unwatchable, false, ""))
	}
	if s.LastError != nil {
		// A transform or a handler of the program may have failed, with a part of an object in its text.
		state.LastError = short(shownError(s.LastError, ofSecrets(i.Kind()), "this is a cache of Secrets"))
		state.LastErrorAt, state.LastErrorOver = timeOf(s.LastErrorAt), s.Failures == 0 && !s.LastErrorOfFunction
	}
	return state
}

func timeOf(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// controllerState returns the state of a controller.
func controllerState(c *controller.Controller) ControllerState {
	s := c.Stats()
	return ControllerState{
		Name: c.Name(), NeedsLease: c.NeedsLease(), Paused: s.Paused, Workers: s.Workers, Active: s.Active,
		Depth: s.Queue.Depth, Delayed: s.Queue.Delayed, Oldest: s.Oldest, OldestMs: milliseconds(s.OldestWait),
		Succeeded: s.Succeeded, Failed: s.Failed, Retried: s.Retried, GivenUp: s.GivenUp,
		Panics: s.Panics, Timeouts: s.Timeouts, Held: s.Held,
		LongestMs: milliseconds(s.Queue.LongestRunningProcessor),
	}
}

// fill adds what the histories know.
func (h *histories) fill(s *State) {
	moved, held := h.moved(maxMoved)
	failing, count := h.failing(maxMoved, s.since)
	s.Moved, s.Failing = moved, failing
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range s.Controllers {
		c := &s.Controllers[i]
		c.HeldKeys, c.Failing = held[c.Name], count[c.Name]
		if d := h.took[c.Name]; d != nil {
			c.P50Ms, c.P99Ms = d.percentile(50), d.percentile(99)
		}
	}
}

// percentile returns the duration in milliseconds that a part of all is at most.
func (d *durations) percentile(percent int) float64 {
	sorted := slices.Sorted(slices.Values(d.all))
	at := (len(sorted)*percent + 99) / 100 // of the nearest rank
	return milliseconds(sorted[max(at, 1)-1])
}

// rates are the events of informers at the State before, to tell how many come in a second.
type rates struct {
	at     time.Time
	events map[[2]string]int64 // by host and name
}

func (r *rates) fill(s *State) {
	now := map[[2]string]int64{}
	for i := range s.Informers {
		in := &s.Informers[i]
		id := [2]string{in.Host, in.Name}
		now[id] = in.Events
		if before, ok := r.events[id]; ok && s.At.After(r.at) {
			in.EventsPerSecond = float64(max(in.Events-before, 0)) / s.At.Sub(r.at).Seconds()
		}
	}
	r.at, r.events = s.At, now
}
