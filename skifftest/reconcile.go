package skifftest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controller"
)

// reconcileWithin bounds what Reconcile waits for.
const reconcileWithin = 2 * time.Minute

// Turn is what one reconcile did.
type Turn struct {
	Result controller.Result
	Err    error   // of the Reconcile; a panic is a *controller.PanicError
	Writes []Write // that the server carried out, in order
}

// Write is one write of a reconcile through package client or dynamic. Dry runs are none.
type Write struct {
	Verb        string // create, update, patch, apply, delete or deletecollection
	Resource    string // "deployments.apps", "configmaps"
	Key         string // "NAMESPACE/NAME", or "NAME" without a namespace
	Subresource string // "status", or "" for the object itself
	Body        string // the object, the patch or the DeleteOptions, as YAML
}

// String returns the write without its body: "apply deployments.apps/status default/web".
func (w Write) String() string {
	resource := w.Resource
	if w.Subresource != "" {
		resource += "/" + w.Subresource
	}
	return w.Verb + " " + resource + " " + w.Key
}

// String returns the writes, one a line.
func (t Turn) String() string {
	lines := make([]string, 0, len(t.Writes))
	for _, w := range t.Writes {
		lines = append(lines, w.String())
	}
	return strings.Join(lines, "\n")
}

// Reconcile waits until the caches of c contain what the server has, so that c sees what the test has
// written, calls its Reconcile once for key, and returns what that did. The server may be any: that of
// [New], or a control plane.
//
// The informers have to run (Factory.Start), and c must not: its workers would reconcile the same key
// at the same time. So nothing is retried or queued, and a RequeueAfter is a Result. A controller that
// was run fails the test, and so do a key of another type than c's, and caches that are not there
// within two minutes.
func Reconcile[K comparable](t testing.TB, c *controller.Controller, key K) Turn {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), reconcileWithin, fmt.Errorf("not within %s", reconcileWithin))
	defer cancel()
	var (
		mu    sync.Mutex // a Reconcile may write from goroutines of its own
		turn  Turn
		ended bool
	)
	observed := client.WithBodies(client.WithWriteObserver(ctx, func(w client.Write) {
		mu.Lock()
		defer mu.Unlock()
		if !ended {
			turn.Writes = append(turn.Writes, writeOf(w))
		}
	}))
	outcome, err := c.Once(observed, key)
	if err != nil {
		t.Fatalf("skifftest: %v", err)
	}
	mu.Lock()
	defer mu.Unlock()
	ended = true
	turn.Result, turn.Err = outcome.Result, outcome.Err
	return turn
}

func writeOf(w client.Write) Write {
	out := Write{Verb: w.Verb, Resource: w.Kind.GVR().GroupResource().String(), Key: w.Name, Subresource: w.Subresource}
	if w.Namespace != "" {
		out.Key = w.Namespace + "/" + w.Name
	}
	body, err := yaml.JSONToYAML([]byte(w.Body))
	if err != nil { // a body that is no JSON was not accepted by any server
		body = []byte(w.Body)
	}
	out.Body = string(body)
	return out
}
