package addingress

import (
	"context"
	"log/slog"
	"sync"
	"time"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/events"
)

// A recorder writes Events about Services that have a problem. It writes one Event when a problem
// appears or changes, and none while the problem stays. Therefore a quiet cluster gets no writes,
// however often its Services are reconciled.
//
// Package events writes them, so report never waits for the API server. The recorder keeps one
// entry for each Service that has a problem now.
//
// If a problem comes back, or a restarted operator finds it again, the Event that it had is
// continued as a series. The API server keeps an Event for an hour after its last write
// (--event-ttl).
type recorder struct {
	*events.Recorder

	mu       sync.Mutex
	standing map[controller.Key]*standing // guarded by mu, as are the entries
}

// standing is a problem that a Service has.
type standing struct {
	service corev1.ObjectReference
	problem problem
	saidAt  time.Time // time of the last Event about it; zero if there is none yet
}

const (
	// eventsPerSecond and eventsBurst limit the Events of one operator, because Events share the
	// API server and its storage with the rest of the cluster.
	eventsPerSecond = 1
	eventsBurst     = 25

	// repeatAfter is the time after which a problem that still stands is reported again when its
	// Service is reconciled. By then the API server has removed the Event, and kubectl describe
	// would not show the problem.
	repeatAfter = time.Hour

	// rewordAfter is the time after which a problem of a reason whose notes differ at each try
	// (see wordy) is reported with its new note.
	rewordAfter = 5 * time.Minute

	controllerName = "skiff.dev/addingress"
)

func newRecorder(sink events.Sink, log *slog.Logger) *recorder {
	r, err := events.NewTo(sink, events.Options{
		Controller: controllerName,
		QPS:        eventsPerSecond,
		Burst:      eventsBurst,
		Queue:      -1, // there is one for each Service that has a problem
		// The next operator finds the same problems.
		FlushTimeout: -1,
		Logger:       log,
	})
	if err != nil {
		panic(err) // the options are constants
	}
	return &recorder{Recorder: r, standing: map[controller.Key]*standing{}}
}

// report queues an Event about problem p of svc, and reports whether the problem is
// new, so that the caller logs it once, too. It never blocks. It is not called for one Service at
// the same time.
func (r *recorder) report(svc *corev1.Service, p problem) (news bool) {
	key := controller.Key{Namespace: svc.Namespace, Name: svc.Name}
	r.mu.Lock()
	before := r.standing[key]
	if before != nil && before.service.UID == svc.UID && before.covers(p) {
		r.mu.Unlock()
		return false
	}
	s := &standing{service: events.Ref(svc), problem: p}
	r.standing[key] = s
	r.mu.Unlock()
	if before != nil {
		r.Forget(before.service)
	}
	r.Record(events.Event{
		Regarding: s.service,
		Type:      corev1.EventTypeWarning,
		Reason:    p.reason,
		Action:    "ExposeService",
		Note:      p.note,
		Done:      func(err error) { r.said(key, s, err) },
	})
	return true
}

// covers reports whether s, or the Event about it, says p already.
func (s *standing) covers(p problem) bool {
	age := time.Since(s.saidAt)
	switch {
	case s.problem == p:
		return s.saidAt.IsZero() || age < repeatAfter
	case s.problem.reason == p.reason && wordy(p.reason):
		return s.saidAt.IsZero() || age < rewordAfter
	}
	return false
}

// stands reports whether svc has a problem of the reason that needs no new Event, so that the
// caller need not find out its note.
func (r *recorder) stands(svc *corev1.Service, reason string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.standing[controller.Key{Namespace: svc.Namespace, Name: svc.Name}]
	return s != nil && s.service.UID == svc.UID && s.problem.reason == reason && s.covers(s.problem)
}

// clear removes the problem of key's Service. An Event about it that is not written yet is dropped.
func (r *recorder) clear(key controller.Key) {
	r.mu.Lock()
	s := r.standing[key]
	delete(r.standing, key)
	r.mu.Unlock()
	if s != nil {
		r.Forget(s.service)
	}
}

// said notes that the Event about s is written. If it was dropped, s is removed, unless another
// problem has taken its place: the next reconcile of the Service reports it again.
func (r *recorder) said(key controller.Key, s *standing, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		s.saidAt = time.Now()
	} else if r.standing[key] == s {
		delete(r.standing, key)
	}
}

// run writes Events until ctx ends. Events that are not written by then are lost; the next operator
// finds the same problems.
func (r *recorder) run(ctx context.Context) { _ = r.Run(ctx) }

// cut shortens s to at most n bytes, between two characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	const ellipsis = "…"
	end := n - len(ellipsis)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + ellipsis
}
