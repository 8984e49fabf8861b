package events

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/kind"
)

// The limits of kube-apiserver in bytes (k8s.io/kubernetes, validation of Events).
const (
	maxNote = 1024
	maxWord = 128
)

// Object is an API object: a pointer to a struct of k8s.io/api, to one with metav1.TypeMeta and
// metav1.ObjectMeta, or an unstructured object.
type Object interface {
	metav1.Object
	GetObjectKind() schema.ObjectKind
}

// Ref returns a reference to obj. Its apiVersion and kind are those that obj has, as each object
// does that skiff returns, or those that package kind knows of its type.
func Ref(obj Object) corev1.ObjectReference {
	gvk := obj.GetObjectKind().GroupVersionKind()
	if gvk.Kind == "" {
		if info, err := kind.OfType(reflect.TypeOf(obj).Elem()); err == nil {
			gvk = info.GVK()
		}
	}
	return corev1.ObjectReference{
		APIVersion:      gvk.GroupVersion().String(),
		Kind:            gvk.Kind,
		Namespace:       obj.GetNamespace(),
		Name:            obj.GetName(),
		UID:             obj.GetUID(),
		ResourceVersion: obj.GetResourceVersion(),
	}
}

// check cuts the fields of an Event to what the API permits, and returns an error for what is
// missing.
func check(e *Event) error {
	switch {
	case e.Regarding.Name == "" || e.Regarding.Kind == "":
		return errors.New("events: the Event regards no object: name or kind is empty")
	case e.Reason == "" || e.Action == "":
		return fmt.Errorf("events: the Event about %s %s has no reason or no action",
			e.Regarding.Kind, e.Regarding.Name)
	case e.Type != corev1.EventTypeNormal && e.Type != corev1.EventTypeWarning:
		return fmt.Errorf("events: the Event about %s %s has the type %q: use Normal or Warning",
			e.Regarding.Kind, e.Regarding.Name, e.Type)
	}
	e.Reason, e.Action = cut(e.Reason, maxWord), cut(e.Action, maxWord)
	e.Note = cut(strings.ToValidUTF8(e.Note, "\uFFFD"), maxNote)
	return nil
}

// event returns the Event of an entry, by the rules of events.k8s.io/v1.
func (r *Recorder) event(key id, e *entry) *eventsv1.Event {
	namespace := e.event.Regarding.Namespace
	if namespace == "" {
		namespace = metav1.NamespaceDefault // of a cluster-scoped object
	}
	made := &eventsv1.Event{
		ObjectMeta:          metav1.ObjectMeta{Namespace: namespace, Name: r.name(key)},
		EventTime:           metav1.NewMicroTime(e.first),
		ReportingController: r.o.Controller,
		ReportingInstance:   r.o.Instance,
		Action:              e.event.Action,
		Reason:              e.event.Reason,
		Regarding:           e.event.Regarding,
		Related:             e.event.Related,
		Note:                e.event.Note,
		Type:                e.event.Type,
	}
	if key.further {
		made.Note = cut("(one of several with different notes) "+made.Note, maxNote)
	}
	if e.pending > 1 {
		made.Series = &eventsv1.EventSeries{
			Count: e.pending, LastObservedTime: metav1.NewMicroTime(e.last),
		}
	}
	return made
}

// name returns the name of an Event: that of the object, and a hash of what makes occurrences a
// series.
func (r *Recorder) name(key id) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %+v", r.o.Controller, key))
	const longest = 253 - 17 // of a DNS subdomain, without what follows
	name := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '.' {
			return c
		}
		return '-'
	}, strings.ToLower(key.name))
	name = strings.Trim(name[:min(len(name), longest)], "-.")
	for strings.Contains(name, "..") {
		name = strings.ReplaceAll(name, "..", ".")
	}
	name = strings.NewReplacer(".-", ".", "-.", ".").Replace(name)
	if name == "" {
		name = "event"
	}
	return name + "." + hex.EncodeToString(sum[:8])
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
