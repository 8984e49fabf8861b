package operator

import (
	"errors"
	"fmt"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// No value of a field is shown, wherever in the error its text is, and nothing of an error where
// Secrets are read.
func TestThePageShowsNoValues(t *testing.T) {
	invalid := func(path, value string) error {
		return apierrors.NewInvalid(schema.GroupKind{Kind: "ConfigMap"}, "x",
			field.ErrorList{field.Invalid(field.NewPath("data", path), value, "too short")})
	}
	conflict := apierrors.NewConflict(schema.GroupResource{Resource: "configmaps"}, "x", errors.New("changed"))
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"of a field", invalid("password", "hunter2"), "Invalid: data.password; the log has the text"},
		{"wrapped", fmt.Errorf("apply: %w", invalid("password", "hunter2")), "Invalid: data.password; the log has the text"},
		{"the second of two that are joined", errors.Join(conflict, invalid("password", "hunter2")),
			"Conflict; Invalid: data.password; the log has the text"},
		{"two that are joined", errors.Join(invalid("a", "hunter2"), fmt.Errorf("b: %w", invalid("b", "hunter2"))),
			"Invalid: data.a; Invalid: data.b; the log has the text"},
		{"the second of two wrapped ones", fmt.Errorf("%w, %w", errors.New("no route"), fmt.Errorf("b: %w", invalid("b", "hunter2"))),
			"Invalid: data.b; the log has the text"},
		{"joined within a join", errors.Join(conflict, fmt.Errorf("x: %w", errors.Join(conflict, invalid("b", "hunter2"), conflict))),
			"Conflict; Conflict; Invalid: data.b; Conflict; the log has the text"},
		{"of no field", fmt.Errorf("apply: %w", conflict), "apply: " + conflict.Error()},
		{"of no field, joined", errors.Join(conflict, errors.New("no route")), conflict.Error() + "\nno route"},
		{"of no server", errors.New("no route"), "no route"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := shownError(tt.err, false, ""); got != tt.want {
				t.Errorf("shown is %q, want %q", got, tt.want)
			}
			if got := shownError(tt.err, true, "why"); got != "an error, whose text the log has: why" {
				t.Errorf("shown where Secrets are read is %q", got)
			}
		})
	}
}
