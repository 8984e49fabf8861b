package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"runtime/debug"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/internal/overlay"
	"github.com/skiff-k8s/skiff/kind"
)

// Validate returns a webhook that admits or refuses requests for objects of the Go type T.
//
// If f returns nil, the request is admitted. If it returns a *Denied (Deny, Invalid), an error of a
// field, or an error of package apierrors with a status below 500, the request is refused with that
// status and text. Every other error, and a panic, is a fault of the webhook: it is logged, and the
// answer is HTTP 500 and no review, so that failurePolicy decides about the request. The
// warnings are shown to the user in the first two cases, each once. They are cut to 256 characters,
// and to 4,096 together.
//
// ctx ends a little before the API server stops waiting. f is called concurrently. It does not
// change the request's objects: only Default may.
//
// A request for another kind than T's is refused with the status 400: the rules of the
// configuration are wrong, or name a subresource that has another kind, such as scale.
func Validate[T any, P kind.Object[T]](
	f func(ctx context.Context, r *Request[T]) (warnings []string, err error), opts ...Option) *Hook {
	k, err := kind.Of[T, P]()
	return admission(validating, k, err, opts,
		func(ctx context.Context, in *admissionRequest) (out admitted, err error) {
			r, err := requestOf[T](in, k)
			if err != nil {
				return out, err
			}
			out.warnings, err = f(ctx, r)
			return out, err
		})
}

// Default returns a webhook that changes objects of the Go type T before they are stored. f changes
// Request.Object, or sets it. If it returns an error, the request is refused, as by Validate.
//
// The answer is a JSON patch (RFC 6902) of what f has changed, and of nothing else. Fields that T
// does not know stay as they are, also beside and within what is changed; see client.Client.Modify
// for lists. Zero fields that T's JSON has and the user's object has not (creationTimestamp: null,
// status: {}) are not added. f is not called for Delete, which stores no object.
//
// The API server may call it again for the same object (reinvocationPolicy), and other webhooks may
// follow: f changes nothing if it sees its own result.
func Default[T any, P kind.Object[T]](f func(ctx context.Context, r *Request[T]) error,
	opts ...Option) *Hook {
	k, err := kind.Of[T, P]()
	return admission(mutating, k, err, opts,
		func(ctx context.Context, in *admissionRequest) (out admitted, err error) {
			r, err := requestOf[T](in, k)
			if err != nil || r.Object == nil {
				return out, err
			}
			out.patch, err = patchOf(in.Object, reflect.TypeFor[T](), r.Object, func() (any, error) {
				err := f(ctx, r)
				if err == nil && r.Object == nil {
					err = errors.New("the function took the object away")
				}
				return r.Object, err
			})
			return out, err
		})
}

// ValidateRaw returns a webhook that admits or refuses requests for objects of any kind, as JSON:
// the options of a CONNECT, for example, or the objects of several kinds. Otherwise it is Validate.
// It has no kind, so that Configurations leaves it out.
func ValidateRaw(path string,
	f func(ctx context.Context, r *Request[json.RawMessage]) (warnings []string, err error),
	opts ...Option) *Hook {
	return admission(validating, kind.Info{}, nil, append([]Option{At(path)}, opts...),
		func(ctx context.Context, in *admissionRequest) (out admitted, err error) {
			r := &Request[json.RawMessage]{Attributes: in.attributes()}
			if doc := bytesOf(in.Object); doc != nil {
				r.Object = &in.Object
			}
			if doc := bytesOf(in.OldObject); doc != nil {
				r.OldObject = &in.OldObject
			}
			out.warnings, err = f(ctx, r)
			return out, err
		})
}

// admitted is what a function says to a request beside its error.
type admitted struct {
	warnings []string
	patch    []byte // a JSON patch, nil if nothing was changed
}

