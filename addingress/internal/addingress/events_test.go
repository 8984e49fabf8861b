package addingress

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/controller"
)

// fakeEvents is as much of an API server as a recorder meets. The real one comes
// in with the control plane; this one is for what takes hours or errors.
type fakeEvents struct {
	mu       sync.Mutex
	events   map[string]*eventsv1.Event
	requests int // writes tried
	err      error
	block    chan struct{} // writes wait for it, if not nil
}

var eventsResource = schema.GroupResource{Group: "events.k8s.io", Resource: "events"}

func (f *fakeEvents) Create(ctx context.Context, e *eventsv1.Event) error {
	if f.block != nil {
		select {
		case <-f.block:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests++
	if f.err != nil {
		return f.err
	}
	if f.events[e.Name] != nil {
		return apierrors.NewAlreadyExists(eventsResource, e.Name)
	}
	f.events[e.Name] = e
	return nil
}

func (f *fakeEvents) Get(_ context.Context, _, name string) (*eventsv1.Event, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.events[name] == nil {
		return nil, apierrors.NewNotFound(eventsResource, name)
	}
	return f.events[name].DeepCopy(), nil
}

func (f *fakeEvents) Patch(_ context.Context, _, name string, mergePatch []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests++
	return json.Unmarshal(mergePatch, f.events[name])
}

// recording is a recorder that runs until stop.
type recording struct {
	*recorder
	api  *fakeEvents
	logs bytes.Buffer
	stop func()
}

func startRecorder() *recording {
	r := &recording{api: &fakeEvents{events: map[string]*eventsv1.Event{}}}
	r.recorder = newRecorder(r.api, slog.New(slog.NewTextHandler(&r.logs, nil)))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.run(ctx)
	}()
	r.stop = func() {
		cancel()
		<-done
	}
	return r
}

func (r *recording) check(t *testing.T, what string, events, requests int) {
	t.Helper()
	synctest.Wait()
	r.api.mu.Lock()
	defer r.api.mu.Unlock()
	if len(r.api.events) != events || r.api.requests != requests {
		t.Errorf("%s: %d Events by %d writes, want %d by %d", what, len(r.api.events), r.api.requests, events, requests)
	}
}

func serviceNamed(name string) *corev1.Service {
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID("uid-" + name)}}
}

var (
	problemA = problem{"ReasonA", "Note A."}
	problemB = problem{"ReasonB", "Note B."}
)

func TestStandingProblemIsOneEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startRecorder()
		defer r.stop()
		if !r.report(serviceNamed("web"), problemA) {
			t.Error("the first report is no news")
		}
		r.check(t, "reported", 1, 1)
		for range 59 { // a resync a minute
			if r.report(serviceNamed("web"), problemA) {
				t.Error("a problem that stands is news")
			}
			time.Sleep(time.Minute)
		}
		r.check(t, "an hour of resyncs later", 1, 1)

		// The API server has forgotten the Event by now, or soon will have.
		time.Sleep(time.Minute)
		clear(r.api.events)
		r.report(serviceNamed("web"), problemA)
		r.check(t, "said again", 1, 2)
	})
}

func TestAnotherProblemIsAnotherEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startRecorder()
		defer r.stop()
		r.report(serviceNamed("web"), problemA)
		r.check(t, "A", 1, 1)
		if !r.report(serviceNamed("web"), problemB) {
			t.Error("another problem is no news")
		}
		r.check(t, "B", 2, 2)
		again := serviceNamed("web")
		again.UID = "another"
		if !r.report(again, problemB) {
			t.Error("another Service of the name is no news")
		}
		r.check(t, "B of a new Service", 3, 3)
	})
}

// A problem that comes back, or that a restarted operator meets, continues its
// Event as a series.
func TestProblemThatComesBackIsASeries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startRecorder()
		defer r.stop()
		key := controller.Key{Namespace: "shop", Name: "web"}
		for n := int32(1); n <= 4; n++ {
			r.report(serviceNamed("web"), problemA)
			synctest.Wait()
			r.clear(key)
			for _, e := range r.api.events {
				if n == 1 && e.Series != nil || n > 1 && (e.Series == nil || e.Series.Count != n || !e.Series.LastObservedTime.Equal(new(metav1.NowMicro()))) {
					t.Errorf("occurrence %d: series %+v", n, e.Series)
				}
			}
			time.Sleep(time.Minute)
		}
		r.check(t, "four times", 1, 1+3*2)
	})
}

func TestSolvedProblemIsNotSaidAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startRecorder()
		defer r.stop()
		r.api.block = make(chan struct{})
		r.report(serviceNamed("first"), problemA) // keeps the recorder busy
		r.report(serviceNamed("web"), problemA)
		r.clear(controller.Key{Namespace: "shop", Name: "web"})
		synctest.Wait()
		close(r.api.block)
		r.check(t, "cleared before it was written", 1, 1)
	})
}

// Whatever happens to the Services, the pace of Events is bounded, and so is the
// memory for what waits.
func TestEventStormIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startRecorder()
		defer r.stop()
		const services, minutes = 1000, 10
		for minute := range minutes {
			for i := range services {
				r.report(serviceNamed(fmt.Sprint(i)), problem{"Flaps", fmt.Sprint("now ", minute)})
			}
			time.Sleep(time.Minute)
		}
		synctest.Wait()
		most := eventsBurst + minutes*60*eventsPerSecond
		if r.api.requests > most || r.api.requests < most/2 {
			t.Errorf("%d writes in %d minutes, want at most %d, and about that", r.api.requests, minutes, most)
		}
		if len(r.standing) != services {
			t.Errorf("%d problems remembered of %d Services", len(r.standing), services)
		}
		for i := range services {
			r.clear(controller.Key{Namespace: "shop", Name: fmt.Sprint(i)})
		}
		if len(r.standing) != 0 {
			t.Errorf("%d problems remembered after all are solved", len(r.standing))
		}
	})
}

func TestReportDoesNotWaitForTheAPIServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startRecorder()
		r.api.block = make(chan struct{}) // for ever
		begin := time.Now()
		for i := range 100 {
			r.report(serviceNamed(fmt.Sprint(i)), problemA)
		}
		if took := time.Since(begin); took != 0 {
			t.Errorf("reporting took %v", took)
		}
		r.stop() // nor does stopping
		if took := time.Since(begin); took != 0 {
			t.Errorf("stopping took %v", took)
		}
	})
}

// eventTries is how often package events tries to write an Event.
const eventTries = 5

// An Event that cannot be written is tried a few times and dropped; the problem is
// said when its Service is next looked at.
func TestFailedEventIsTriedAgainAndThenDropped(t *testing.T) {
	for _, tt := range []struct {
		err   error
		tries int
	}{
		{errors.New("connection refused"), eventTries},
		{apierrors.NewForbidden(eventsResource, "x", errors.New("no")), 1},
		{apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "shop"), 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := startRecorder()
			defer r.stop()
			r.api.err = tt.err
			r.report(serviceNamed("web"), problemA)
			time.Sleep(time.Hour / 2)
			r.check(t, "failing", 0, tt.tries)
			if n := strings.Count(r.logs.String(), "Event dropped"); n != 1 {
				t.Errorf("%v: %d log records:\n%s", tt.err, n, &r.logs)
			}
			r.api.err = nil
			if !r.report(serviceNamed("web"), problemA) {
				t.Error("a dropped problem is no news")
			}
			r.check(t, "works again", 1, tt.tries+1)
		})
	}
}

// The Event is one of the Service, as alerts and other programs know it. What the API permits is
// tested in package events.
func TestEventIsOfTheService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startRecorder()
		defer r.stop()
		r.report(serviceNamed("web"), problem{"Reason", strings.Repeat("é", 1000)})
		r.check(t, "reported", 1, 1)
		for _, e := range r.api.events {
			if e.Regarding.APIVersion != "v1" || e.Regarding.Kind != "Service" || e.Regarding.Name != "web" || e.Namespace != "shop" ||
				e.Reason != "Reason" || e.Action != "ExposeService" || e.Type != "Warning" || e.ReportingController != controllerName ||
				len(e.Note) > 1024 || !strings.HasSuffix(e.Note, "é…") || e.ReportingInstance == "" || e.EventTime.IsZero() {
				t.Errorf("%+v", e)
			}
		}
	})
	if short := cut("short", 5); short != "short" {
		t.Errorf("cut(short) = %q", short)
	}
}
