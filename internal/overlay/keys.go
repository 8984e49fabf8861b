package overlay

import (
	"reflect"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/internal/jsonfields"
)

// Elements of lists are matched by their keys where they are known. These are the values of the
// members that the first of these names:
//   - the tag patchMergeKey of the list's field, which k8s.io/api has, and custom types copy;
//   - the element's type, if it is a condition as the API conventions describe it: its type;
//   - a table of the lists of k8s.io/api that are maps to server-side apply and have no such tag.
//
// The markers +listMapKey of custom types are comments, which a program cannot read.

func keysOfField(t reflect.Type, f *jsonfields.Field) []string {
	var key string
	for field := range f.Chain(t) {
		key = field.Tag.Get("patchMergeKey")
	}
	if key == "" {
		return nil
	}
	return []string{key}
}

func keysOfElement(elem reflect.Type) []string {
	t := typeOf(elem)
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	if keys, ok := untagged[strings.TrimPrefix(t.PkgPath(), "k8s.io/api/")+"."+t.Name()]; ok {
		return keys
	}
	if t == reflect.TypeFor[metav1.Condition]() || strings.HasSuffix(t.Name(), "Condition") &&
		hasString(t, "type") && hasString(t, "status") {
		return []string{"type"}
	}
	return nil
}

func hasString(t reflect.Type, name string) bool {
	f, ok := jsonfields.ByName(t, name)
	return ok && f.Type.Kind() == reflect.String
}

// untagged are the element types of k8s.io/api whose lists have +listMapKey and no patchMergeKey.
// TestUntaggedIsWhatTheSourcesSay compares it with the sources.
var untagged = map[string][]string{
	"apiserverinternal/v1alpha1.ServerStorageVersion": {"apiServerID"},
	"core/v1.PodVolumeHealth":                         {"name"},
	"core/v1.ResourceClaim":                           {"name"},
	"core/v1.ResourceHealth":                          {"resourceID"},
	"resource/v1.AllocatedDeviceStatus":               {"driver", "device", "pool", "shareID"},
	"resource/v1beta1.AllocatedDeviceStatus":          {"driver", "device", "pool", "shareID"},
	"resource/v1beta2.AllocatedDeviceStatus":          {"driver", "device", "pool", "shareID"},
	"scheduling/v1alpha3.CompositePodGroupTemplate":   {"name"},
	"scheduling/v1alpha3.PodGroupTemplate":            {"name"},
	"scheduling/v1beta1.CompositePodGroupTemplate":    {"name"},
	"scheduling/v1beta1.PodGroupTemplate":             {"name"},
}
