package dynamic

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// ErrNotChecked is wrapped by the error of an object that a dry run could not check, because its
// Namespace or its CustomResourceDefinition is in the same stream and not on the server.
var ErrNotChecked = errors.New("not checked, since a dry run stores nothing that it needs")

// ApplyError is the error of one object of ApplyAll.
type ApplyError struct {
	Number    int // of the object in the stream, from 1
	GVK       schema.GroupVersionKind
	Namespace string // as the object has it
	Name      string
	Err       error // the cause
}

// Error names the object, its number in the stream, and the cause.
func (e *ApplyError) Error() string {
	name := e.Name
	if e.Namespace != "" {
		name = e.Namespace + "/" + name
	}
	return fmt.Sprintf("apply %s %s %q (object %d): %v", e.GVK.GroupVersion(), e.GVK.Kind, name,
		e.Number, e.Err)
}

// Unwrap returns Err.
func (e *ApplyError) Unwrap() error { return e.Err }

// Conflicts returns the fields that others own, if apierrors.IsConflict holds for the error.
func (e *ApplyError) Conflicts() []Conflict { return Conflicts(e.Err) }

// Conflict is a field for which an applied object has another value than the manager who owns it.
type Conflict struct {
	Field   string // ".spec.replicas"
	Manager string // the name of the owner; "" if the server's message has another form
	Message string // the server's: who owns it, by which operation and API version, and since when
}

// Conflicts returns the fields in conflict that the error of an Apply names, of any client of skiff.
// If the error is another one, there are none.
// (https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts)
func Conflicts(err error) []Conflict {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil {
		return nil
	}
	var all []Conflict
	for _, cause := range status.Status().Details.Causes {
		if cause.Type != metav1.CauseTypeFieldManagerConflict {
			continue
		}
		c := Conflict{Field: cause.Field, Message: cause.Message}
		if quoted, ok := strings.CutPrefix(cause.Message, "conflict with "); ok {
			if quoted, err := strconv.QuotedPrefix(quoted); err == nil {
				c.Manager, _ = strconv.Unquote(quoted)
			}
		}
		all = append(all, c)
	}
	return all
}

// isMissing reports whether an object's error is that what it needs is in the stream only.
func (run *applying) isMissing(a *Applied, err error) bool {
	if meta.IsNoMatchError(err) {
		return run.crds[a.Object.GroupVersionKind().GroupKind()] != nil
	}
	var status apierrors.APIStatus
	if !apierrors.IsNotFound(err) || !errors.As(err, &status) {
		return false
	}
	details := status.Status().Details
	return details != nil && details.Kind == "namespaces" && run.namespaces[details.Name]
}
