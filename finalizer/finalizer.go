// Package finalizer runs a reconcile that has to clean up before its object is gone: outside of the
// cluster, or in objects that no owner reference reaches.
//
// A finalizer is a name in an object's metadata. While one is there, a deletion only sets
// metadata.deletionTimestamp, and the object stays. It goes when the last finalizer has been removed
// (https://kubernetes.io/docs/concepts/overview/working-with-objects/finalizers/).
//
//	reconcile := func(ctx context.Context, key controller.Key) (controller.Result, error) {
//		bucket, err := buckets.Lister().Get(key.Namespace, key.Name)
//		if err != nil {
//			return controller.Result{}, client.IgnoreNotFound(err)
//		}
//		return finalizer.Run(ctx, c, bucket, "example.com/bucket", createInCloud, deleteFromCloud)
//	}
package finalizer

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/kind"
)

// A Func brings the world into the state that obj describes, or removes what is there for obj. It may
// be called again for what it has done already. obj is its own.
type Func[T any] func(ctx context.Context, obj *T) (controller.Result, error)

// Run reconciles obj: it calls apply while the object lives, and cleanup when it is being deleted.
//
//   - Before the first apply, Run adds the finalizer of this name to the object on the server. If that
//     fails, apply is not called, so nothing is ever made that would not be cleaned up. apply gets the
//     object as the server stores it then.
//   - If the object is being deleted and has the finalizer, Run calls cleanup, and removes the
//     finalizer when cleanup has succeeded. It has not yet if it returns an error, or a Result with
//     RequeueAfter: then the finalizer stays, and cleanup is called again.
//   - If the object is being deleted and does not have the finalizer, Run does nothing: cleanup is
//     over, or nothing was made.
//
// obj is the object as a cache or the server returned it, and may be an old version. Run sends no
// request if obj has the finalizer already, or is not to have it. It reads and changes the finalizer
// of this name only, and only of the object with obj's UID: the patch tests the UID and the other
// finalizers, and is made anew if they have changed ([client.Client.Finalizer]).
//
// An object that is gone, or whose deletion has begun, by the time that the finalizer is to be added is
// no error: apply is not called, and the event of its deletion follows. If another object has its name
// now, apierrors.IsConflict holds for the error.
//
// name is "domain/name", as example.com/bucket. If it is not, or if obj is nil or has no UID, the error
// is a *kind.MisuseError that is marked by controller.Terminal. The errors of apply and cleanup are
// returned as they are.
func Run[T any](ctx context.Context, c *client.Client[T], obj *T, name string,
	apply, cleanup Func[T]) (controller.Result, error) {
	if err := check(c, obj, name, apply, cleanup); err != nil {
		return controller.Result{}, controller.Terminal(err)
	}
	meta := any(obj).(metav1.Object)
	switch has := slices.Contains(meta.GetFinalizers(), name); {
	case meta.GetDeletionTimestamp() == nil:
		if !has {
			added, err := add(ctx, c, obj, name)
			if added == nil || err != nil {
				return controller.Result{}, err
			}
			obj = added
		}
		return apply(ctx, obj)
	case has:
		return finish(ctx, c, obj, name, cleanup)
	}
	return controller.Result{}, nil
}

// add adds the finalizer and returns the object; nil if it is gone or being deleted.
func add[T any](ctx context.Context, c *client.Client[T], obj *T, name string) (*T, error) {
	added, err := c.Finalizer(ctx, obj, name, true)
	switch {
	case err == nil:
		if any(added).(metav1.Object).GetDeletionTimestamp() != nil {
			return nil, nil // it got the finalizer in its life: the next reconcile cleans up
		}
		return added, nil
	case apierrors.IsNotFound(err):
		return nil, nil
	case !apierrors.IsInvalid(err) && !apierrors.IsForbidden(err):
		return nil, err
	}
	// The server takes no finalizer for an object that is being deleted. Nor may another reason be
	// hidden.
	meta := any(obj).(metav1.Object)
	now, lookErr := c.In(meta.GetNamespace()).Get(ctx, meta.GetName(), metav1.GetOptions{})
	if apierrors.IsNotFound(lookErr) {
		return nil, nil
	}
	if lookErr == nil {
		n := any(now).(metav1.Object)
		if n.GetUID() == meta.GetUID() && n.GetDeletionTimestamp() != nil {
			return nil, nil
		}
	}
	return nil, err
}

// finish cleans up, and then removes the finalizer.
func finish[T any](ctx context.Context, c *client.Client[T], obj *T, name string,
	cleanup Func[T]) (controller.Result, error) {
	known := *obj // which cleanup does not change
	meta := any(&known).(metav1.Object)
	meta.SetFinalizers(slices.Clone(meta.GetFinalizers()))
	result, err := cleanup(ctx, obj)
	if err != nil || result.RequeueAfter > 0 {
		return result, err
	}
	_, err = c.Finalizer(ctx, &known, name, false)
	return controller.Result{}, err
}

// check returns what no server can mend.
func check[T any](c *client.Client[T], obj *T, name string, apply, cleanup Func[T]) error {
	misuse := &kind.MisuseError{Verb: "finalize"}
	if c != nil {
		k, err := c.Kind()
		if err != nil {
			return err
		}
		misuse.Resource = k.GVR().GroupResource().String()
	}
	switch {
	case c == nil:
		misuse.Resource, misuse.Problem = fmt.Sprintf("%T", *new(T)), "the client is nil"
	case obj == nil:
		misuse.Problem = "the object is nil"
	case apply == nil || cleanup == nil:
		misuse.Problem = "apply or cleanup is nil"
	default:
		meta := any(obj).(metav1.Object)
		misuse.Name = meta.GetName()
		if meta.GetUID() == "" {
			misuse.Problem = "the object has no uid: use one that was read from the server"
		} else {
			misuse.Problem = problemOf(name)
		}
	}
	if misuse.Problem == "" {
		return nil
	}
	return misuse
}

// problemOf returns what is wrong with the name of a finalizer, "" if nothing is.
func problemOf(name string) string {
	if !strings.Contains(name, "/") {
		return fmt.Sprintf("the finalizer %q has no domain: name it as example.com/name", name)
	}
	if problems := validation.IsQualifiedName(name); len(problems) > 0 {
		return fmt.Sprintf("the finalizer %q is not a qualified name: %s", name, strings.Join(problems, "; "))
	}
	return ""
}
