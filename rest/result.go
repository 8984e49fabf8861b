package rest

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/wire"
)

// Result is the answer to a request, as bytes, or the error of the request. Its methods are safe
// for concurrent use.
type Result struct {
	call        *call
	body        []byte
	status      int
	contentType string
	err         error
}

// Error returns the error of the request: an *apierrors.StatusError if the server answered with a
// status other than 2xx. It is nil if the status is 2xx and the body was read completely.
func (r Result) Error() error { return r.err }

// Raw returns the body and Error. The body belongs to the caller; Object and Into read the same
// bytes.
func (r Result) Raw() ([]byte, error) { return r.body, r.err }

// StatusCode returns the HTTP status of the answer, or 0 if there is none.
func (r Result) StatusCode() int {
	var status *apierrors.StatusError
	if r.status == 0 && errors.As(r.err, &status) {
		return int(status.ErrStatus.Code)
	}
	return r.status
}

// ContentType returns the media type of the body with its parameters.
func (r Result) ContentType() string { return r.contentType }

// Object returns the body as one object, in the format in which the server answered. The errors are
// that of the request, an *apierrors.StatusError if the body is a Status of a failure, and an error
// that names the request if the body is no object, or is not of the type that strict options ask
// for. A Status in place of the object is returned only if the request creates or deletes.
func (r Result) Object(o wire.Options) (wire.Object, error) {
	if r.err != nil {
		return wire.Object{}, r.err
	}
	f, err := formatOf(r.contentType)
	if err != nil {
		return wire.Object{}, r.unusable(err)
	}
	if len(r.body) == 0 {
		return wire.Object{}, r.unusable(errors.New("the body is empty"))
	}
	object, err := wire.ReadObject(r.body, f, r.reading(o))
	if err != nil {
		return wire.Object{}, r.unusable(err)
	}
	if !isStatus(object) {
		return object, nil
	}
	if err := r.failure(); err != nil {
		return wire.Object{}, err
	}
	if o.Strict && r.call != nil && r.call.method != http.MethodPost &&
		r.call.method != http.MethodDelete {
		return wire.Object{}, r.unusable(fmt.Errorf("the body is a Status: %w", &wire.KindError{
			APIVersion: object.APIVersion, Kind: object.Kind,
			WantAPIVersion: o.APIVersion, WantKind: o.Kind}))
	}
	return object, nil
}

// Items returns the objects of the body, which is a list, or none if the body is a Status of
// success: a server may answer the deletion of a collection with either. The errors are those of
// Object.
func (r Result) Items(o wire.Options) ([]wire.Object, error) {
	if r.err != nil {
		return nil, r.err
	}
	f, err := formatOf(r.contentType)
	if err != nil {
		return nil, r.unusable(err)
	}
	var items []wire.Object
	list := wire.NewListReader(bytes.NewReader(r.body), f, r.reading(o))
	for {
		object, err := list.Next()
		switch {
		case err == io.EOF:
			return items, nil
		case err != nil:
			if status, other := r.Object(wire.Options{}); other == nil && isStatus(status) {
				return nil, nil
			} else if apierrors.ReasonForError(other) != metav1.StatusReasonUnknown {
				return nil, other
			}
			return nil, r.unusable(err)
		}
		items = append(items, object)
	}
}

// failure returns the error that the body is, if it is a Status of a failure.
func (r Result) failure() error {
	status, ok := decodeStatus(r.body, cmp.Or(r.contentType, wire.JSON.ContentType()))
	if !ok || status.Status != metav1.StatusFailure && status.Code < http.StatusBadRequest {
		return nil
	}
	if r.call == nil {
		return &apierrors.StatusError{ErrStatus: *status}
	}
	return r.call.reported(status)
}

// Into decodes the body into obj, a pointer to an API type, with its managedFields. If the body is
// of another kind or version than obj, that is an error that wraps a *wire.KindError: the type of
// obj is known if it is built in or registered with package kind; else its apiVersion is the
// request's. If the body is a Status and obj is not, or the other way round, that is an error too; a
// server may answer a delete with either. The other errors are those of Object, and an error that
// names the request if the body does not fit obj, which is then its zero value.
func (r Result) Into(obj any) error {
	object, err := r.Object(r.optionsOf(obj))
	if err != nil {
		return err
	}
	_, wantsStatus := obj.(*metav1.Status)
	if object.Kind != "" && wantsStatus != isStatus(object) && typed(obj) {
		return r.unusable(fmt.Errorf("the body is a %s, not a %T", object.Kind, obj))
	}
	if err := wire.Decode(object, obj); err != nil {
		return r.unusable(err)
	}
	return nil
}

// reading returns the options with the Config's limits.
func (r Result) reading(o wire.Options) wire.Options {
	if r.call == nil {
		return o
	}
	return r.call.cfg.reading(o)
}

// typed reports whether obj is of one kind, unlike an unstructured object.
func typed(obj any) bool {
	_, unstructured := obj.(interface{ UnstructuredContent() map[string]any })
	return !unstructured
}

// formatOf returns the format of a content type. Some aggregated servers send JSON without one.
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
