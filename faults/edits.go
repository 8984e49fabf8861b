package faults

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"

	"github.com/skiff-k8s/skiff/internal/storage"
)

// editing returns a fault that changes the documents of an answer: the object or the list, or each
// event of a watch. edit returns what to send in the document's place; nil drops an event. The server
// is asked for JSON. What is not JSON passes as it is.
func editing(name string, edit func(d storage.Document) storage.Document) Fault {
	change := func(text []byte) []byte {
		d, err := decode(text)
		if err != nil {
			return text
		}
		if d = edit(d); d == nil {
			return nil
		}
		return append(mustJSON(d), '\n')
	}
	inner := filtering(name, func(w http.ResponseWriter, r *http.Request, _ func()) (func([]byte) error, func()) {
		if VerbOf(r)&(Watch|WatchList) != 0 {
			return lines(func(line []byte) error {
				_, err := w.Write(change(line))
				return err
			})
		}
		var whole bytes.Buffer
		write := func(p []byte) error { _, err := whole.Write(p); return err }
		return write, func() { _, _ = w.Write(change(whole.Bytes())) }
	})
	return Fault{name, func(next http.Handler) http.Handler {
		next = inner.Handler(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r = r.Clone(r.Context())
			r.Header.Set("Accept", "application/json")
			r.Header.Del("Accept-Encoding")
			next.ServeHTTP(w, r)
		})
	}}
}

// EditList changes each list.
func EditList(name string, edit func(list map[string]any)) Fault {
	return editing(name, func(d storage.Document) storage.Document {
		if _, list := d["items"].([]any); list {
			edit(d)
		}
		return d
	})
}

// EditEvents changes each event of a watch; an event for which edit returns false is left out.
func EditEvents(name string, edit func(event map[string]any) bool) Fault {
	return editing(name, func(d storage.Document) storage.Document {
		if _, event := d["object"].(map[string]any); event && !edit(d) {
			return nil
		}
		return d
	})
}

// EditObjects changes each object: of a list, of an event that is neither a bookmark nor an error, and
// one that is answered alone. An object of a list often has no kind of its own.
func EditObjects(name string, edit func(object map[string]any)) Fault {
	return editing(name, func(d storage.Document) storage.Document {
		items, list := d["items"].([]any)
		object, event := d["object"].(map[string]any)
		switch {
		case list:
			for _, item := range items {
				if o, ok := item.(map[string]any); ok {
					edit(o)
				}
			}
		case event && d.Str("type") != "BOOKMARK" && d.Str("type") != "ERROR":
			edit(object)
		case !event && d.Str("kind") != "Status":
			edit(d)
		}
		return d
	})
}

// NoVersion removes the resourceVersion of every list, as some aggregated servers do.
func NoVersion() Fault {
	return EditList("list without a resourceVersion", func(list map[string]any) {
		storage.Document(list).SetMeta("resourceVersion", nil)
	})
}

// SameContinue sends the same continue token with every page: the list has no end.
func SameContinue(token string) Fault {
	return EditList("the same continue token", func(list map[string]any) {
		storage.Document(list).SetMeta("continue", token)
	})
}

// NoBookmarks leaves out all bookmarks, that which ends a watch-list too.
func NoBookmarks() Fault {
	return EditEvents("no bookmarks", func(event map[string]any) bool {
		return event["type"] != "BOOKMARK"
	})
}

// NoListEnd leaves out the bookmark that ends a watch-list, and no other.
func NoListEnd() Fault {
	return EditEvents("no bookmark ends the list", func(event map[string]any) bool {
		return !endsList(event)
	})
}

// ListEndWithoutVersion removes the resourceVersion of the bookmark that ends a watch-list.
func ListEndWithoutVersion() Fault {
	return EditEvents("the list's end without a resourceVersion", func(event map[string]any) bool {
		if endsList(event) {
			object, _ := event["object"].(map[string]any)
			storage.Document(object).SetMeta("resourceVersion", nil)
		}
		return true
	})
}

func endsList(event map[string]any) bool {
	object, _ := event["object"].(map[string]any)
	metadata, _ := object["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	return annotations["k8s.io/initial-events-end"] == "true"
}

// NoNames removes the names of all objects.
func NoNames() Fault {
	return EditObjects("objects without a name", func(o map[string]any) {
		storage.Document(o).SetMeta("name", nil)
	})
}

// WrongKind makes every object one of another kind.
func WrongKind(apiVersion, kind string) Fault {
	return EditObjects(fmt.Sprintf("%s %s in place of what was asked for", apiVersion, kind),
		func(o map[string]any) { o["apiVersion"], o["kind"] = apiVersion, kind })
}

// OpaqueVersions makes every resourceVersion text that is no number, and takes such text back in
// requests, as servers may that are not built on etcd.
func OpaqueVersions() Fault {
	const mark = "opaque-"
	inner := editing("", func(d storage.Document) storage.Document { opaque(d, mark); return d })
	return Fault{"opaque resourceVersions", func(next http.Handler) http.Handler {
		next = inner.Handler(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r = r.Clone(r.Context())
			q := r.URL.Query()
			if v := q.Get("resourceVersion"); v != "" {
				q.Set("resourceVersion", strings.TrimPrefix(v, mark))
				r.URL.RawQuery = q.Encode()
			}
			next.ServeHTTP(w, r)
		})
	}}
}

// opaque marks every resourceVersion within a value.
func opaque(v any, mark string) {
	switch v := v.(type) {
	case storage.Document:
		opaque(map[string]any(v), mark)
	case map[string]any:
		for key, value := range v {
			if version, ok := value.(string); ok && key == "resourceVersion" && version != "" {
				v[key] = mark + version
			}
			opaque(value, mark)
		}
	case []any:
		for _, value := range v {
			opaque(value, mark)
		}
	}
}
