package wire

import (
	"bytes"
	"strings"
)

// Object is a Kubernetes object as bytes, with what can be known of it without decoding.
//
// An Object is immutable: nobody writes to Data once it is made, so that any number of goroutines
// may read it and share it; if it was read into an [Arena], until that is reset. The strings in
// Meta may be parts of Data, and one of them keeps all of it alive; who keeps the Meta and not the
// Data takes [Meta.Clone].
type Object struct {
	Format Format

	// APIVersion and Kind are what the object says it is; or, where it leaves that to the list it
	// stands in or to the request it answers, what those say. They are "" if nobody says it.
	APIVersion string
	Kind       string

	// Meta is read from the object's metadata. It is empty in protobuf for what has none: a list, a
	// Status, options.
	Meta Meta

	// Data is the object: in JSON the whole document, in protobuf the message itself, without the
	// envelope that says its type. managedFields are left out already, unless they were asked for.
	// It is one allocation, of the size that is needed, or a part of an [Arena] that ends with it.
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
	Owner           Owner // the owner with controller: true; zero when there is none
}

// Owner names the object that controls another: the entry of its ownerReferences that says
// controller: true.
type Owner struct{ APIVersion, Kind, Name, UID string }

// Key is "namespace/name", or "name" for a cluster-scoped object.
func (m Meta) Key() string {
	if m.Namespace == "" {
		return m.Name
	}
	return m.Namespace + "/" + m.Name
}

// Clone returns a copy that shares no memory with m: one allocation for all its strings together,
// and one for its labels.
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
