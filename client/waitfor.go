package client

import (
	"context"
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"

	"github.com/skiff-k8s/skiff/internal/verbs"
	"github.com/skiff-k8s/skiff/wire"
)

// Condition is what WaitFor waits for. Package client/wait has ready made ones.
type Condition struct {
	// Name completes the sentence "wait for deployments.apps "web" to …": "be rolled out".
	Name string

	// Met reports whether what was seen meets the condition, and tells in words what was seen: "1
	// of 3 replicas are available". An error means that the condition cannot be met any more; it
	// ends the wait.
	Met func(Seen) (met bool, seen string, err error)
}

// Seen is an object as WaitFor sees it, or that there is none.
type Seen struct {
	// Object is the object's JSON, its apiVersion and kind included, with int64 and float64 as
	// numbers. It is nil if there is no object of the name. It must not be changed.
	Object map[string]any

	o wire.Object
}

// Decode decodes the object into a Go type that into points to. It is an error if there is none.
func (s Seen) Decode(into any) error {
	if s.Object == nil {
		return errors.New("there is no object")
	}
	return wire.Decode(s.o, into)
}

// WaitError is the error of a WaitFor that has ended before its condition was met.
type WaitError struct {
	Resource  string // "deployments.apps"
	Namespace string // "" for a cluster-scoped object
	Name      string
	Condition string // its Name
	Last      string // what was seen last, in words
	Err       error  // why the wait ended: the context's error, the condition's, or the server's
}

// Error returns what was waited for, why the wait ended, and what was seen last.
func (e *WaitError) Error() string {
	name := e.Name
	if e.Namespace != "" {
		name = e.Namespace + "/" + name
	}
	return fmt.Sprintf("wait for %s %q to %s: %v; last seen: %s", e.Resource, name, e.Condition,
		e.Err, e.Last)
}

// Unwrap returns Err.
func (e *WaitError) Unwrap() error { return e.Err }

// waitTimeout is how long one of the watches of WaitFor lasts, in seconds: a connection that is
// dead without a sign is replaced after that.
const waitTimeout = 120

// WaitFor waits until the object of that name meets a condition, and returns it as it was then, or
// nil if it did not exist then. The object need not exist at first. WaitFor lists the object, and
// then watches it, as [Client.Follow] does: a broken watch, a restart of the server and a version
// that the server has forgotten do not end the wait. It needs the rights to list and to watch.
//
// WaitFor waits as long as ctx lets it. The error is a [*WaitError], which says what was seen last,
// when ctx ends, when the condition says that it cannot be met any more (a Job that has failed), or
// when the server refuses the first list.
func (c *Client[T]) WaitFor(ctx context.Context, name string, until Condition) (*T, error) {
	if c.err != nil {
		return nil, c.err
	}
	seen, err := waitFor(ctx, c.r, name, until)
	if err != nil || seen.Object == nil {
		return nil, err
	}
	out := new(T)
	if err := decode(c.r, seen.o, out); err != nil {
		return nil, err
	}
	return out, nil
}

// errMet ends a wait whose condition is met.
var errMet = errors.New("the condition is met")

func waitFor(ctx context.Context, r verbs.Resource, name string, until Condition) (Seen, error) {
	r.Format = wire.JSON // which conditions read without a Go type
	if _, err := r.At("wait for", verbs.Sent{Name: name, Namespace: r.Namespace}); err != nil {
		return Seen{}, err
	}
	opts := metav1.ListOptions{TimeoutSeconds: new(int64(waitTimeout)),
		FieldSelector: fields.OneTermEqualSelector("metadata.name", name).String()}
	var seen Seen
	last := "nothing, the server has not answered"
	listed := false
	err := r.Follow(ctx, opts, func(change verbs.Change) error {
		switch change.Type {
		case wire.Bookmark:
			listed = true
		case wire.Deleted:
			seen = Seen{}
		default:
			seen = Seen{o: change.Object}
			if err := wire.Decode(change.Object, &seen.Object); err != nil {
				return err
			}
			// The objects of a list have none in their JSON.
			seen.Object["apiVersion"] = change.Object.APIVersion
			seen.Object["kind"] = change.Object.Kind
		}
		if !listed {
			return nil // nobody knows yet whether the object exists
		}
		met, saw, err := until.Met(seen)
		last = saw
		if v := seen.o.Meta.ResourceVersion; v != "" {
			last += " (resourceVersion " + v + ")"
		}
		if err == nil && met {
			return errMet
		}
		return err
	})
	if err == errMet {
		return seen, nil
	}
	return Seen{}, &WaitError{Resource: r.String(), Namespace: r.Namespace, Name: name,
		Condition: until.Name, Last: last, Err: err}
}
