package faults

import (
	"net/http"
	"strings"
)

// Verb is what a request asks for, or a set of such verbs (List | Watch).
type Verb uint16

// The verbs.
const (
	Get       Verb = 1 << iota // one object
	List                       // a list or a page of one
	Watch                      // a watch
	WatchList                  // a watch that begins with the objects that exist (KEP-3157)
	Create
	Update
	Patch
	Delete
	DeleteCollection
	Other // discovery, /version, /readyz

	Write = Create | Update | Patch | Delete | DeleteCollection
	Read  = Get | List | Watch | WatchList
)

var verbNames = []struct {
	verb Verb
	name string
}{
	{Get, "get"}, {List, "list"}, {Watch, "watch"}, {WatchList, "watch-list"}, {Create, "create"},
	{Update, "update"}, {Patch, "patch"}, {Delete, "delete"},
	{DeleteCollection, "delete-collection"}, {Other, "other"},
}

// String returns the names of the verbs: "list", "watch|watch-list".
func (v Verb) String() string {
	var names []string
	for _, n := range verbNames {
		if v&n.verb != 0 {
			names = append(names, n.name)
		}
	}
	return strings.Join(names, "|")
}

// target is what the path of a request names.
type target struct {
	group, version, resource string
	namespace, name          string
	subresource              string
}

// parse returns what a path names; ok is false if that is no resource.
func parse(path string) (t target, ok bool) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case len(parts) >= 3 && parts[0] == "api":
		t.version, parts = parts[1], parts[2:]
	case len(parts) >= 4 && parts[0] == "apis":
		t.group, t.version, parts = parts[1], parts[2], parts[3:]
	default:
		return target{}, false
	}
	if len(parts) >= 3 && parts[0] == "namespaces" && !namespaceParts[parts[2]] {
		t.namespace, parts = parts[1], parts[2:]
	}
	t.resource = parts[0]
	if len(parts) > 1 {
		t.name = parts[1]
	}
	if len(parts) > 2 {
		t.subresource = strings.Join(parts[2:], "/")
	}
	return t, true
}

// namespaceParts are the subresources of a Namespace.
var namespaceParts = map[string]bool{"status": true, "finalize": true}

// VerbOf returns the verb of a request.
func VerbOf(r *http.Request) Verb {
	t, ok := parse(r.URL.Path)
	if !ok {
		return Other
	}
	q := r.URL.Query()
	switch r.Method {
	case http.MethodPost:
		return Create
	case http.MethodPut:
		return Update
	case http.MethodPatch:
		return Patch
	case http.MethodDelete:
		if t.name == "" {
			return DeleteCollection
		}
		return Delete
	}
	switch {
	case q.Get("watch") == "true" || q.Get("watch") == "1":
		if q.Get("sendInitialEvents") == "true" {
			return WatchList
		}
		return Watch
	case t.name == "":
		return List
	}
	return Get
}
