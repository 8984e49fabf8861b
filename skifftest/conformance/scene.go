package conformance

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/skiff-k8s/skiff/rest"
)

// patience bounds every wait for the server. It is a bound for servers that hang and not a measure.
const patience = time.Minute

// scene is what a case plays on. Its methods are for the goroutine of the case.
type scene struct {
	*fixture
	t        *testing.T
	ctx      context.Context
	ns       string // this case's namespace, "" until it is asked for
	failures []string
}

func newScene(t *testing.T, fix *fixture) *scene {
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	t.Cleanup(cancel)
	return &scene{fixture: fix, t: t, ctx: ctx}
}

// stop ends a case after a failure that the rest of it depends on.
type stop struct{}

// perform runs a case until it ends or calls fatalf.
func (s *scene) perform(run func(*scene)) {
	defer func() {
		if p := recover(); p != nil {
			if _, ok := p.(stop); !ok {
				panic(p)
			}
		}
	}()
	run(s)
}

// errorf notes a failure.
func (s *scene) errorf(format string, args ...any) {
	s.failures = append(s.failures, fmt.Sprintf(format, args...))
}

// fatalf notes a failure and ends the case.
func (s *scene) fatalf(format string, args ...any) {
	s.errorf(format, args...)
	panic(stop{})
}

// namespace returns the namespace of this case. The first call creates it.
func (s *scene) namespace() string {
	if s.ns == "" {
		s.ns = s.post("/api/v1/namespaces", `{apiVersion: v1, kind: Namespace, metadata: {generateName: conformance-}}`).is(201).text("metadata.name")
		s.atEnd("/api/v1/namespaces/" + s.ns)
	}
	return s.ns
}

// unique returns a name that no other case uses, for an object that has no namespace.
func (s *scene) unique() string { return s.nextName() }

// atEnd deletes an object when the case has ended, without a look at the answer.
func (s *scene) atEnd(path string) {
	s.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), patience)
		defer cancel()
		_ = s.client.Delete().AbsPath(path).MaxRetries(-1).Do(ctx).Error()
	})
}

// groups are the group versions of the resources that cases name without a path.
var groups = map[string]string{
	"configmaps": "/api/v1", "secrets": "/api/v1", "pods": "/api/v1", "services": "/api/v1", "serviceaccounts": "/api/v1",
	"endpoints": "/api/v1", "replicationcontrollers": "/api/v1", "persistentvolumeclaims": "/api/v1", "events": "/api/v1",
	"deployments": "/apis/apps/v1", "replicasets": "/apis/apps/v1", "statefulsets": "/apis/apps/v1",
	"jobs": "/apis/batch/v1", "leases": "/apis/coordination.k8s.io/v1", "ingresses": "/apis/networking.k8s.io/v1",
}

// path completes "configmaps/a?limit=1" to a path in the case's namespace. A path that begins with /
// stays.
func (s *scene) path(short string) string {
	if strings.HasPrefix(short, "/") {
		return short
	}
	resource, _, _ := strings.Cut(short, "?")
	resource, _, _ = strings.Cut(resource, "/")
	group, ok := groups[resource]
	switch {
	case ok:
	case resource == "widgets":
		s.installWidgets(s)
		group = "/apis/" + s.group + "/v1"
	default:
		panic("no group for " + resource)
	}
	return group + "/namespaces/" + s.namespace() + "/" + short
}

// with is a header of a request, "Name: value".
type with string

const (
	jsonPatch      = with("Content-Type: application/json-patch+json")
	mergePatch     = with("Content-Type: application/merge-patch+json")
	strategicPatch = with("Content-Type: application/strategic-merge-patch+json")
	applyPatch     = with("Content-Type: application/apply-patch+yaml")
	asProtobuf     = with("Accept: application/vnd.kubernetes.protobuf")
	asMetadata     = with("Accept: application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1")
	asMetadataList = with("Accept: application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1")
)

func (s *scene) get(path string, headers ...with) *answer { return s.send("GET", path, "", headers...) }

func (s *scene) post(path, body string, headers ...with) *answer {
	return s.send("POST", path, body, headers...)
}

func (s *scene) put(path, body string, headers ...with) *answer {
	return s.send("PUT", path, body, headers...)
}

func (s *scene) patch(path, body string, headers ...with) *answer {
	return s.send("PATCH", path, body, headers...)
}

func (s *scene) delete(path string, body ...string) *answer {
	return s.send("DELETE", path, strings.Join(body, ""))
}

// deleteWith is delete with options, and with the kind that the options of a client have.
func (s *scene) deleteWith(path, options string) *answer {
	return s.delete(path, strings.Replace(options, "{", "{apiVersion: v1, kind: DeleteOptions, ", 1))
}

// update changes fields of an object, given as answered, and puts it: "data.a", "b", …
func (s *scene) update(path string, object *answer, fields ...any) *answer {
	return s.put(path, object.changed(fields...))
}

// send makes one request and reads the whole answer. A body is YAML, and sent as JSON unless a header
// says what it is.
func (s *scene) send(method, path, body string, headers ...with) *answer {
	s.t.Helper()
	path = s.path(path)
	a := &answer{s: s, what: method + " " + path}
	request := s.request(method, path)
	verbatim := false
	for _, h := range headers {
		name, value, _ := strings.Cut(string(h), ": ")
		verbatim = verbatim || name == "Content-Type" && !strings.Contains(value, "patch")
		request.SetHeader(name, value)
	}
	if body != "" {
		data := []byte(body)
		if !verbatim {
			var err error
			if data, err = yaml.YAMLToJSON(data); err != nil {
				panic(fmt.Sprintf("%s: the body is no YAML: %v\n%s", a.what, err, body))
			}
		}
		request.Body(data)
	}
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	seen := &seen{}
	result := request.Do(context.WithValue(ctx, seenKey{}, seen))
	data, err := result.Raw()
	if seen.code == 0 {
		s.fatalf("%s: no answer: %v", a.what, err)
	}
	a.code, a.header, a.body = seen.code, seen.header, data
	if seen.refused != nil {
		a.body = seen.refused
	}
	return a
}

// request begins a request of the path with its query.
func (s *scene) request(method, path string) *rest.Request {
	u, err := url.Parse(path)
	if err != nil {
		panic(err)
	}
	r := s.client.Verb(method).AbsPath(u.Path).MaxRetries(-1).SetHeader("Accept", "application/json")
	for key, values := range u.Query() {
		for _, v := range values {
			r.Param(key, v)
		}
	}
	return r
}

// seen is what a case sees of an answer beside the body that the client returns. A request is sent once,
// so nothing writes it at the same time.
type seen struct {
	code    int
	header  http.Header
	refused []byte // the body of an error
}

type seenKey struct{}

// notice wraps a transport so that it fills in the seen of the request's context.
func notice(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		resp, err := next.RoundTrip(r)
		at, ok := r.Context().Value(seenKey{}).(*seen)
		if err != nil || !ok {
			return resp, err
		}
		at.code, at.header = resp.StatusCode, resp.Header
		if resp.StatusCode >= 300 {
			body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
			resp.Body.Close()
			if err != nil {
				return nil, err
			}
			at.refused, resp.Body = body, io.NopCloser(bytes.NewReader(body))
		}
		return resp, nil
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
