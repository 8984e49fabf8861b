package controller

import (
	"strings"
	"time"
)

// Key names the object that a reconcile is about: one of the kind the controller
// is For. Namespace is empty for a cluster-scoped object.
type Key struct{ Namespace, Name string }

// String is "namespace/name", or "name" without a namespace: the form of
// informer.Item's Key and of wire.Meta's.
func (k Key) String() string {
	if k.Namespace == "" {
		return k.Name
	}
	return k.Namespace + "/" + k.Name
}

// ParseKey is the inverse of Key.String. Neither a namespace nor a name contains
// a slash, so every string has one reading.
func ParseKey(s string) Key {
	namespace, name, ok := strings.Cut(s, "/")
	if !ok {
		return Key{Name: s}
	}
	return Key{Namespace: namespace, Name: name}
}

// Result is what a reconcile without an error asks for.
type Result struct {
	// RequeueAfter has the key reconciled again after this time, even if nothing
	// changes until then. 0 is not to ask.
	RequeueAfter time.Duration
}
