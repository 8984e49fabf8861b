package election

import (
	"maps"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// record is the content of a Lease. Source: Kubernetes documentation, "Leases"; the fields'
// comments in k8s.io/api/coordination/v1.
type record struct {
	holder            string
	duration          time.Duration // 0 if the Lease has none
	acquired, renewed time.Time
	transitions       int32
}

func recordOf(l *coordinationv1.Lease) record {
	return record{
		holder:      value(l.Spec.HolderIdentity),
		duration:    time.Duration(value(l.Spec.LeaseDurationSeconds)) * time.Second,
		acquired:    value(l.Spec.AcquireTime).Time,
		renewed:     value(l.Spec.RenewTime).Time,
		transitions: value(l.Spec.LeaseTransitions),
	}
}

// equal reports whether nobody has written between r and s.
func (r record) equal(s record) bool {
	return r.holder == s.holder && r.duration == s.duration && r.transitions == s.transitions &&
		r.acquired.Equal(s.acquired) && r.renewed.Equal(s.renewed)
}

// sameTerm reports whether r and s are records of one term of one process.
func (r record) sameTerm(s record) bool {
	return r.holder == s.holder && r.transitions == s.transitions && r.acquired.Equal(s.acquired)
}

// into returns a copy of l with the record r, and with labels. Fields that a record does not have
// stay.
func (r record) into(l *coordinationv1.Lease, labels map[string]string) *coordinationv1.Lease {
	out := l.DeepCopy()
	out.Spec.HolderIdentity = &r.holder
	out.Spec.LeaseDurationSeconds = new(int32(r.duration / time.Second))
	out.Spec.AcquireTime = &metav1.MicroTime{Time: r.acquired}
	out.Spec.RenewTime = &metav1.MicroTime{Time: r.renewed}
	out.Spec.LeaseTransitions = &r.transitions
	if len(labels) > 0 && out.Labels == nil {
		out.Labels = map[string]string{}
	}
	maps.Copy(out.Labels, labels)
	return out
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// now returns the time for a record: microseconds, which is what the API stores.
func (e *Elector) now() time.Time { return e.wall().UTC().Truncate(time.Microsecond) }
