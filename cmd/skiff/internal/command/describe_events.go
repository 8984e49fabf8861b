package command

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/skiff-k8s/skiff/cmd/skiff/internal/columns"
	"github.com/skiff-k8s/skiff/cmd/skiff/internal/list"
	"github.com/skiff-k8s/skiff/kind"
)

// shownEvents is how many Events describe prints: the last ones.
const shownEvents = 50

// event is what is shown of an Event.
type event struct {
	Type, Reason, Message string
	Count                 int
	FirstTimestamp        time.Time
	LastTimestamp         time.Time
	EventTime             time.Time
	Source                struct{ Component string }
	ReportingComponent    string
	Series                *struct {
		Count            int
		LastObservedTime time.Time
	}
	Metadata struct{ CreationTimestamp time.Time }
}

// last returns when the event was seen last.
func (e *event) last() time.Time {
	candidates := []time.Time{e.LastTimestamp, e.EventTime, e.FirstTimestamp,
		e.Metadata.CreationTimestamp}
	if e.Series != nil {
		candidates = slices.Insert(candidates, 0, e.Series.LastObservedTime)
	}
	for _, t := range candidates {
		if !t.IsZero() {
			return t
		}
	}
	return time.Time{}
}

// times returns how often the event was seen.
func (e *event) times() int {
	if e.Series != nil {
		return e.Series.Count
	}
	return max(e.Count, 1)
}

// printEvents prints the Events of an object. That they cannot be read is told, and no error.
func (d *description) printEvents(ctx context.Context, u *unstructured.Unstructured) error {
	// The Events of a cluster-scoped object are in the namespace default.
	namespace := u.GetNamespace()
	if namespace == "" {
		namespace = "default"
	}
	q := list.Query{Client: d.client, Namespace: namespace, Chunk: list.DefaultChunk,
		Kind:   kind.Info{Version: "v1", Resource: "events", Kind: "Event", Namespaced: true},
		Fields: "involvedObject.uid=" + string(u.GetUID())}
	var events []event
	for object, err := range q.Objects(ctx) {
		if ctx.Err() != nil {
			return err
		}
		if err != nil {
			d.section("Events")
			fmt.Fprintf(d.out, "  <unknown>: %v\n", err)
			return nil
		}
		var e event
		if err := json.Unmarshal(object.Data, &e); err != nil {
			return fmt.Errorf("decode an Event: %w", err)
		}
		events = append(events, e)
	}
	d.section("Events")
	if len(events) == 0 {
		fmt.Fprintln(d.out, "  <none>")
		return nil
	}
	slices.SortStableFunc(events, func(a, b event) int { return a.last().Compare(b.last()) })
	if more := len(events) - shownEvents; more > 0 {
		fmt.Fprintf(d.out, "  %d older ones are not shown\n", more)
		events = events[more:]
	}
	t := columns.New(d.out)
	t.Row("  TYPE", "REASON", "AGE", "TIMES", "FROM", "MESSAGE")
	for _, e := range events {
		from := e.Source.Component
		if from == "" {
			from = e.ReportingComponent
		}
		t.Row("  "+e.Type, e.Reason, age(e.last()), fmt.Sprint(e.times()), from, e.Message)
	}
	return t.Flush()
}
