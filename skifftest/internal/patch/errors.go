package patch

import (
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// result returns the patched object, or an error for its duplicate and unknown fields. value stands
// in that error for what was decoded.
func (r Request) result(next map[string]any, strict []error, value string) (Result, error) {
	switch {
	case len(strict) == 0 || !r.validates():
		return Result{Object: next}, nil
	case r.FieldValidation == metav1.FieldValidationStrict:
		return Result{}, invalid(value, runtime.NewStrictDecodingError(strict))
	}
	warnings := make([]string, len(strict))
	for i, err := range strict {
		warnings[i] = err.Error()
	}
	return Result{Object: next, Warnings: warnings}, nil
}

// invalid is the error of an object that cannot be decoded after the patch (422).
func invalid(value string, err error) error {
	return apierrors.NewInvalid(apischema.GroupKind{}, "", field.ErrorList{
		field.Invalid(field.NewPath("patch"), value, err.Error()),
	})
}

// unprocessable is the error of a patch that does not fit the object (422).
func unprocessable(err error) error {
	return apierrors.NewGenericServerResponse(http.StatusUnprocessableEntity, "", apischema.GroupResource{}, "",
		err.Error(), 0, false)
}
