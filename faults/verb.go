package faults

import (
	"net/http"
	"strings"

	"github.com/skiff-k8s/skiff/internal/apipath"
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

// VerbOf returns the verb of a request.
func VerbOf(r *http.Request) Verb {
	t, ok := apipath.Parse(r.URL.Path)
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
		if t.Name == "" {
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
	case t.Name == "":
		return List
	}
	return Get
}
