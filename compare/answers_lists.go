package compare

import (
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// lists are answers to lists.
func lists() []served {
	var all []served
	add := func(name, text string) {
		all = append(all, served{name: "list: " + name, code: 200, body: []byte(text), header: [][2]string{isJSON}, to: []verb{list}})
	}
	head := `{"apiVersion":"APIVERSION","kind":"KINDList","metadata":{"resourceVersion":"9"`
	add("two items", head+`},"items":[OBJECT,OTHER]}`)
	add("a continue token", head+`,"continue":"c","remainingItemCount":5},"items":[OBJECT]}`)
	add("no items", head+`}}`)
	add("items null", head+`},"items":null}`)
	add("items empty", head+`},"items":[]}`)
	add("items an object", head+`},"items":{}}`)
	add("an item null", head+`},"items":[OBJECT,null]}`)
	add("an item that is a number", head+`},"items":[7]}`)
	add("an item of another kind", head+`},"items":[{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"}}]}`)
	add("items without a kind", head+`},"items":[{"metadata":{"name":"p"}}]}`)
	add("an item without metadata", head+`},"items":[{}]}`)
	add("no resourceVersion", `{"apiVersion":"APIVERSION","kind":"KINDList","metadata":{},"items":[OBJECT]}`)
	add("no metadata", `{"apiVersion":"APIVERSION","kind":"KINDList","items":[OBJECT]}`)
	add("metadata at the end", `{"apiVersion":"APIVERSION","kind":"KINDList","items":[OBJECT],"metadata":{"resourceVersion":"9","continue":"c"}}`)
	add("kind at the end", `{"items":[OBJECT],"metadata":{"resourceVersion":"9"},"kind":"KINDList","apiVersion":"APIVERSION"}`)
	add("the kind List of v1", `{"apiVersion":"v1","kind":"List","metadata":{},"items":[OBJECT]}`)
	add("a list of another kind", `{"apiVersion":"v1","kind":"SecretList","metadata":{},"items":[{"metadata":{"name":"s"}}]}`)
	add("an object", "OBJECT")
	add("a Status of success", `{"apiVersion":"v1","kind":"Status","status":"Success"}`)
	add("a Status of failure with 200", `{"apiVersion":"v1","kind":"Status","status":"Failure","reason":"Expired","code":410,"message":"m"}`)
	add("half", head+`},"items":[OBJECT,{"meta`)
	add("half, after an item", head+`},"items":[OBJECT`)
	add("garbage after the list", head+`},"items":[OBJECT]} x`)
	add("items twice", head+`},"items":[OBJECT],"items":[OTHER]}`)
	add("fields that nobody knows", head+`,"odd":1},"odd":{},"items":[OBJECT]}`)
	add("no kind", `{"metadata":{"resourceVersion":"9"},"items":[OBJECT]}`)
	add("nothing", "")
	add("null", "null")
	add("an array", "[OBJECT]")
	add("a resourceVersion that is a number", `{"apiVersion":"APIVERSION","kind":"KINDList","metadata":{"resourceVersion":9},"items":[]}`)
	add("managedFields", head+`},"items":[{"apiVersion":"APIVERSION","kind":"KIND","metadata":{"name":"p","managedFields":[{"manager":"m"}]}}]}`)
	all = append(all, served{name: "list: protobuf", code: 200, to: []verb{list}, header: [][2]string{{"Content-Type", "application/vnd.kubernetes.protobuf"}},
		body: protobufOf(&corev1.PodList{ListMeta: metav1.ListMeta{ResourceVersion: "9"}, Items: []corev1.Pod{{ObjectMeta: metav1.ObjectMeta{Name: "p"}}}})})
	return all
}

// watches are answers to watches.
func watches() []served {
	var all []served
	add := func(name string, lines ...string) {
		all = append(all, served{name: "watch: " + name, code: 200, header: [][2]string{isJSON}, to: []verb{watching},
			body: []byte(strings.Join(lines, "\n") + "\n")})
	}
	event := func(t, object string) string { return `{"type":` + strconv.Quote(t) + `,"object":` + object + `}` }
	status := func(code int, reason string) string {
		return fmt.Sprintf(`{"apiVersion":"v1","kind":"Status","status":"Failure","reason":%q,"code":%d,"message":"m"}`, reason, code)
	}
	bookmark := `{"apiVersion":"APIVERSION","kind":"KIND","metadata":{"resourceVersion":"12"}}`
	add("nothing")
	add("added, modified, deleted", event("ADDED", "OBJECT"), event("MODIFIED", "OTHER"), event("DELETED", "OBJECT"))
	add("all in one line", event("ADDED", "OBJECT")+event("MODIFIED", "OTHER"))
	add("blank lines", "", event("ADDED", "OBJECT"), "", "  ", event("DELETED", "OTHER"))
	add("a bookmark", event("ADDED", "OBJECT"), event("BOOKMARK", bookmark))
	add("the bookmark that ends a watch-list", event("ADDED", "OBJECT"), event("BOOKMARK",
		`{"apiVersion":"APIVERSION","kind":"KIND","metadata":{"resourceVersion":"12","annotations":{"k8s.io/initial-events-end":"true"}}}`))
	add("a bookmark without a version", event("BOOKMARK", `{"apiVersion":"APIVERSION","kind":"KIND","metadata":{}}`))
	add("a type in lower case", event("added", "OBJECT"))
	add("a type that nobody knows", event("SYNCED", "OBJECT"))
	add("no type", `{"object":OBJECT}`)
	add("no object", `{"type":"ADDED"}`)
	add("the object null", event("ADDED", "null"))
	add("the object a number", event("ADDED", "7"))
	add("the object before the type", `{"object":OBJECT,"type":"ADDED"}`)
	add("an object of another kind", event("ADDED", `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"}}`))
	add("an object without a kind", event("ADDED", `{"metadata":{"name":"p"}}`))
	add("a list", event("ADDED", `{"apiVersion":"v1","kind":"PodList","metadata":{},"items":[]}`))
	add("fields that nobody knows", `{"type":"ADDED","object":OBJECT,"odd":1}`)
	add("half of an event", event("ADDED", "OBJECT"), `{"type":"MODIFIED","object":{"apiVer`)
	add("garbage", event("ADDED", "OBJECT"), "garbage")
	add("HTML", "<html></html>")
	add("a Status in place of an event", status(410, "Expired"))
	add("the object in place of an event", "OBJECT")
	add("a list in place of events", `{"apiVersion":"APIVERSION","kind":"KINDList","metadata":{},"items":[]}`)
	for _, e := range []struct {
		code   int
		reason string
	}{{410, "Expired"}, {410, "Gone"}, {500, "InternalError"}, {429, "TooManyRequests"}, {504, "Timeout"}, {403, "Forbidden"}, {401, "Unauthorized"}, {0, ""}} {
		add(fmt.Sprintf("ERROR %d %s", e.code, e.reason), event("ADDED", "OBJECT"), event("ERROR", status(e.code, e.reason)), event("ADDED", "OTHER"))
	}
	add("ERROR with an object", event("ERROR", "OBJECT"))
	add("ERROR with null", event("ERROR", "null"))
	add("ERROR with a Status of success", event("ERROR", `{"apiVersion":"v1","kind":"Status","status":"Success"}`))
	add("ADDED with a Status", event("ADDED", status(410, "Expired")))
	all = append(all,
		served{name: "watch: text/html", code: 200, to: []verb{watching}, header: [][2]string{{"Content-Type", "text/html"}}, body: []byte(event("ADDED", "OBJECT"))},
		served{name: "watch: no content type", code: 200, to: []verb{watching}, header: [][2]string{{"Content-Type", ""}}, body: []byte(event("ADDED", "OBJECT"))},
		served{name: "watch: content type with stream", code: 200, to: []verb{watching}, header: [][2]string{{"Content-Type", "application/json;stream=watch"}}, body: []byte(event("ADDED", "OBJECT"))},
		served{name: "watch: zipped", code: 200, to: []verb{watching}, header: [][2]string{isJSON, {"Content-Encoding", "gzip"}}, body: []byte(event("ADDED", "OBJECT"))},
		served{name: "watch: 204", code: 204, to: []verb{watching}},
	)
	return all
}

// brokenAnswers are connections that break.
func brokenAnswers() []served {
	all := []served{
		{name: "the connection closes before the answer", code: 0, cut: true},
		{name: "the connection closes before the answer, once", code: 0, cut: true, first: true},
		{name: "the connection closes within the body", code: 200, cut: true, header: [][2]string{isJSON}, body: []byte(`{"apiVersion":"v1",`)},
		{name: "the connection closes within the body, once", code: 200, cut: true, first: true, header: [][2]string{isJSON}, body: []byte(`{"apiVersion":"v1",`)},
		{name: "the connection closes after the object", code: 200, cut: true, header: [][2]string{isJSON}, body: []byte("GOOD")},
		{name: "the connection closes within the body of a 404", code: 404, cut: true, header: [][2]string{isJSON}, body: []byte(`{"apiVersion":"v1",`)},
		{name: "the connection closes within the body of a 500", code: 500, cut: true, body: []byte("oo")},
	}
	for i := range all {
		all[i].to = []verb{get, list, watching, create, update, patch, apply, remove, deleteCollection}
	}
	return all
}
