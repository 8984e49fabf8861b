package events

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/rest"
)

// Sink is the part of the API that a Recorder uses. Its errors are those of the API: package
// apierrors tells them apart.
type Sink interface {
	Create(ctx context.Context, e *eventsv1.Event) error
	Get(ctx context.Context, namespace, name string) (*eventsv1.Event, error)
	Patch(ctx context.Context, namespace, name string, mergePatch []byte) error
}

// api is the Sink of a cluster.
type api struct {
	events  *client.Client[eventsv1.Event]
	manager string
}

// SinkOf returns the Sink of the cluster of a client. The fields are owned under the name
// fieldManager.
func SinkOf(c *rest.Client, fieldManager string) Sink {
	return api{client.Of[eventsv1.Event](c), fieldManager}
}

func (a api) Create(ctx context.Context, e *eventsv1.Event) error {
	_, err := a.events.In(e.Namespace).Create(ctx, e,
		metav1.CreateOptions{FieldManager: a.manager})
	return wrap("create", e.Namespace, e.Name, err)
}

func (a api) Get(ctx context.Context, namespace, name string) (*eventsv1.Event, error) {
	e, err := a.events.In(namespace).Get(ctx, name, metav1.GetOptions{})
	return e, wrap("get", namespace, name, err)
}

func (a api) Patch(ctx context.Context, namespace, name string, mergePatch []byte) error {
	_, err := a.events.In(namespace).Patch(ctx, name, types.MergePatchType, mergePatch,
		metav1.PatchOptions{FieldManager: a.manager})
	return wrap("patch", namespace, name, err)
}

func wrap(verb, namespace, name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s Event %s/%s: %w", verb, namespace, name, err)
}

// Fake is a Sink in memory, for tests of what records Events. The zero Fake is ready to use. Its
// methods are safe for concurrent use.
type Fake struct {
	mu     sync.Mutex
	events []*eventsv1.Event
	byName map[string]*eventsv1.Event // by namespace/name
}

// Events returns the Events in the order in which they were created. They belong to the caller.
func (f *Fake) Events() []eventsv1.Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]eventsv1.Event, len(f.events))
	for i, e := range f.events {
		e.DeepCopyInto(&all[i])
	}
	return all
}

// String returns the Events as text, a line each: `Warning NoPods Deployment ns/web: note`.
func (f *Fake) String() string {
	var b strings.Builder
	for _, e := range f.Events() {
		fmt.Fprintf(&b, "%s %s %s %s/%s: %s\n", e.Type, e.Reason, e.Regarding.Kind,
			e.Regarding.Namespace, e.Regarding.Name, e.Note)
	}
	return b.String()
}

var resource = eventsv1.Resource("events")

// find returns an Event or nil. f.mu is held.
func (f *Fake) find(namespace, name string) *eventsv1.Event { return f.byName[namespace+"/"+name] }

// Create implements Sink.
func (f *Fake) Create(_ context.Context, e *eventsv1.Event) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.find(e.Namespace, e.Name) != nil {
		return apierrors.NewAlreadyExists(resource, e.Name)
	}
	e = e.DeepCopy()
	f.events = append(f.events, e)
	if f.byName == nil {
		f.byName = map[string]*eventsv1.Event{}
	}
	f.byName[e.Namespace+"/"+e.Name] = e
	return nil
}

// Get implements Sink.
func (f *Fake) Get(_ context.Context, namespace, name string) (*eventsv1.Event, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e := f.find(namespace, name); e != nil {
		return e.DeepCopy(), nil
	}
	return nil, apierrors.NewNotFound(resource, name)
}

// Patch implements Sink.
func (f *Fake) Patch(_ context.Context, namespace, name string, mergePatch []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	e := f.find(namespace, name)
	if e == nil {
		return apierrors.NewNotFound(resource, name)
	}
	if err := json.Unmarshal(mergePatch, e); err != nil {
		return errors.New("events: patch a fake Event: " + err.Error())
	}
	return nil
}
