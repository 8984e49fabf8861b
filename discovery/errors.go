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

// PartialError is returned beside an answer that lacks some group versions, or has outdated ones.
type PartialError struct {
	// Failed holds the group versions that are missing or may be outdated, and the cause of each.
	Failed map[schema.GroupVersion]error
}

// Error lists the group versions and their causes.
func (e *PartialError) Error() string {
	var failed []string
	for gv, err := range e.Failed {
		failed = append(failed, fmt.Sprintf("%s: %v", gv, err))
	}
	slices.Sort(failed)
	return "discovery: incomplete answer: " + strings.Join(failed, "; ")
}

// Unwrap returns the causes of all group versions.
func (e *PartialError) Unwrap() []error {
	var out []error
	for _, err := range e.Failed {
		out = append(out, err)
	}
	return out
}

// hides reports whether a match may be in what is missing: whether one of its group versions is one
// that a lookup looks in.
func (e *PartialError) hides(in func(schema.GroupVersion) bool) bool {
	for gv := range e.Failed {
		if in(gv) {
			return true
		}
	}
	return false
}

// ErrStale is the cause, in a PartialError, for a group version whose aggregated API server does
// not answer kube-apiserver. The status of its APIService object describes the fault.
var ErrStale = errors.New(
	"discovery: aggregated API server does not answer; see its APIService object")

// ended returns the error of a context that has ended.
func ended(ctx context.Context) error { return fmt.Errorf("discovery: %w", ctxerr.Of(ctx)) }

// asPartial returns the PartialError in err. whole is false if err is any other error.
func asPartial(err error) (partial *PartialError, whole bool) {
	if err == nil {
		return nil, true
	}
	return partial, errors.As(err, &partial)
}
