package rest

import (
	"errors"
	"fmt"
	"math"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/wire"
)

// Result is the answer to a request, still as bytes, or why there is none.
type Result struct {
	call        *call
	body        []byte
	status      int
	contentType string
	err         error
}

// Error is why there is no answer: an *apierrors.StatusError if the server said so. It is nil for
// an answer with a 2xx status whose body was read completely.
func (r Result) Error() error { return r.err }

// Raw returns the body. It is the caller's own.
func (r Result) Raw() ([]byte, error) { return r.body, r.err }

// StatusCode is the HTTP status of the answer, 0 if there was none.
func (r Result) StatusCode() int {
	var status *apierrors.StatusError
	if r.status == 0 && errors.As(r.err, &status) {
		return int(status.ErrStatus.Code)
	}
	return r.status
}

// ContentType is the media type of the body, parameters included.
func (r Result) ContentType() string { return r.contentType }

// Object returns the body as one object, in the format that the server chose. A Status that tells
// of a failure is returned as an error.
func (r Result) Object(o wire.Options) (wire.Object, error) {
	if r.err != nil {
		return wire.Object{}, r.err
	}
	f, err := formatOf(r.contentType)
	if err != nil {
		return wire.Object{}, r.unusable(err)
	}
	if len(r.body) == 0 {
		return wire.Object{}, r.unusable(errors.New("it is empty"))
	}
	object, err := wire.ReadObject(r.body, f, o)
	if err != nil {
		return wire.Object{}, r.unusable(err)
	}
	if isStatus(object) {
		status := new(metav1.Status)
		if err := wire.Decode(object, status); err == nil && status.Status == metav1.StatusFailure {
			return wire.Object{}, &apierrors.StatusError{ErrStatus: *status}
		}
	}
	return object, nil
}

// Into decodes the body into obj, a pointer to an API type; managedFields stay. An answer that is
// a Status where obj is something else, or the other way round, is an error that says so: it is
// what a server may answer to a delete.
func (r Result) Into(obj any) error {
	object, err := r.Object(wire.Options{KeepManagedFields: true, MaxObjectBytes: math.MaxInt})
	if err != nil {
		return err
	}
	_, wantsStatus := obj.(*metav1.Status)
	if object.Kind != "" && wantsStatus != isStatus(object) && typed(obj) {
		return r.unusable(fmt.Errorf("it is a %s, not a %T", object.Kind, obj))
	}
	if err := wire.Decode(object, obj); err != nil {
		return r.unusable(err)
	}
	return nil
}

// typed says that obj is of one kind only, as opposed to unstructured objects.
func typed(obj any) bool {
	_, unstructured := obj.(interface{ UnstructuredContent() map[string]any })
	return !unstructured
}

// unusable says which answer could not be read.
func (r Result) unusable(err error) error {
	if r.call == nil {
		return fmt.Errorf("rest: there is no answer: %w", err)
	}
	return fmt.Errorf("%s at %s: the answer (status %d, %d bytes) cannot be read: %w",
		r.call.what, r.call.base, r.status, len(r.body), err)
}

// formatOf reads a content type. Some aggregated servers leave it out and mean JSON.
func formatOf(contentType string) (wire.Format, error) {
	if contentType == "" {
		return wire.JSON, nil
	}
	f, err := wire.FormatOf(contentType)
	if err != nil {
		return 0, fmt.Errorf("%w; does Host name a Kubernetes API server?", err)
	}
	return f, nil
}
