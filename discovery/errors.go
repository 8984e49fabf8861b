package discovery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/internal/ctxerr"
)

// PartialError says that some of what the server serves could not be learned. It comes together
// with all the rest.
type PartialError struct {
	// Failed are the group versions that are missing, or may be out of date, and why.
	Failed map[schema.GroupVersion]error
}

// Error names the group versions.
func (e *PartialError) Error() string {
	var failed []string
	for gv, err := range e.Failed {
		failed = append(failed, fmt.Sprintf("%s: %v", gv, err))
	}
	slices.Sort(failed)
	return "discovery is incomplete, these could not be asked: " + strings.Join(failed, "; ")
}

// Unwrap returns the errors of all group versions.
func (e *PartialError) Unwrap() []error {
	var out []error
	for _, err := range e.Failed {
		out = append(out, err)
	}
	return out
}

// hides says that what was not found may be in what is missing: in that group, or anywhere.
func (e *PartialError) hides(group string, anywhere bool) bool {
	if anywhere {
		return len(e.Failed) > 0
	}
	for gv := range e.Failed {
		if gv.Group == group {
			return true
		}
	}
	return false
}

// ErrStale is why a group version failed whose API server does not answer the one that was asked.
var ErrStale = errors.New("the API server behind it does not answer; see its APIService object")

// ended returns the error of a context that has ended.
func ended(ctx context.Context) error { return fmt.Errorf("discovery: %w", ctxerr.Of(ctx)) }

// asPartial returns the PartialError in err; whole says that err is no other error.
func asPartial(err error) (partial *PartialError, whole bool) {
	if err == nil {
		return nil, true
	}
	return partial, errors.As(err, &partial)
}
