package compare

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var one = []verb{get, create, update, patch, apply}

// objects are answers to verbs of one object.
func objects() []served {
	var all []served
	add := func(name string, body string, header ...[2]string) {
		if len(header) == 0 {
			header = append(header, isJSON)
		}
		all = append(all, served{name: name, code: 200, body: []byte(body), header: header, to: one})
	}
	add("the object", "OBJECT")
	add("the object with charset", "OBJECT", [2]string{"Content-Type", "application/json; charset=utf-8"})
	add("the object, zipped", "OBJECT", isJSON, [2]string{"Content-Encoding", "gzip"})
	add("gzip that is none", "broken", isJSON, [2]string{"Content-Encoding", "gzip"})
	add("a content encoding that nobody asked for", "OBJECT", isJSON, [2]string{"Content-Encoding", "br"})
	add("the object without a content type", "OBJECT", [2]string{"Content-Type", ""})
	add("the object as text/plain", "OBJECT", [2]string{"Content-Type", "text/plain"})
	add("the object as application/octet-stream", "OBJECT", [2]string{"Content-Type", "application/octet-stream"})
	add("the object as protobuf that it is not", "OBJECT", [2]string{"Content-Type", "application/vnd.kubernetes.protobuf"})
	add("YAML", "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n", [2]string{"Content-Type", "application/yaml"})
	add("protobuf", string(protobufOf(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "ns"}, Spec: corev1.PodSpec{NodeName: "n"}})),
		[2]string{"Content-Type", "application/vnd.kubernetes.protobuf"})
	add("protobuf of another kind", string(protobufOf(&appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "p"}})),
		[2]string{"Content-Type", "application/vnd.kubernetes.protobuf"})
	add("half of a protobuf", string(protobufOf(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "ns"}})[:20]),
		[2]string{"Content-Type", "application/vnd.kubernetes.protobuf"})
	add("a page of HTML with 200", "<html>sign in</html>", [2]string{"Content-Type", "text/html"})
	add("nothing", "")
	add("null", "null")
	add("an array", "[]")
	add("a number", "7")
	add("an empty object", "{}")
	add("half of the object", `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"`)
	add("the object twice", "OBJECT OBJECT")
	add("the object and garbage", "OBJECT}}")
	add("the object behind a byte order mark", "\xef\xbb\xbfOBJECT")
	add("another kind", `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"p"},"data":{"k":"dg=="}}`)
	add("another version", `{"apiVersion":"v2","kind":"Pod","metadata":{"name":"p"}}`)
	add("a kind that nobody knows", `{"apiVersion":"example.com/v1","kind":"Odd","metadata":{"name":"p"}}`)
	add("the kind in lower case", `{"apiVersion":"v1","kind":"pod","metadata":{"name":"p"}}`)
	add("no kind", `{"metadata":{"name":"p"}}`)
	add("no apiVersion", `{"kind":"KIND","metadata":{"name":"p"}}`)
	add("a list", `{"apiVersion":"v1","kind":"PodList","metadata":{"resourceVersion":"9"},"items":[]}`)
	add("a Status of success", `{"apiVersion":"v1","kind":"Status","status":"Success","code":200}`)
	add("a Status of failure with 200", `{"apiVersion":"v1","kind":"Status","status":"Failure","reason":"NotFound","message":"m","code":404}`)
	add("a Status of failure with 200 without a code", `{"apiVersion":"v1","kind":"Status","status":"Failure","reason":"Conflict","message":"m"}`)
	add("fields that nobody knows", `{"apiVersion":"APIVERSION","kind":"KIND","metadata":{"name":"p","odd":1},"odd":{"a":[1]}}`)
	add("a field twice", `{"apiVersion":"APIVERSION","kind":"KIND","metadata":{"name":"p"},"metadata":{"name":"q"}}`)
	add("fields in another case", `{"APIVersion":"v1","Kind":"Pod","metadata":{"NAME":"p","name":"q"}}`)
	add("a string for a number", `{"apiVersion":"APIVERSION","kind":"KIND","metadata":{"name":"p","generation":"7"}}`)
	add("a number for a string", `{"apiVersion":"APIVERSION","kind":"KIND","metadata":{"name":7}}`)
	add("a fraction for an integer", `{"apiVersion":"APIVERSION","kind":"KIND","metadata":{"name":"p","generation":1.0}}`)
	add("a large integer", `{"apiVersion":"APIVERSION","kind":"KIND","metadata":{"name":"p","generation":9223372036854775807}}`)
	add("an integer that is too large", `{"apiVersion":"APIVERSION","kind":"KIND","metadata":{"name":"p","generation":9223372036854775808}}`)
	add("a time that is none", `{"apiVersion":"APIVERSION","kind":"KIND","metadata":{"name":"p","creationTimestamp":"yesterday"}}`)
	add("a time with a fraction", `{"apiVersion":"APIVERSION","kind":"KIND","metadata":{"name":"p","creationTimestamp":"2026-01-02T03:04:05.678+02:00"}}`)
	add("metadata null", `{"apiVersion":"APIVERSION","kind":"KIND","metadata":null}`)
	add("labels null", `{"apiVersion":"APIVERSION","kind":"KIND","metadata":{"name":"p","labels":null,"annotations":{"a":null}}}`)
	add("unicode", `{"apiVersion":"APIVERSION","kind":"KIND","metadata":{"name":"p","labels":{"a":"\u00fc\ud83d\ude00","b":"\ud800"}}}`)
	add("bytes that are no UTF-8", `{"apiVersion":"APIVERSION","kind":"KIND","metadata":{"name":"p","labels":{"a":"`+"\xff"+`"}}}`)
	add("an object 12,000 levels deep", `{"apiVersion":"APIVERSION","kind":"KIND","metadata":{"name":"p"},"x":`+strings.Repeat("[", 12000)+strings.Repeat("]", 12000)+`}`)
	add("managedFields", `{"apiVersion":"APIVERSION","kind":"KIND","metadata":{"name":"p","managedFields":[{"manager":"m","operation":"Apply","fieldsV1":{"f:a":{}}}]}}`)
	add("another name than was asked for", "OTHER")
	for _, code := range []int{201, 202, 203, 204, 205, 206, 226, 299} {
		all = append(all, served{name: fmt.Sprintf("the object with %d", code), code: code, body: []byte("OBJECT"), header: [][2]string{isJSON}})
	}
	for _, warning := range []string{`299 - "old API"`, `299 k "with \"quotes\""`, `299 - "ünï"`, `199 - "other code"`, `299 - "a", 299 - "b"`,
		`299 - unquoted`, `299`, ``, `299 - "dated" "Wed, 21 Oct 2015 07:28:00 GMT"`, `299 - "<script>` + "\t" + `"`, strings.Repeat(`299 - "many",`, 40) + `299 - "last"`} {
		all = append(all, served{name: "a warning: " + warning[:min(len(warning), 40)], code: 200, body: []byte("GOOD"),
			header: [][2]string{isJSON, {"Warning", warning}, {"Warning", `299 - "the second"`}}})
	}
	all = append(all,
		served{name: "a header of 500 KB", code: 200, body: []byte("GOOD"), header: [][2]string{isJSON, {"X-Long", strings.Repeat("x", 500<<10)}}},
		served{name: "a header of 2 MB", code: 200, body: []byte("GOOD"), header: [][2]string{isJSON, {"X-Long", strings.Repeat("x", 2<<20)}}},
		served{name: "an early hint before the object", code: 103, body: []byte("GOOD"), header: [][2]string{isJSON}},
	)
	all = append(all, deletions()...)
	return all
}

// deletions are answers to deletes, which may be an object or a Status.
func deletions() []served {
	var all []served
	for name, body := range map[string]string{
		"a Status with details": `{"apiVersion":"v1","kind":"Status","status":"Success","details":{"name":"p","kind":"pods","uid":"u"}}`,
		"the object":            "OBJECT", "a Status of failure with 200": `{"apiVersion":"v1","kind":"Status","status":"Failure","reason":"Conflict","code":409,"message":"m"}`,
		"nothing": "", "garbage": "?", "another kind": `{"apiVersion":"v1","kind":"Secret"}`, "a list": `{"apiVersion":"v1","kind":"PodList","items":[OBJECT]}`,
		"half of a Status": `{"apiVersion":"v1","kind":"Stat`,
	} {
		all = append(all, served{name: "deleted: " + name, code: 200, body: []byte(body), header: [][2]string{isJSON}, to: []verb{remove, deleteCollection}})
	}
	slices.SortFunc(all, func(a, b served) int { return strings.Compare(a.name, b.name) })
	return all
}
