package wire

// Object is a Kubernetes object as bytes, with what can be known of it without decoding.
//
// An Object is immutable: nobody writes to Data once it is made, so that any number of goroutines
// may read it and share it. Strings in Meta may be parts of Data and keep it alive; who keeps only
// the Meta takes [Meta.Clone].
type Object struct {
	Format Format

	// APIVersion and Kind are what the object says it is; or, where it leaves that to the list it
	// stands in or to the request it answers, what those say. They are "" if nobody says it.
	APIVersion string
	Kind       string

	// Meta is filled from the object's metadata. Of what has none (a list, a Status, options) it
	// is empty, but for the ResourceVersion of lists in JSON.
	Meta Meta

	// Data is the object: in JSON the whole document, in protobuf the message itself, without the
	// envelope that says its type. managedFields are dropped already, unless they were asked for.
	Data []byte
}

// Clone returns a copy that shares no memory with o.
func (o Object) Clone() Object { panic("not yet") }

// Meta is the part of an object's metadata that is read without decoding the object.
type Meta struct {
	Namespace       string // "" for a cluster-scoped object
	Name            string
	UID             string
	ResourceVersion string
	Generation      int64
	Deleting        bool   // deletionTimestamp is set
	Labels          Labels // sorted by key
	Owner           Owner  // the owner with controller: true; zero when there is none
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

// Clone returns a copy that shares no memory with m.
func (m Meta) Clone() Meta { panic("not yet") }
