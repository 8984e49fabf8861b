package rest

import (
	"slices"
	"testing"

	"github.com/skiff-k8s/skiff/kind"
)

// Every group that kind knows protobuf for is one that a raw request asks protobuf of.
func TestBuiltinGroupsAreThoseOfKind(t *testing.T) {
	if !slices.IsSorted(builtin) {
		t.Error("builtin is not sorted, and is searched as if it were")
	}
	for k := range kind.All() {
		if k.Protobuf && !hasProtobuf(k.Group) {
			t.Errorf("group %q of %v is missing", k.Group, k)
		}
	}
}
