package faults

import "fmt"

// Event returns an event of a watch: the object is JSON.
func Event(kind, object string) string { return string(eventLine(kind, []byte(object))) }

// Bookmark returns a bookmark.
func Bookmark(apiVersion, kind, version string) string {
	return Event("BOOKMARK", fmt.Sprintf(`{"kind":%q,"apiVersion":%q,"metadata":{"resourceVersion":%q}}`,
		kind, apiVersion, version))
}

// ListEnd returns the bookmark that ends the initial objects of a watch-list.
func ListEnd(apiVersion, kind, version string) string {
	return Event("BOOKMARK", fmt.Sprintf(`{"kind":%q,"apiVersion":%q,"metadata":{"resourceVersion":%q,`+
		`"annotations":{"k8s.io/initial-events-end":"true"}}}`, kind, apiVersion, version))
}

// ErrorOf returns an ERROR event with a failed Status.
func ErrorOf(code int, options ...StatusOption) string {
	s, _ := newStatus(code, options...)
	return Event("ERROR", string(mustJSON(s)))
}

// ConfigMap returns a ConfigMap of the namespace "ns" as JSON. Its data has its version.
func ConfigMap(name, uid, version string) string {
	return fmt.Sprintf(`{"kind":"ConfigMap","apiVersion":"v1","metadata":{"namespace":"ns","name":%q,`+
		`"uid":%q,"resourceVersion":%q},"data":{"v":%q}}`, name, uid, version, version)
}
