package owners

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// ScaleKind is the kind of every scale subresource.
var ScaleKind = apischema.GroupVersionKind{Group: "autoscaling", Version: "v1", Kind: "Scale"}

// ToScale returns a copy of scale with the owners of the replicas of parent, whose scale it is.
// replicas is the path of the replicas in parent, such as .spec.replicas.
func (m *Manager) ToScale(parent apischema.GroupVersionKind, replicas string, object, scale map[string]any) (map[string]any, error) {
	entries, err := m.scaleHandler(parent, replicas, object).ToSubresource()
	if err != nil {
		return nil, internal(err)
	}
	return withEntries(scale, entries), nil
}

// FromScale returns a copy of object with the owners of its replicas that scale has. object is what
// ToScale got, with the new number of replicas. As in kube-apiserver, an entry that is new has no time.
func (m *Manager) FromScale(parent apischema.GroupVersionKind, replicas string, object, scale map[string]any) (map[string]any, error) {
	entries, err := m.scaleHandler(parent, replicas, object).ToParent(copied(scale).GetManagedFields())
	if err != nil {
		return nil, internal(err)
	}
	return withEntries(object, entries), nil
}

func (m *Manager) scaleHandler(parent apischema.GroupVersionKind, replicas string, object map[string]any) *managedfields.ScaleHandler {
	var p fieldpath.Path
	for name := range strings.SplitSeq(strings.TrimPrefix(replicas, "."), ".") {
		p = append(p, fieldpath.PathElement{FieldName: &name})
	}
	mappings := managedfields.ResourcePathMappings{}
	for _, version := range m.set.Versions(parent.GroupKind()) {
		mappings[apischema.GroupVersion{Group: parent.Group, Version: version}.String()] = p
	}
	return managedfields.NewScaleHandler(copied(object).GetManagedFields(), parent.GroupVersion(), mappings)
}

func withEntries(object map[string]any, entries []metav1.ManagedFieldsEntry) map[string]any {
	u := copied(object)
	u.SetManagedFields(entries)
	return u.Object
}
