package owners

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// beforeFirstApply is the manager that gets the fields of an object without owners, when one of
// them is applied for the first time.
const beforeFirstApply = "before-first-apply"

// internal returns the error that kube-apiserver makes of one without a status (500).
func internal(err error) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status:  metav1.StatusFailure,
		Code:    http.StatusInternalServerError,
		Message: err.Error(),
	}}
}

// shifted returns a copy of an object whose entries are later by d.
func shifted(u *unstructured.Unstructured, d time.Duration) *unstructured.Unstructured {
	u = u.DeepCopy()
	entries := u.GetManagedFields()
	if d == 0 || len(entries) == 0 {
		return u
	}
	for i := range entries {
		if t := entries[i].Time; t != nil {
			entries[i].Time = &metav1.Time{Time: t.Add(d)}
		}
	}
	u.SetManagedFields(entries)
	return u
}

// stamp gives the entries that this operation wrote the time of the Manager's clock: those of its
// manager that are not among before.
func (m *Manager) stamp(object *unstructured.Unstructured, before []metav1.ManagedFieldsEntry, manager string) {
	entries := object.GetManagedFields()
	if len(entries) == 0 {
		return
	}
	if manager == "" {
		manager = "unknown"
	}
	now := metav1.NewTime(m.now().UTC()).Rfc3339Copy()
	for i := range entries {
		e := &entries[i]
		if (e.Manager == manager || e.Manager == beforeFirstApply) && !slices.ContainsFunc(before,
			func(b metav1.ManagedFieldsEntry) bool { return same(*e, b) && e.Time.Equal(b.Time) }) {
			e.Time = &now
		}
	}
	slices.SortStableFunc(entries, func(a, b metav1.ManagedFieldsEntry) int {
		if a.Operation != b.Operation {
			return strings.Compare(string(a.Operation), string(b.Operation))
		}
		return cmp.Compare(seconds(a), seconds(b))
	})
	object.SetManagedFields(entries)
}

// seconds returns an entry's time, which may have none.
func seconds(e metav1.ManagedFieldsEntry) int64 {
	if e.Time == nil {
		return 0
	}
	return e.Time.Unix()
}

// same reports whether two entries are of the same manager.
func same(a, b metav1.ManagedFieldsEntry) bool {
	return a.Manager == b.Manager && a.Operation == b.Operation && a.APIVersion == b.APIVersion && a.Subresource == b.Subresource
}
