package overlay

import "reflect"

// MergePatch returns the JSON merge patch (RFC 7386) that makes to of from, and reports whether
// there is a difference. A member that is null in to is removed: a merge patch cannot set null,
// except within a list, which it replaces as a whole.
func MergePatch(from, to map[string]any) (patch map[string]any, changed bool) {
	patch = map[string]any{}
	for name, was := range from {
		if to[name] == nil && was != nil {
			patch[name] = nil
		}
	}
	for name, now := range to {
		was := from[name]
		if now == nil || reflect.DeepEqual(was, now) {
			continue
		}
		inner, ok := now.(map[string]any)
		outer, ok2 := was.(map[string]any)
		if !ok || !ok2 {
			patch[name] = now
			continue
		}
		if p, differs := MergePatch(outer, inner); differs {
			patch[name] = p
		}
	}
	return patch, len(patch) > 0
}