// admission returns a hook that answers AdmissionReviews.
func admission(role role, k kind.Info, err error, opts []Option,
	admit func(context.Context, *admissionRequest) (admitted, error)) *Hook {
	h := newHook(role, k, err, opts)
	h.answer = func(ctx context.Context, log *slog.Logger, body []byte) (reply, error) {
		var review admissionReview
		if err := decode(body, kind.Info{}, &review); err != nil {
			return reply{}, fmt.Errorf("read review: %w", err)
		}
		if review.APIVersion != "admission.k8s.io/v1" || review.Kind != "AdmissionReview" {
			return reply{}, fmt.Errorf("read review: it is a %q of %q: admissionReviewVersions of the "+
				"configuration has to be v1", cut(review.Kind, maxQuoted), cut(review.APIVersion, maxQuoted))
		}
		if review.Request == nil || review.Request.UID == "" {
			return reply{}, fmt.Errorf("read review: it has no request with a uid")
		}
		return h.admit(ctx, log, &review, admit), nil
	}
	return h
}

func (h *Hook) admit(ctx context.Context, log *slog.Logger, review *admissionReview,
	admit func(context.Context, *admissionRequest) (admitted, error)) reply {
	in := review.Request
	got := h.contained(log, func() (v verdict) {
		var err error
		if in.Operation.known() {
			v.admitted, err = admit(ctx, in)
		} else {
			err = badRequest("the operation %q is unknown", cut(string(in.Operation), maxQuoted))
		}
		if err != nil {
			if v.status, v.fault = statusOf(err, in); v.fault {
				log.Error("webhook failed, failurePolicy decides about the request", "webhook", h.path,
					"uid", in.UID, "namespace", in.Namespace, "name", in.Name, "error", err)
			}
		}
		return v
	})
	out := &admissionResponse{UID: in.UID, Allowed: got.status == nil, Status: got.status,
		Warnings: bounded(got.warnings)}
	answer := reply{code: http.StatusOK, panicked: got.panicked, review: &admissionReview{
		APIVersion: review.APIVersion, Kind: review.Kind, Response: out}}
	switch {
	case got.fault:
		// Always 500: of 503 and 504 API servers do not show the text.
		answer.code, answer.fault = http.StatusInternalServerError, got.status.Message
		if answer.fault == "" {
			answer.fault = "the webhook failed"
		}
	case got.status != nil:
		answer.code = int(got.status.Code)
	case got.patch != nil:
		out.Patch, out.PatchType = got.patch, "JSONPatch"
	}
	return answer
}

// verdict is what becomes of a request.
type verdict struct {
	admitted
	status          *metav1.Status // nil if it is admitted
	fault, panicked bool           // the status is of a fault of the webhook
}

// contained calls f. A panic is a fault, which is logged.
func (h *Hook) contained(log *slog.Logger, f func() verdict) (v verdict) {
	defer func() {
		if p := recover(); p != nil {
			log.Error("webhook panicked, failurePolicy decides about the request", "webhook", h.path,
				"panic", p, "stack", string(debug.Stack()))
			v = verdict{fault: true, panicked: true,
				status: statusWith(http.StatusInternalServerError, 0, "the webhook panicked")}
		}
	}()
	return f()
}

// patchOf calls change, which changes obj or returns another one, and returns the patch that makes
// the same change in raw, the JSON that obj was decoded from. It returns nil if nothing was changed.
// The objects point to a t.
func patchOf(raw []byte, t reflect.Type, obj any, change func() (any, error)) ([]byte, error) {
	before, err := treeOf(obj)
	if err != nil {
		return nil, fmt.Errorf("encode the object: %w", err)
	}
	if obj, err = change(); err != nil {
		return nil, err
	}
	after, err := treeOf(obj)
	if err != nil {
		return nil, fmt.Errorf("encode the changed object: %w", err)
	}
	if overlay.Same(before, after, t) {
		return nil, nil
	}
	from, err := overlay.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("read the object: %w", err)
	}
	ops := difference(from, overlay.Lay(from, before, after, t), "", nil)
	if len(ops) == 0 {
		return nil, nil
	}
	return json.Marshal(ops)
}

func treeOf(obj any) (any, error) {
	data, err := json.Marshal(obj)
	if err != nil {
		return nil, err
	}
	return overlay.Parse(data)
}
