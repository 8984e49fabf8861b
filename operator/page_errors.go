package operator

import (
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kind"
)

// shownError returns what the page shows of an error. What the API server writes about a field may
// have its value. If an error of the API server in err's tree is about fields, the reasons and the
// paths are shown and nothing else. If secret is true, nothing of err is shown, and why follows.
func shownError(err error, secret bool, why string) string {
	if secret {
		return "an error, whose text the log has: " + why
	}
	if shown, fields := reasons(nil, err); fields {
		return strings.Join(shown, "; ") + "; the log has the text"
	}
	return err.Error()
}

// reasons appends the reasons of all errors of the API server in err's tree to shown, with the
// paths of the fields that they are about, and reports whether there are such paths. errors.As finds only
// the first error of several that are joined.
func reasons(shown []string, err error) (all []string, fields bool) {
	if status, ok := err.(apierrors.APIStatus); ok {
		s := status.Status()
		reason := string(s.Reason)
		if s.Details != nil && len(s.Details.Causes) > 0 {
			var paths []string
			for _, cause := range s.Details.Causes {
				paths = append(paths, cause.Field)
			}
			reason, fields = reason+": "+strings.Join(paths, ", "), true
		}
		shown = append(shown, reason)
	}
	var inner []error
	switch wrapper := err.(type) {
	case interface{ Unwrap() error }:
		inner = []error{wrapper.Unwrap()}
	case interface{ Unwrap() []error }:
		inner = wrapper.Unwrap()
	}
	for _, e := range inner {
		more := false
		if shown, more = reasons(shown, e); more {
			fields = true
		}
	}
	return shown, fields
}

// readsSecrets reports whether a controller has a cache of Secrets.
func readsSecrets(c *controller.Controller) bool {
	return slices.ContainsFunc(c.Caches(), func(i informer.Untyped) bool {
		return ofSecrets(i.Kind())
	})
}

// ofSecrets reports whether a kind is that of Secrets.
func ofSecrets(k kind.Info) bool { return k.Group == "" && k.Resource == "secrets" }
