package addingress

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/time/rate"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/workqueue"
)

// A recorder writes Events about Services that have a problem. It writes one Event when a problem
// appears or changes, and none while the problem stays. Therefore a quiet cluster gets no writes,
// however often its Services are reconciled.
//
// The goroutine of run writes the Events, so report never waits for the API server. The recorder
// keeps one entry for each Service that has a problem now, and writes at most eventsPerSecond.
//
// An Event's name is made from the Service's UID and the problem. If a problem comes back, or a
// restarted operator finds it again, the recorder continues the Event of that name as a series. The
// API server keeps an Event for an hour after its last write (--event-ttl).
type recorder struct {
	events   eventClient
	log      *slog.Logger
	instance string
	limiter  *rate.Limiter
	queue    *workqueue.Queue[controller.Key]

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

	// eventTries is how often writing an Event is tried before the Event is dropped. The problem is
	// reported again at the next reconcile of its Service.
	eventTries   = 5
	eventTimeout = 10 * time.Second

	// maxNote is the API server's limit of an Event's note, in bytes.
	maxNote = 1024

	controllerName = "skiff.dev/addingress"
)

// eventClient is the part of the API that the recorder uses.
type eventClient interface {
	Create(context.Context, *eventsv1.Event) error
	Get(ctx context.Context, namespace, name string) (*eventsv1.Event, error)
	Patch(ctx context.Context, namespace, name string, mergePatch []byte) error
}

func newRecorder(events eventClient, log *slog.Logger) *recorder {
	instance, err := os.Hostname() // in a Pod, its name
	if err != nil || instance == "" {
		instance = "addingress"
	}
	return &recorder{
		events:   events,
		log:      log,
		instance: cut(instance, 128), // the API server's limit
		limiter:  rate.NewLimiter(eventsPerSecond, eventsBurst),
		queue: workqueue.NewWithRateLimiter(
			workqueue.Exponential[controller.Key](time.Second, time.Minute),
			workqueue.WithName("addingress events")),
		standing: map[controller.Key]*standing{},
	}
}

// report queues an Event about problem p of svc, and reports whether the problem is
// new, so that the caller logs it once, too. It never blocks.
func (r *recorder) report(svc *corev1.Service, p problem) (news bool) {
	key := controller.Key{Namespace: svc.Namespace, Name: svc.Name}
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.standing[key]; s != nil && s.service.UID == svc.UID && s.covers(p) {
		return false
	}
	r.standing[key] = &standing{
		service: corev1.ObjectReference{
			APIVersion:      "v1",
			Kind:            "Service",
			Namespace:       svc.Namespace,
			Name:            svc.Name,
			UID:             svc.UID,
			ResourceVersion: svc.ResourceVersion,
		},
		problem: p,
	}
	r.queue.Add(key)
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
	defer r.mu.Unlock()
	delete(r.standing, key)
}

// run writes Events until ctx ends. Events that are not written by then are lost; the next operator
// finds the same problems.
func (r *recorder) run(ctx context.Context) {
	defer r.queue.ShutDown()
	for {
		key, err := r.queue.Get(ctx)
		if err != nil {
			return
		}
		if r.unsaid(key) == nil || r.limiter.Wait(ctx) == nil {
			r.turn(ctx, key)
		}
		r.queue.Done(key)
	}
}

// turn writes the Event about key, if there is one to write.
func (r *recorder) turn(ctx context.Context, key controller.Key) {
	s := r.unsaid(key)
	if s == nil {
		r.queue.Forget(key)
		return
	}
	err := r.say(ctx, s)
	switch {
	case err == nil:
		r.queue.Forget(key)
		r.mu.Lock()
		s.saidAt = time.Now()
		r.mu.Unlock()
	case hopeless(err) || r.queue.NumRequeues(key)+1 >= eventTries:
		r.queue.Forget(key)
		r.drop(key, s)
		if ctx.Err() == nil {
			r.log.Warn("Event dropped; it is tried again when the Service is next looked at",
				"service", key.String(), "reason", s.problem.reason, "error", err)
		}
	default:
		r.queue.AddRateLimited(key)
	}
}

// unsaid returns the problem of key if an Event about it is due, else nil.
func (r *recorder) unsaid(key controller.Key) *standing {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.standing[key]; s != nil && s.saidAt.IsZero() {
		return s
	}
	return nil
}

// drop removes s, unless another problem has taken its place.
func (r *recorder) drop(key controller.Key, s *standing) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.standing[key] == s {
		delete(r.standing, key)
	}
}

// hopeless reports whether a retry of the same Event would fail again: the namespace is being
// deleted, or the operator has no right to write Events.
func hopeless(err error) bool {
	return apierrors.IsNotFound(err) || apierrors.IsForbidden(err) || apierrors.IsInvalid(err) ||
		apierrors.IsUnauthorized(err)
}

// say creates the Event about s, or continues the one that exists.
func (r *recorder) say(ctx context.Context, s *standing) error {
	ctx, cancel := context.WithTimeout(ctx, eventTimeout)
	defer cancel()
	now := metav1.NowMicro()
	event := r.event(s, now)
	err := r.events.Create(ctx, event)
	if !apierrors.IsAlreadyExists(err) {
		return err
	}
	before, err := r.events.Get(ctx, event.Namespace, event.Name)
	if err != nil {
		return err
	}
	count := int32(2) // the first occurrence, which has no series, and this one
	if before.Series != nil {
		count = before.Series.Count + 1
	}
	patch, err := json.Marshal(map[string]any{
		"series": eventsv1.EventSeries{Count: count, LastObservedTime: now},
	})
	if err != nil {
		return err
	}
	return r.events.Patch(ctx, event.Namespace, event.Name, patch)
}

// event returns the Event about s, by the rules of events.k8s.io/v1.
func (r *recorder) event(s *standing, now metav1.MicroTime) *eventsv1.Event {
	return &eventsv1.Event{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: s.service.Namespace,
			Name:      eventName(s.service.Name, s.service.UID, s.problem),
		},
		EventTime:           now,
		ReportingController: controllerName,
		ReportingInstance:   r.instance,
		Action:              "ExposeService",
		Reason:              s.problem.reason,
		Regarding:           s.service,
		Note:                cut(s.problem.note, maxNote),
		Type:                corev1.EventTypeWarning,
	}
}

func eventName(service string, uid types.UID, p problem) string {
	sum := sha256.Sum256([]byte(string(uid) + "\x00" + p.reason + "\x00" + p.note))
	return service + "." + hex.EncodeToString(sum[:8])
}

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

// apiEvents implements eventClient on a cluster.
type apiEvents struct {
	events  *client.Client[eventsv1.Event]
	manager string
}

func (a apiEvents) Create(ctx context.Context, e *eventsv1.Event) error {
	_, err := a.events.In(e.Namespace).Create(ctx, e,
		metav1.CreateOptions{FieldManager: a.manager})
	return wrapEvent("create", e.Namespace, e.Name, err)
}

func (a apiEvents) Get(ctx context.Context, namespace, name string) (*eventsv1.Event, error) {
	e, err := a.events.In(namespace).Get(ctx, name, metav1.GetOptions{})
	return e, wrapEvent("get", namespace, name, err)
}

func (a apiEvents) Patch(ctx context.Context, namespace, name string, mergePatch []byte) error {
	_, err := a.events.In(namespace).Patch(ctx, name, types.MergePatchType, mergePatch,
		metav1.PatchOptions{FieldManager: a.manager})
	return wrapEvent("patch", namespace, name, err)
}

func wrapEvent(verb, namespace, name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s Event %s/%s: %w", verb, namespace, name, err)
}
