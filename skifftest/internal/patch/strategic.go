package patch

import (
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/mergepatch"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	kjson "sigs.k8s.io/json"

	"github.com/skiff-k8s/skiff/skifftest/internal/schema"
)

// strategic applies a strategic merge patch. The merge keys are those of the Go type's fields.
func (r Request) strategic() (Result, error) {
	body := map[string]any{}
	var strict []error
	var err error
	if r.validates() {
		strict, err = kjson.UnmarshalStrict(r.Body, &body)
	} else {
		err = kjson.UnmarshalCaseSensitivePreserveInts(r.Body, &body)
	}
	if err != nil {
		return Result{}, apierrors.NewBadRequest(err.Error())
	}
	into, err := schema.New(r.GVK)
	if err != nil {
		return Result{}, apierrors.NewInternalError(err)
	}
	// Merging modifies the object and the patch.
	patched, err := strategicpatch.StrategicMergeMapPatch(runtime.DeepCopyJSON(r.Live), body, into)
	if err != nil {
		return Result{}, strategicError(err)
	}
	next, unknown, err := schema.Convert(r.GVK, patched)
	told := fmt.Sprintf("%+v", body)
	if err != nil {
		return Result{}, invalid(told, err)
	}
	return r.result(next, append(strict, unknown...), told)
}

func strategicError(err error) error {
	for _, bad := range []error{
		mergepatch.ErrBadJSONDoc,
		mergepatch.ErrBadPatchFormatForPrimitiveList,
		mergepatch.ErrBadPatchFormatForRetainKeys,
		mergepatch.ErrBadPatchFormatForSetElementOrderList,
		mergepatch.ErrUnsupportedStrategicMergePatchFormat,
	} {
		if errors.Is(err, bad) {
			return apierrors.NewBadRequest(err.Error())
		}
	}
	if errors.Is(err, mergepatch.ErrNoListOfLists) || errors.Is(err, mergepatch.ErrPatchContentNotMatchRetainKeys) {
		return unprocessable(err)
	}
	return apierrors.NewInternalError(err)
}
