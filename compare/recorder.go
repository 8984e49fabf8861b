package compare

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/client-go/kubernetes/scheme"
)

// request is what a library has sent, as far as a server can tell.
type request struct {
	Method string
	Path   string // escaped, as it came
	Query  url.Values
	Header http.Header
	Body   any // as JSON, whatever it was sent as; a string if it is neither JSON nor protobuf
}

// recorder is a server that keeps what it is asked, and answers each request well enough.
type recorder struct {
	mu   sync.Mutex
	kept []request
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		body = []byte("unreadable: " + err.Error())
	}
	path, _, _ := strings.Cut(req.RequestURI, "?")
	kept := request{req.Method, path, req.URL.Query(), req.Header, bodyValue(req.Header.Get("Content-Type"), body)}
	r.mu.Lock()
	r.kept = append(r.kept, kept)
	r.mu.Unlock()
	answer(w, kept)
}

// take returns the requests since the last call.
func (r *recorder) take() []request {
	r.mu.Lock()
	defer r.mu.Unlock()
	kept := r.kept
	r.kept = nil
	return kept
}

// answer is a plain answer, so that a call that sends several requests comes to its second one.
func answer(w http.ResponseWriter, r request) {
	w.Header().Set("Content-Type", "application/json")
	var text string
	switch {
	case r.Query.Get("watch") == "true" || r.Query.Get("watch") == "1":
		return
	case strings.HasSuffix(r.Path, "/version"):
		text = `{"major":"1","minor":"37","gitVersion":"v1.37.2"}`
	case r.Path == "/api":
		text = `{"kind":"APIVersions","versions":["v1"]}`
	case r.Path == "/apis":
		text = `{"kind":"APIGroupList","apiVersion":"v1","groups":[{"name":"apps","versions":` +
			`[{"groupVersion":"apps/v1","version":"v1"}],"preferredVersion":{"groupVersion":"apps/v1","version":"v1"}}]}`
	case r.Path == "/api/v1" || r.Path == "/apis/apps/v1":
		text = `{"kind":"APIResourceList","groupVersion":"v1","resources":[]}`
	default:
		text = echo(r)
	}
	_, _ = io.WriteString(w, text)
}

// echo returns the object that was sent, or one of the path's kind.
func echo(r request) string {
	if sent, ok := r.Body.(map[string]any); ok && r.Method != http.MethodDelete && sent["kind"] != nil {
		text, err := json.Marshal(sent)
		if err == nil {
			return string(text)
		}
	}
	for _, k := range resources {
		base, object, ok := strings.Cut(r.Path, "/"+k.Resource)
		if !ok || !strings.Contains(base, "/"+k.Version) {
			continue
		}
		if strings.Contains(r.Header.Get("Accept"), "as=PartialObjectMetadata") {
			k.Group, k.Version, k.Kind = metav1.GroupName, "v1", "PartialObjectMetadata"
		}
		if strings.HasSuffix(object, "/scale") {
			k.Group, k.Version, k.Kind = "autoscaling", "v1", "Scale"
		}
		if strings.Trim(object, "/") == "" && r.Method == http.MethodGet {
			return fmt.Sprintf(`{"apiVersion":%q,"kind":"%sList","metadata":{"resourceVersion":"7"},"items":[]}`,
				k.APIVersion(), k.Kind)
		}
		return fmt.Sprintf(`{"apiVersion":%q,"kind":%q,"metadata":{"name":"a","resourceVersion":"7"}}`, k.APIVersion(), k.Kind)
	}
	return `{"apiVersion":"v1","kind":"Status","status":"Success"}`
}

// fromProtobuf decodes every type that the clientset has.
var fromProtobuf = protobuf.NewSerializer(scheme.Scheme, scheme.Scheme)

func init() { metav1.AddToGroupVersion(scheme.Scheme, metav1.SchemeGroupVersion) }

// bodyValue returns a body as the JSON values that it stands for.
func bodyValue(contentType string, body []byte) any {
	if len(body) == 0 {
		return nil
	}
	if media, _, _ := mime.ParseMediaType(contentType); media == runtime.ContentTypeProtobuf {
		obj, gvk, err := fromProtobuf.Decode(body, nil, nil)
		if err != nil {
			return "no protobuf: " + err.Error()
		}
		obj.GetObjectKind().SetGroupVersionKind(*gvk)
		return plain(obj)
	}
	var v any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return string(body)
	}
	return pruned(v)
}

