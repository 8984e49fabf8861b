package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"runtime/debug"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/kind"
)

// maxConversion limits the body of a ConversionReview, in bytes. It may have a list of objects.
const maxConversion = 32 << 20

// conversionReview is ConversionReview of apiextensions.k8s.io/v1
// (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/#webhook-request-and-response).
// Its Go type is in a module that is not built on here.
type conversionReview struct {
	APIVersion string              `json:"apiVersion"`
	Kind       string              `json:"kind"`
	Request    *conversionRequest  `json:"request,omitempty"`
	Response   *conversionResponse `json:"response,omitempty"`
}

type conversionRequest struct {
	UID               types.UID         `json:"uid"`
	DesiredAPIVersion string            `json:"desiredAPIVersion"`
	Objects           []json.RawMessage `json:"objects"`
}

type conversionResponse struct {
	UID              types.UID         `json:"uid"`
	ConvertedObjects []json.RawMessage `json:"convertedObjects"`
	Result           metav1.Status     `json:"result"`
}

// converts makes h convert these versions of its kind.
func (h *Hook) converts(all versions) {
	h.maxBody = maxConversion
	h.versions = map[groupKind]versions{{h.kind.Group, h.kind.Kind}: all}
	h.answer = func(ctx context.Context, log *slog.Logger, body []byte) (reply, error) {
		return h.convert(ctx, log, body)
	}
}

// convert answers a ConversionReview.
func (h *Hook) convert(ctx context.Context, log *slog.Logger, body []byte) (reply, error) {
	var review conversionReview
	if err := decode(body, kind.Info{}, &review); err != nil {
		return reply{}, fmt.Errorf("read review: %w", err)
	}
	if review.APIVersion != "apiextensions.k8s.io/v1" || review.Kind != "ConversionReview" {
		return reply{}, fmt.Errorf("read review: it is a %q of %q: conversionReviewVersions of the "+
			"CustomResourceDefinition has to be v1", cut(review.Kind, maxQuoted),
			cut(review.APIVersion, maxQuoted))
	}
	in := review.Request
	if in == nil || in.UID == "" {
		return reply{}, errors.New("read review: it has no request with a uid")
	}
	out := &conversionResponse{UID: in.UID, ConvertedObjects: make([]json.RawMessage, 0, len(in.Objects)),
		Result: metav1.Status{Status: metav1.StatusSuccess}}
	answer := reply{code: http.StatusOK, review: &conversionReview{APIVersion: review.APIVersion,
		Kind: review.Kind, Response: out}}
	for _, raw := range in.Objects {
		obj, panicked, err := h.containedConversion(ctx, log, raw, in.DesiredAPIVersion)
		if err == nil {
			out.ConvertedObjects = append(out.ConvertedObjects, obj)
			continue
		}
		if name := nameOf(raw); name != "" {
			err = fmt.Errorf("convert %s to %s: %w", name, cut(in.DesiredAPIVersion, maxQuoted), err)
		}
		log.Error("conversion failed, the request is refused", "uid", in.UID, "error", err)
		out.ConvertedObjects = nil
		out.Result = metav1.Status{Status: metav1.StatusFailure, Message: err.Error()}
		answer.code, answer.panicked = http.StatusInternalServerError, panicked
		break
	}
	return answer, nil
}

// containedConversion converts an object, and returns a panic as an error, which is logged.
func (h *Hook) containedConversion(ctx context.Context, log *slog.Logger, raw json.RawMessage,
	desired string) (obj json.RawMessage, panicked bool, err error) {
	defer func() {
		if v := recover(); v != nil {
			log.Error("conversion panicked", "webhook", h.path, "panic", v, "stack", string(debug.Stack()))
			obj, panicked, err = nil, true, errors.New("the conversion panicked")
		}
	}()
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	obj, err = h.converted(raw, desired)
	return obj, false, err
}

// nameOf returns the kind and the name of an object, "" if it has none.
func nameOf(raw json.RawMessage) string {
	var o metav1.PartialObjectMetadata
	if decode(raw, kind.Info{}, &o) != nil || o.Name == "" {
		return ""
	}
	name := cut(o.Name, maxQuoted)
	if o.Namespace != "" {
		name = cut(o.Namespace, maxQuoted) + "/" + name
	}
	return cut(o.Kind, maxQuoted) + " " + name
}

// merged returns hooks with those that convert made one, which converts the kinds of all.
func merged(hooks []*Hook) (out []*Hook) {
	var all *Hook
	for _, h := range hooks {
		switch {
		case h == nil || h.role != converting || h.err != nil:
			out = append(out, h)
		case all == nil:
			copied := *h
			all = &copied
			all.versions = maps.Clone(h.versions)
			all.answer = func(ctx context.Context, log *slog.Logger, body []byte) (reply, error) {
				return all.convert(ctx, log, body)
			}
			out = append(out, all)
		default:
			for gk, versions := range h.versions {
				if all.versions[gk] != nil {
					all.err = fmt.Errorf("serve webhooks: two convert %s", h.kind)
				}
				all.versions[gk] = versions
			}
		}
	}
	return out
}
