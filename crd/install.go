package crd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/dynamic"
	"github.com/skiff-k8s/skiff/internal/ctxerr"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
)

// Install applies definitions by server-side apply, and returns when the server has established them
// and serves all their versions. It refuses what would lose objects that are stored: see [Losses].
// It is the Install of an [Installer] without options.
func Install(ctx context.Context, c *rest.Client, crds ...*unstructured.Unstructured) error {
	return Installer{}.Install(ctx, c, crds...)
}

// Installer is how definitions are installed. Its zero value is ready to use.
type Installer struct {
	// FieldManager is the name under which the server records who owns the fields. "" means "crd".
	FieldManager string

	// Force takes over fields of other managers. Without it, a definition that kubectl or Helm has
	// applied with other values is an error, and apierrors.IsConflict holds for it.
	Force bool

	// Allow reports whether a loss is meant. nil means that none is.
	Allow func(*LossError) bool

	// Wait bounds the wait until the definitions are served, beside the context. 0 means the
	// default, a minute; negative means that Install does not wait.
	Wait time.Duration
}

const (
	installWait = time.Minute

	// A definition that somebody else has changed in the meantime is looked at again. The server
	// changes it several times while it takes it up.
	installAttempts = 10
	installPause    = 50 * time.Millisecond
)

// definitions is the resource.
var definitions = apischema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1",
	Resource: "customresourcedefinitions"}

// Check returns what Install would refuse of what the server has now, and changes nothing: a
// [*RefusedError], or nil. It needs the right to get the definitions.
func (i Installer) Check(ctx context.Context, c *rest.Client, crds ...*unstructured.Unstructured) error {
	if err := i.misuse(crds); err != nil {
		return err
	}
	_, err := i.check(ctx, dynamic.New(c), crds)
	return err
}

// Install applies definitions and waits until they are served. If one is refused, none is applied. A
// definition that is as it should be is not changed. Several replicas may install at the same time.
//
// It needs the rights to get, list, watch, create and patch customresourcedefinitions.
//
// Errors:
//   - a *kind.MisuseError: an object is nil, no definition, or there twice;
//   - a [*RefusedError] with all losses that Allow does not accept;
//   - a definition that is being deleted, of which the server keeps nothing;
//   - what the server refuses; if other managers own the fields, apierrors.IsConflict holds, and
//     dynamic.Conflicts lists them;
//   - the end of ctx or of Wait, with what was seen last.
func (i Installer) Install(ctx context.Context, c *rest.Client, crds ...*unstructured.Unstructured) error {
	if err := i.misuse(crds); err != nil {
		return err
	}
	d := dynamic.New(c)
	for attempt := 1; ; attempt++ {
		err := i.apply(ctx, d, crds)
		if err == nil {
			break
		}
		isOlder := apierrors.IsConflict(err) && len(dynamic.Conflicts(err)) == 0
		if !isOlder || attempt == installAttempts {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w; the last error: %w", ctxerr.Of(ctx), err)
		case <-time.After(installPause << min(attempt-1, 4)):
		}
	}
	wait := cmp.Or(i.Wait, installWait)
	if wait < 0 {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, wait, fmt.Errorf("the bound of the wait, %v, is over", wait))
	defer cancel()
	if err := dynamic.WaitServed(ctx, d, crds...); err != nil {
		return fmt.Errorf("install definitions: %w", err)
	}
	return nil
}

// apply looks at all definitions, and then applies them.
func (i Installer) apply(ctx context.Context, d *dynamic.Client, crds []*unstructured.Unstructured) error {
	found, err := i.check(ctx, d, crds)
	if err != nil {
		return err
	}
	for n, u := range crds {
		if found[n] != nil {
			// The server refuses the write if the definition is not the one that was looked at.
			u = u.DeepCopy()
			u.SetResourceVersion(found[n].GetResourceVersion())
		}
		_, err := d.Resource(definitions).Apply(ctx, u,
			metav1.ApplyOptions{FieldManager: cmp.Or(i.FieldManager, "crd"), Force: i.Force})
		if err != nil {
			return fmt.Errorf("install definition %s: %w", u.GetName(), err)
		}
	}
	return nil
}

// check returns the definitions as the server has them, nil where it has none.
func (i Installer) check(ctx context.Context, d *dynamic.Client,
	crds []*unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	found := make([]*unstructured.Unstructured, len(crds))
	var refused []*LossError
	for n, u := range crds {
		old, err := d.Resource(definitions).Get(ctx, u.GetName(), metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			continue
		case err != nil:
			return nil, fmt.Errorf("look at definition %s: %w", u.GetName(), err)
		}
		found[n] = old
		if t := old.GetDeletionTimestamp(); t != nil {
			return nil, fmt.Errorf("look at definition %s: it is being deleted since %s, with all objects of "+
				"the kind: install it again when it is gone", u.GetName(), t.UTC().Format(time.RFC3339))
		}
		for _, loss := range Losses(old, u) {
			if i.Allow == nil || !i.Allow(loss) {
				refused = append(refused, loss)
			}
		}
	}
	if len(refused) > 0 {
		return nil, &RefusedError{Losses: refused}
	}
	return found, nil
}

// misuse returns what is wrong with the arguments whatever the server has.
func (i Installer) misuse(crds []*unstructured.Unstructured) error {
	seen := map[string]bool{}
	var errs []error
	for n, u := range crds {
		problem, name := "", ""
		switch gk := (apischema.GroupKind{Group: definitions.Group, Kind: "CustomResourceDefinition"}); {
		case u == nil:
			problem = fmt.Sprintf("definition %d is nil", n+1)
		case u.GroupVersionKind().GroupKind() != gk:
			name, problem = u.GetName(), "it is no CustomResourceDefinition, but a "+u.GetKind()
		case seen[u.GetName()]:
			name, problem = u.GetName(), "it is there twice: one definition has all versions, by crd.Version"
		default:
			seen[u.GetName()] = true
			continue
		}
		errs = append(errs, &kind.MisuseError{Verb: "install", Resource: "customresourcedefinitions",
			Name: name, Problem: problem})
	}
	return errors.Join(errs...)
}

// RefusedError is the error of Install for definitions that would lose what is stored. Nothing was
// changed.
type RefusedError struct {
	Losses []*LossError // at least one
}

// Error lists all losses, a line each.
func (e *RefusedError) Error() string {
	text := "install definitions: refused, because stored objects would lose something:"
	for _, loss := range e.Losses {
		text += "\n" + loss.Error()
	}
	return text + "\nInstaller.Allow accepts what is meant"
}

// Unwrap returns the losses, for errors.As.
func (e *RefusedError) Unwrap() []error {
	errs := make([]error, len(e.Losses))
	for i, loss := range e.Losses {
		errs[i] = loss
	}
	return errs
}
