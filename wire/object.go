package wire

import (
	"bytes"
	"strings"
)

// Object is a Kubernetes object as bytes, with the part of its metadata that is read without
// decoding.
//
// An Object is immutable: Data is not written to after the Object is made. Any number of goroutines
// may read and share it. An object in an [Arena] is valid until the arena is reset. The strings in
// Meta may be parts of Data, and each of them keeps all of Data alive: to keep Meta without Data,
// use [Meta.Clone].
type Object struct {
	Format Format

	// APIVersion and Kind are the type that the object contains. If it contains none, they are the
	// type of the list's items or of the request's object ([Options]). They are "" if that is not
	// known either.
	APIVersion string
	Kind       string

	// Meta is read from the object's metadata. It is empty for a protobuf message that has none: a
	// list, a Status, options.
	Meta Meta

	// Data is the object: in JSON the whole document, in protobuf the message without the envelope.
	// managedFields are left out unless [Options].KeepManagedFields is set. Data is one allocation
	// of exactly its size, or a part of an [Arena] with no capacity beyond its length.
	Data []byte
}

// Clone returns a copy that shares no memory with o.
func (o Object) Clone() Object {
	return Object{
		Format:     o.Format,
		APIVersion: strings.Clone(o.APIVersion),
		Kind:       strings.Clone(o.Kind),
		Meta:       o.Meta.Clone(),
		Data:       bytes.Clone(o.Data),
	}
}

// Meta is the part of an object's metadata that is read without decoding the object.
type Meta struct {
	Namespace       string // "" for a cluster-scoped object
	Name            string
	UID             string
	ResourceVersion string
	Generation      int64
	Deleting        bool // deletionTimestamp is set
	Labels          Labels
	Owner           Owner // the controller owner; zero if there is none
}

// Owner is an object's controller owner: the entry of ownerReferences with controller: true.
type Owner struct{ APIVersion, Kind, Name, UID string }

// Key returns "namespace/name", or "name" for a cluster-scoped object.
func (m Meta) Key() string {
	if m.Namespace == "" {
		return m.Name
	}
	return m.Namespace + "/" + m.Name
}

// Clone returns a copy that shares no memory with m. It makes one allocation for all strings
// together, and one for the labels.
func (m Meta) Clone() Meta {
	if n := m.Labels.Len(); n > 0 {
		m.Labels.sorted = append(make([]Label, 0, n), m.Labels.sorted...)
	}
	size := 0
	m.strings(func(s *string) { size += len(*s) })
	var all strings.Builder
	all.Grow(size)
	m.strings(func(s *string) {
		start := all.Len()
		all.WriteString(*s)
		*s = all.String()[start:]
	})
	return m
}

// strings calls f with each string of m.
func (m *Meta) strings(f func(*string)) {
	f(&m.Namespace)
	f(&m.Name)
	f(&m.UID)
	f(&m.ResourceVersion)
	f(&m.Owner.APIVersion)
	f(&m.Owner.Kind)
	f(&m.Owner.Name)
	f(&m.Owner.UID)
	for i := range m.Labels.sorted {
		f(&m.Labels.sorted[i].Key)
		f(&m.Labels.sorted[i].Value)
	}
}
