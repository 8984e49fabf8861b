package replay

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/bench/internal/workload"
)

// request is the parameters of a list or a watch.
type request struct {
	resource  *resource
	format    workload.Format
	namespace string // "": all
	name      string // "": all
	query     url.Values
}

// wants reports whether the request selects an object.
func (q *request) wants(at int, s workload.State) bool {
	return (q.namespace == "" || q.resource.src.Namespace(at) == q.namespace) &&
		(q.name == "" || q.resource.src.Name(at, s) == q.name)
}

// everything reports whether the request selects every object.
func (q *request) everything() bool { return q.namespace == "" && q.name == "" }

func (s *Server) serve(w http.ResponseWriter, req *http.Request, r *resource, namespace string) {
	q := &request{resource: r, namespace: namespace, query: req.URL.Query()}
	var ok bool
	if q.format, ok = negotiate(req.Header.Get("Accept"), r.info.Protobuf); !ok {
		fail(w, http.StatusNotAcceptable, "NotAcceptable", "the replay server sends application/json and, of built-in types, "+
			"application/vnd.kubernetes.protobuf, not "+req.Header.Get("Accept"))
		return
	}
	if q.query.Get("labelSelector") != "" {
		fail(w, http.StatusBadRequest, "BadRequest", "the replay server knows no label selectors")
		return
	}
	if selector := q.query.Get("fieldSelector"); selector != "" {
		if q.name, ok = strings.CutPrefix(selector, "metadata.name="); !ok || strings.ContainsAny(q.name, ",=") {
			fail(w, http.StatusBadRequest, "BadRequest", "the replay server knows no field selector but metadata.name=NAME")
			return
		}
	}
	if watch, _ := strconv.ParseBool(q.query.Get("watch")); watch {
		s.watch(w, req, q)
	} else {
		s.list(w, req, q)
	}
}

// negotiate returns the first format of an Accept header that the server supports.
func negotiate(accept string, protobuf bool) (workload.Format, bool) {
	for part := range strings.SplitSeq(accept, ",") {
		mediaType, params, err := mime.ParseMediaType(part)
		if err != nil || params["as"] != "" {
			continue // as=Table, as=PartialObjectMetadata
		}
		switch mediaType {
		case "application/vnd.kubernetes.protobuf":
			if protobuf {
				return workload.Protobuf, true
			}
		case "application/json", "application/*", "*/*":
			return workload.JSON, true
		}
	}
	return workload.JSON, accept == ""
}

func contentType(f workload.Format, watch bool) string {
	switch {
	case f == workload.JSON:
		return "application/json"
	case watch:
		return "application/vnd.kubernetes.protobuf;stream=watch"
	}
	return "application/vnd.kubernetes.protobuf"
}

// fail answers with an error in the API server's form.
func fail(w http.ResponseWriter, code int, reason metav1.StatusReason, message string) {
	answer(w, code, metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"},
		Status:   metav1.StatusFailure, Code: int32(code), Reason: reason, Message: message,
	})
}

// answer answers with JSON.
func answer(w http.ResponseWriter, code int, value any) {
	data, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("replay: %T: %v", value, err)) // all of its answers can be marshalled
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	w.Write(append(data, '\n')) // a client that has gone needs no answer
}
