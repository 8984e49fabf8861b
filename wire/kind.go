package wire

// KindError is the cause of a [SyntaxError] if an object or a list is of another type than
// [Options] ask for.
type KindError struct {
	APIVersion, Kind         string // of the object
	WantAPIVersion, WantKind string // of the options; empty for any
}

// Error returns both types.
func (e *KindError) Error() string {
	return "the server sent " + typeName(e.APIVersion, e.Kind) + " in place of " +
		typeName(e.WantAPIVersion, e.WantKind)
}

func typeName(apiVersion, kind string) string {
	if kind == "" {
		kind = "object"
	}
	if apiVersion != "" {
		kind = apiVersion + " " + kind
	}
	return "a " + kind
}

// wanted is the type that strict options ask for. It is kept beside them, because the type of a list
// sets theirs if they have none.
type wanted struct{ apiVersion, kind, listKind string }

// wantedBy returns the zero wanted, which every object is, unless o is strict.
func wantedBy(o Options) wanted {
	if !o.Strict {
		return wanted{}
	}
	return wanted{o.APIVersion, o.Kind, o.ListKind}
}

// object returns an error if an object is of another type. Its type has been completed.
func (w wanted) object(o *Object) error {
	if w.apiVersion != "" && o.APIVersion != w.apiVersion || w.kind != "" && o.Kind != w.kind {
		return &KindError{o.APIVersion, o.Kind, w.apiVersion, w.kind}
	}
	return nil
}

// list returns an error if a list is of another type, as far as its type has been read.
func (w wanted) list(m *ListMeta) error {
	switch {
	case m.Kind == "List" && (m.APIVersion == "v1" || m.APIVersion == ""):
	case m.APIVersion != "" && w.apiVersion != "" && m.APIVersion != w.apiVersion,
		m.Kind != "" && w.listKind != "" && m.Kind != w.listKind:
		return &KindError{m.APIVersion, m.Kind, w.apiVersion, w.listKind}
	}
	return nil
}

// isStatus reports whether an object is a Status, which a server may send in place of any object.
func isStatus(o *Object) bool {
	return o.Kind == "Status" && (o.APIVersion == "v1" || o.APIVersion == "meta.k8s.io/v1")
}
