package rest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/conversion/queryparams"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/wire"
)

// Request is a request to send. Its methods change it and return it, so calls can be chained. The
// first error is kept, and returned by Do, DoRaw, Stream, List or Watch, as an error that wraps a
// *kind.MisuseError: the request was not sent. These five leave the
// Request unchanged, so it may be sent more than once.
//
// A Request is not safe for concurrent use.
type Request struct {
	core    *core
	method  string
	patch   types.PatchType
	target  target
	params  url.Values
	header  http.Header
	body    any
	encode  func(*Request, *call) (string, error) // the function encode; nil until Body is called
	kind    schema.GroupVersionKind
	format  wire.Format
	as      string // the kind of meta.k8s.io/v1 that the answer is asked for as
	timeout time.Duration
	retries int
	err     error // the first error of a method
}

func (r *Request) fail(err error) *Request {
	if r.err == nil {
		r.err = err
	}
	return r
}

// GroupVersion sets the group and version that the request goes to, instead of the client's.
func (r *Request) GroupVersion(gv schema.GroupVersion) *Request {
	r.target.gv = gv
	return r
}

// Namespace sets the namespace. "" means none: all namespaces, or a resource that is not
// namespaced.
func (r *Request) Namespace(namespace string) *Request {
	if namespace != "" {
		if err := validSegment("namespace", namespace); err != nil {
			return r.fail(err)
		}
	}
	r.target.namespace = namespace
	return r
}

// Resource sets the resource, by its name in the API's paths: "pods".
func (r *Request) Resource(resource string) *Request {
	if err := validSegment("resource", resource); err != nil {
		return r.fail(err)
	}
	r.target.resource = resource
	return r
}

// Name sets the name of the object. An empty name is an error, so that a request for one object
// never becomes a request for all of them. For all objects, do not call Name.
func (r *Request) Name(name string) *Request {
	err := validSegment("name", name)
	if err == nil || r.err == nil {
		r.target.name = name // a bad one, too: its error must not be about all objects
	}
	if err != nil {
		return r.fail(err)
	}
	return r
}

// SubResource adds path segments below the object: SubResource("status"), SubResource("proxy",
// "metrics").
func (r *Request) SubResource(segments ...string) *Request {
	for _, segment := range segments {
		if err := validSegment("subresource", segment); err != nil {
			return r.fail(err)
		}
	}
	r.target.subresource = append(slices.Clip(r.target.subresource), segments...)
	return r
}

// AbsPath sets a path in place of /api/v1 or /apis/GROUP/VERSION: AbsPath("/version"),
// AbsPath("/apis", "apps"). It is below the path of Host. Segments may hold slashes.
func (r *Request) AbsPath(segments ...string) *Request {
	joined := "/" + strings.TrimLeft(strings.Join(segments, "/"), "/")
	for strings.Contains(joined, "//") {
		joined = strings.ReplaceAll(joined, "//", "/")
	}
	if err := validAbs(joined); err != nil {
		return r.fail(err)
	}
	r.target.abs = joined
	return r
}

// Param adds a query parameter. Parameters of the same name stay.
//
//go:noinline // to keep programs small
func (r *Request) Param(key, value string) *Request {
	if r.params == nil {
		r.params = url.Values{}
	}
	r.params.Add(key, value)
	return r
}

// VersionedParams sets the query parameters of options, a pointer to metav1.ListOptions,
// metav1.PatchOptions, corev1.PodLogOptions and so on. It replaces parameters of the same names.
// nil sets none.
func (r *Request) VersionedParams(options any) *Request {
	if options == nil {
		return r
	}
	v := reflect.ValueOf(options)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		if v.Kind() == reflect.Pointer && v.IsNil() {
			return r
		}
		return r.fail(fmt.Errorf(
			"convert the options %T: not a pointer to a struct such as *metav1.ListOptions",
			options))
	}
	values, err := queryparams.Convert(options)
	if err != nil {
		return r.fail(fmt.Errorf("convert the options %T: %w", options, err))
	}
	if r.params == nil {
		r.params = url.Values{}
	}
	for key, v := range values {
		r.params[key] = v
	}
	return r
}

// Body sets the body of the request. nil means no body.
//
// A []byte is sent as it is. Its content type is the type of a Patch; or else the format of Format,
// if that was called; or else JSON. SetHeader("Content-Type", …) overrides all of these. The caller
// must not change the bytes until the request has ended.
//
// Any other value is an API object: a pointer to a struct with TypeMeta, or an unstructured object.
// It is encoded when the request is sent, and is not changed. The encoding is protobuf if the
// answer is asked for in protobuf and the type has it, and JSON otherwise. If the object's TypeMeta
// is empty, its kind is that of Kind; without Kind, the request's group version and the name of the
// Go type. The latter is wrong for subresources other than status, where Kind is required.
func (r *Request) Body(body any) *Request {
	switch v := reflect.ValueOf(body); v.Kind() {
	case reflect.Pointer, reflect.Map:
		if v.IsNil() {
			return r.fail(fmt.Errorf("the body %T is nil", body))
		}
	case reflect.Invalid, reflect.Slice:
	case reflect.Struct:
		return r.fail(fmt.Errorf("the body %T is a struct: pass a pointer to it", body))
	}
	r.body, r.encode = body, encode
	return r
}

