// Package patch changes an object by a patch, as kube-apiserver does: a JSON patch (RFC 6902), a
// JSON merge patch (RFC 7386) or a strategic merge patch. Its errors have the status codes, reasons
// and messages of kube-apiserver. Server-side apply is in package owners.
//
// No function modifies its arguments. All are safe for concurrent use.
package patch

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	kjson "sigs.k8s.io/json"

	"github.com/skiff-k8s/skiff/skifftest/internal/schema"
)

// MaxOperations is how many operations a JSON patch may have.
const MaxOperations = 10000

// maxCopied is how many bytes the copy operations of one JSON patch may add: the default of
// kube-apiserver.
const maxCopied = 3 << 20

func init() { jsonpatch.AccumulatedCopySizeLimit = maxCopied }

// Request is a patch and what it is applied to.
type Request struct {
	Type types.PatchType
	GVK  apischema.GroupVersionKind

	// Custom is the schema of a custom kind. It is nil for a built-in one.
	Custom *schema.Custom

	// Live is the object to change.
	Live map[string]any

	// Body is the patch.
	Body []byte

	// FieldValidation is Ignore, Warn or Strict. "" means Warn, as in kube-apiserver.
	FieldValidation string
}

// Result is a patched object.
type Result struct {
	Object map[string]any

	// Warnings are the duplicate and unknown fields of the patch. Nil unless FieldValidation is Warn.
	Warnings []string
}

// Apply returns live with the patch in body applied. Unknown fields are dropped.
func Apply(t types.PatchType, gvk apischema.GroupVersionKind, live map[string]any, body []byte) (map[string]any, error) {
	r, err := Request{Type: t, GVK: gvk, Live: live, Body: body, FieldValidation: metav1.FieldValidationIgnore}.Do()
	return r.Object, err
}

// Supported returns the patch types that the resources of a kind accept, server-side apply included.
func Supported(custom bool) []string {
	accepted := []string{string(types.JSONPatchType), string(types.MergePatchType)}
	if !custom {
		accepted = append(accepted, string(types.StrategicMergePatchType))
	}
	return append(accepted, string(types.ApplyYAMLPatchType))
}

// Unsupported returns the error of a patch whose Content-Type is none of Supported (415).
func Unsupported(custom bool) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure,
		Code:   http.StatusUnsupportedMediaType,
		Reason: metav1.StatusReasonUnsupportedMediaType,
		Message: "the body of the request was in an unknown format - accepted media types include: " +
			strings.Join(Supported(custom), ", "),
	}}
}

// Do returns the patched object. The type of a built-in kind's fields is checked, unknown fields
// are dropped, and those of a custom kind are pruned. Its values are not validated.
func (r Request) Do() (Result, error) {
	if r.FieldValidation == "" {
		r.FieldValidation = metav1.FieldValidationWarn
	}
	if !json.Valid(r.Body) {
		return Result{}, apierrors.NewBadRequest("invalid JSON patch")
	}
	switch r.Type {
	case types.JSONPatchType, types.MergePatchType:
		return r.json()
	case types.StrategicMergePatchType:
		if r.custom() {
			return Result{}, Unsupported(true)
		}
		return r.strategic()
	default:
		return Result{}, Unsupported(r.custom())
	}
}

// custom reports whether the kind is not built into Kubernetes.
func (r Request) custom() bool {
	return r.Custom != nil || !schema.IsBuiltin(r.GVK)
}

// validates reports whether duplicate and unknown fields are looked for.
func (r Request) validates() bool { return r.FieldValidation != metav1.FieldValidationIgnore }

// json applies a JSON patch or a merge patch.
func (r Request) json() (Result, error) {
	live, err := r.encoded()
	if err != nil {
		return Result{}, apierrors.NewInternalError(err)
	}
	var patched []byte
	var strict []error
	if r.Type == types.JSONPatchType {
		patched, strict, err = r.operations(live)
	} else {
		patched, strict, err = r.merge(live)
	}
	if err != nil {
		return Result{}, err
	}
	next, unknown, err := r.decode(patched)
	if err != nil {
		return Result{}, invalid(string(patched), err)
	}
	return r.result(next, append(strict, unknown...), string(patched))
}

// encoded returns the live object as JSON, the fields of a built-in kind in the order of its Go type:
// errors show it.
func (r Request) encoded() ([]byte, error) {
	if r.custom() {
		return json.Marshal(r.Live)
	}
	return schema.Encode(r.GVK, r.Live)
}

// operation has the fields that an operation of a JSON patch may have.
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	From  string `json:"from"`
	Value any    `json:"value"`
}

func (r Request) operations(live []byte) (patched []byte, strict []error, err error) {
	if r.validates() {
		var operations []operation
		strict, err = kjson.UnmarshalStrict(r.Body, &operations)
		if err != nil {
			// kube-apiserver's message names its own Go type.
			message := strings.Replace(err.Error(), "patch.operation", "handlers.jsonPatchOp", 1)
			return nil, nil, apierrors.NewBadRequest("error decoding patch: " + message)
		}
		for i, e := range strict {
			strict[i] = fmt.Errorf("json patch %w", e)
		}
	}
	operations, err := jsonpatch.DecodePatch(r.Body)
	if err != nil {
		return nil, nil, apierrors.NewBadRequest(err.Error())
	}
	if n := len(operations); n > MaxOperations {
		return nil, nil, apierrors.NewRequestEntityTooLargeError(
			fmt.Sprintf("The allowed maximum operations in a JSON patch is %d, got %d", MaxOperations, n))
	}
	if patched, err = operations.Apply(live); err != nil {
		return nil, nil, unprocessable(err)
	}
	return patched, strict, nil
}

func (r Request) merge(live []byte) (patched []byte, strict []error, err error) {
	if r.validates() {
		strict, err = kjson.UnmarshalStrict(r.Body, &map[string]any{})
		if err != nil {
			return nil, nil, apierrors.NewBadRequest(fmt.Sprintf("error decoding patch: %v", err))
		}
	}
	patched, err = jsonpatch.MergePatch(live, r.Body)
	if errors.Is(err, jsonpatch.ErrBadJSONPatch) {
		return nil, nil, apierrors.NewBadRequest(err.Error())
	}
	if err != nil {
		return nil, nil, apierrors.NewInternalError(err)
	}
	return patched, strict, nil
}

// decode returns the object in data, and an error for each field of it that the kind has not.
func (r Request) decode(data []byte) (next map[string]any, unknown []error, err error) {
	if !r.custom() {
		return schema.Decode(r.GVK, data)
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(data, &next); err != nil {
		return nil, nil, err
	}
	if next == nil {
		return nil, nil, errors.New("the patch removed the object")
	}
	if r.Custom != nil {
		paths, err := r.Custom.Decode(next)
		if err != nil {
			return nil, nil, err
		}
		for _, path := range paths {
			unknown = append(unknown, fmt.Errorf("unknown field %q", path))
		}
	}
	return next, unknown, nil
}
