package workqueue

import (
	"fmt"
	"strings"
)

// Key names one object of a kind. It is the key of a queue whose workers act on objects.
type Key struct {
	Namespace string // empty for a cluster-scoped object
	Name      string
}

// String returns "namespace/name", or "name" if the namespace is empty. Item.Key of package
// informer has the same form.
func (k Key) String() string {
	if k.Namespace == "" {
		return k.Name
	}
	return k.Namespace + "/" + k.Name
}

// ParseKey is the inverse of [Key.String]. It returns an error if s is not "namespace/name" or
// "name", or if one of the two is empty.
func ParseKey(s string) (Key, error) {
	namespace, name, both := strings.Cut(s, "/")
	switch {
	case !both && s != "":
		return Key{Name: s}, nil
	case namespace == "" || name == "" || strings.Contains(name, "/"):
		return Key{}, fmt.Errorf(`workqueue: parse key %q: want "namespace/name" or "name"`, s)
	default:
		return Key{Namespace: namespace, Name: name}, nil
	}
}
