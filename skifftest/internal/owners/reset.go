package owners

import (
	apischema "k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// wholeMetadata are the groups whose status subresource keeps all metadata of the stored object. That
// of the others takes labels, annotations and the like.
var wholeMetadata = map[string]bool{
	"admissionregistration.k8s.io": true,
	"apiextensions.k8s.io":         true,
	"apiregistration.k8s.io":       true,
	"flowcontrol.apiserver.k8s.io": true,
	"internal.apiserver.k8s.io":    true,
	"resource.k8s.io":              true,
	"scheduling.k8s.io":            true,
	"storage.k8s.io":               true,
	"storagemigration.k8s.io":      true,
}

// reset returns a filter of the fields that a write of a resource or subresource may own, by the
// version of the kind. A manager does not get the fields that the server resets to what they were:
// the status, when the resource itself is written, and the spec, when its status is.
func (m *Manager) reset(gvk apischema.GroupVersionKind, subresource string) map[fieldpath.APIVersion]fieldpath.Filter {
	filter := filterOf(gvk, subresource)
	if custom, ok := m.set.Custom(gvk); ok {
		filter = nil
		switch {
		case subresource == "status":
			filter = without(path("metadata"), path("spec"))
		case custom.Status():
			filter = without(path("status"))
		}
	}
	if filter == nil {
		return nil
	}
	filters := map[fieldpath.APIVersion]fieldpath.Filter{}
	for _, version := range m.set.Versions(gvk.GroupKind()) {
		gv := apischema.GroupVersion{Group: gvk.Group, Version: version}
		filters[fieldpath.APIVersion(gv.String())] = filter
	}
	return filters
}

// filterOf returns the filter of a built-in kind.
func filterOf(gvk apischema.GroupVersionKind, subresource string) fieldpath.Filter {
	spec, status := path("spec"), path("status")
	if gvk.Kind == "CertificateSigningRequest" {
		switch subresource {
		case "status":
			return without(spec, path("status", "conditions"))
		case "approval":
			return without(spec, path("status", "certificate"))
		default:
			return without(spec, status)
		}
	}
	switch subresource {
	case "", "finalize":
		return without(status)
	case "ephemeralcontainers":
		return only([]any{"spec", "ephemeralContainers"})
	case "resize":
		each := fieldpath.MatchAnyPathElement()
		return only([]any{"spec", "containers", each, "resources"}, []any{"spec", "containers", each, "resizePolicy"},
			[]any{"spec", "initContainers", each, "resources"}, []any{"spec", "initContainers", each, "resizePolicy"})
	case "status":
	default:
		return nil
	}
	switch gvk.Kind {
	case "Deployment":
		return without(spec, path("metadata", "labels"))
	case "Pod":
		return without(spec, path("metadata", "deletionTimestamp"), path("metadata", "ownerReferences"))
	case "PodCertificateRequest", "ServiceCIDR":
		return without(spec, path("metadata"))
	}
	if wholeMetadata[gvk.Group] {
		return without(spec, path("metadata"))
	}
	return without(spec)
}

func path(fields ...any) fieldpath.Path { return fieldpath.MakePathOrDie(fields...) }

// without is a filter of all fields but those at and below paths.
func without(paths ...fieldpath.Path) fieldpath.Filter {
	return fieldpath.NewExcludeSetFilter(fieldpath.NewSet(paths...))
}

// only is a filter of the fields at and below paths.
func only(paths ...[]any) fieldpath.Filter {
	matchers := make([]*fieldpath.SetMatcher, len(paths))
	for i, p := range paths {
		matchers[i] = fieldpath.MakePrefixMatcherOrDie(p...)
	}
	return fieldpath.NewIncludeMatcherFilter(matchers...)
}