// plain returns a Go value as the JSON values that it stands for.
func plain(v any) any {
	if v == nil {
		return nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		return "no JSON: " + err.Error()
	}
	return bodyValue("application/json", text)
}

// pruned removes what JSON can say in two ways: null, and the empty structs of types whose tags leave
// nothing out.
func pruned(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			value = pruned(value)
			m, isMap := value.(map[string]any)
			if value == nil || isMap && len(m) == 0 && (key == "status" || key == "spec" || key == "strategy" ||
				key == "resources" || key == "metadata" || key == "nodeInfo" || key == "daemonEndpoints" || key == "kubeletEndpoint") {
				delete(v, key)
			} else {
				v[key] = value
			}
		}
		return v
	case []any:
		for i := range v {
			v[i] = pruned(v[i])
		}
	}
	return v
}

// comparedHeaders are the headers that mean something to a server. X-Remote-* and the like would show
// in the others, which are compared as a set of names.
var comparedHeaders = []string{"Accept", "Content-Type", "Authorization", "Accept-Encoding", "User-Agent",
	"Connection", "Upgrade", "Impersonate-User", "Impersonate-Uid", "Impersonate-Group"}

// compareRequests returns the facets in which two requests differ.
func compareRequests(theirs, ours request) []difference {
	var found []difference
	add := func(facet string, a, b any) {
		at, _ := json.Marshal(a)
		bt, _ := json.Marshal(b)
		if string(at) != string(bt) {
			found = append(found, difference{Facet: facet, Theirs: string(at), Ours: string(bt)})
		}
	}
	if theirs.Path != ours.Path {
		t, tErr := url.PathUnescape(theirs.Path)
		o, oErr := url.PathUnescape(ours.Path)
		if tErr == nil && oErr == nil && t == o {
			add("escapes in the path", theirs.Path, ours.Path)
		} else {
			add("path", theirs.Path, ours.Path)
		}
	}
	add("method", theirs.Method, ours.Method)
	for _, key := range union(theirs.Query, ours.Query) {
		add("query "+key, theirs.Query[key], ours.Query[key])
	}
	for _, key := range comparedHeaders {
		add("header "+key, unspaced(theirs.Header.Values(key)), unspaced(ours.Header.Values(key)))
	}
	for _, key := range union(theirs.Header, ours.Header) {
		if !slices.Contains(comparedHeaders, key) && key != "Content-Length" {
			add("header "+key, theirs.Header.Values(key), ours.Header.Values(key))
		}
	}
	return append(found, compareValues("body", theirs.Body, ours.Body)...)
}

// compareValues returns where two JSON values differ.
func compareValues(at string, a, b any) []difference {
	am, aIs := a.(map[string]any)
	bm, bIs := b.(map[string]any)
	if aIs && bIs {
		var found []difference
		for _, key := range union(am, bm) {
			found = append(found, compareValues(at+"."+key, am[key], bm[key])...)
		}
		return found
	}
	as, aIs := a.([]any)
	bs, bIs := b.([]any)
	if aIs && bIs && len(as) == len(bs) {
		var found []difference
		for i := range as {
			found = append(found, compareValues(at+"[*]", as[i], bs[i])...)
		}
		return found
	}
	at1, _ := json.Marshal(a)
	bt1, _ := json.Marshal(b)
	if string(at1) == string(bt1) {
		return nil
	}
	return []difference{{Facet: at, Theirs: string(at1), Ours: string(bt1)}}
}

func union[M ~map[string]V, V any](a, b M) []string {
	var keys []string
	for key := range a {
		keys = append(keys, key)
	}
	for key := range b {
		if _, ok := a[key]; !ok {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, cmp.Compare)
	return keys
}

// unspaced removes the spaces behind commas, which mean nothing in a header (RFC 9110 section 5.6.1).
func unspaced(values []string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = strings.ReplaceAll(v, ", ", ",")
	}
	return out
}