// Kind sets the kind of the body, for a body whose TypeMeta is empty.
func (r *Request) Kind(gvk schema.GroupVersionKind) *Request {
	r.kind = gvk
	return r
}

// Format sets the format in which the answer is asked for and the body is encoded. Without it, the
// group chooses: protobuf for built-in groups, JSON for others. Protobuf is asked for with JSON as
// second choice, and Config.JSONOnly turns it into JSON. Of a []byte body it is the content type in
// any case.
func (r *Request) Format(f wire.Format) *Request {
	if f != wire.JSON && f != wire.Protobuf {
		return r.fail(fmt.Errorf("the format %v is unknown: use wire.JSON or wire.Protobuf", f))
	}
	r.format = f
	return r
}

// As asks for the answer as another kind, of meta.k8s.io/v1, in the format of the request:
// PartialObjectMetadata, which is the objects' metadata without the rest, or Table
// (https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables). "" means
// as they are.
func (r *Request) As(kind string) *Request {
	r.as = kind
	return r
}

// SetHeader sets a header and replaces its values. "Accept" and "Content-Type" override the headers
// that the request chooses.
func (r *Request) SetHeader(key string, values ...string) *Request {
	if !headerToken(key) {
		return r.fail(fmt.Errorf("%q is not a valid header name", key))
	}
	for _, value := range values {
		if strings.ContainsAny(value, "\r\n\x00") {
			return r.fail(fmt.Errorf("the header %s may not hold a line break", key))
		}
	}
	if r.header == nil {
		r.header = http.Header{}
	}
	r.header[textproto.CanonicalMIMEHeaderKey(key)] = slices.Clone(values)
	return r
}

// Timeout sets how long Do and List may take for this request, as Config.Timeout does. 0 means
// Config.Timeout; negative means no limit but the context's.
func (r *Request) Timeout(d time.Duration) *Request {
	r.timeout = d
	return r
}

// MaxRetries sets how often this request may be sent again. 0 means Config.MaxRetries; negative
// means never retry; RetryForever removes the limit.
func (r *Request) MaxRetries(n int) *Request {
	r.retries = n
	return r
}

// URL returns the request's URL with its query parameters, or the first error of a method.
func (r *Request) URL() (*url.URL, error) {
	if r.err != nil {
		return nil, r.wrap(r.err)
	}
	u, err := r.target.url(r.core.base)
	if err != nil {
		return nil, r.wrap(err)
	}
	u.RawQuery = r.params.Encode()
	return u, nil
}

// wrap returns an error of making the request. errors.As finds a *kind.MisuseError in it.
func (r *Request) wrap(err error) error {
	resource := r.target
	resource.name, resource.namespace = "", ""
	return &makeError{
		err: err,
		misuse: &kind.MisuseError{
			Verb:     verbOf(r.method, r.patch, r.target, ordinary),
			Resource: resource.String(), Name: r.target.name, Problem: err.Error(),
		},
		text: "rest: make the request (" + describe(r.method, r.target, ordinary) + "): " +
			err.Error(),
	}
}

// makeError is the error of a request that was not sent because it cannot be right.
type makeError struct {
	err    error
	misuse *kind.MisuseError
	text   string
}

func (e *makeError) Error() string   { return e.text }
func (e *makeError) Unwrap() []error { return []error{e.misuse, e.err} }

// Do sends the request and reads the whole answer. It returns when the answer is complete, after
// the retries that the package's comment describes, or when ctx or a timeout ends. The Result
// holds the answer or the error.
func (r *Request) Do(ctx context.Context) Result {
	c, err := r.prepare(ordinary)
	if err != nil {
		return Result{err: err}
	}
	if d := c.bounds.total; d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, d, overTotal(d))
		defer cancel()
	}
	res := Result{call: c}
	res.err = c.run(ctx, func(resp *http.Response) error {
		body, err := readAll(resp, r.core.cfg.maxAnswer())
		if err != nil {
			return err
		}
		res.body = body
		res.status = resp.StatusCode
		res.contentType = c.secrets.text(resp.Header.Get("Content-Type"))
		return nil
	})
	return res
}

// DoRaw returns Do(ctx).Raw().
func (r *Request) DoRaw(ctx context.Context) ([]byte, error) { return r.Do(ctx).Raw() }

// Stream sends the request and returns the answer's body as it arrives: logs, for example. The
// caller closes it. If ctx ends, reads return ctx's error. No timeout limits it.
func (r *Request) Stream(ctx context.Context) (io.ReadCloser, error) {
	c, err := r.prepare(raw)
	if err != nil {
		return nil, err
	}
	s, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	return s, nil
}
