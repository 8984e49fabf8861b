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

	"github.com/skiff-k8s/skiff/wire"
)

// Request is one request in the making. Its methods return it, so that a request reads as a
// sentence; what is wrong with it is kept and returned by the method that ends the sentence: Do,
// DoRaw, Stream, List or Watch. Those leave it unchanged, so it may be sent more than once.
//
// A Request belongs to one goroutine.
type Request struct {
	core    *core
	method  string
	patch   types.PatchType
	target  target
	params  url.Values
	header  http.Header
	body    any
	encode  encoder // of body; nil until Body is called
	kind    schema.GroupVersionKind
	format  wire.Format
	timeout time.Duration
	retries int
	err     error // the first thing that is wrong
}

// encoder is wire.Encode. Only Body refers to that, so that a program which writes nothing, such as
// one that runs informers, does not link the encoders of all API types: half a megabyte.
type encoder func(obj any, f wire.Format, apiVersion, kind string) ([]byte, error)

func (r *Request) fail(err error) *Request {
	if r.err == nil {
		r.err = err
	}
	return r
}

// GroupVersion sends this request to gv instead of the client's group version.
func (r *Request) GroupVersion(gv schema.GroupVersion) *Request {
	r.target.gv = gv
	return r
}

// Namespace puts the request into a namespace; "" leaves it outside: all namespaces, or a resource
// that has none.
func (r *Request) Namespace(namespace string) *Request {
	if namespace != "" {
		if err := validSegment("namespace", namespace); err != nil {
			return r.fail(err)
		}
	}
	r.target.namespace = namespace
	return r
}

// Resource says which resource, by the name the API has in its paths: "pods".
func (r *Request) Resource(resource string) *Request {
	if err := validSegment("resource", resource); err != nil {
		return r.fail(err)
	}
	r.target.resource = resource
	return r
}

// Name says which object. An empty name is an error, lest a request for one object become one for
// all of them; such a request leaves Name out.
func (r *Request) Name(name string) *Request {
	if err := validSegment("name", name); err != nil {
		return r.fail(err)
	}
	r.target.name = name
	return r
}

// SubResource goes below the object: SubResource("status"), SubResource("proxy", "metrics").
func (r *Request) SubResource(segments ...string) *Request {
	for _, segment := range segments {
		if err := validSegment("subresource", segment); err != nil {
			return r.fail(err)
		}
	}
	r.target.subresource = append(slices.Clip(r.target.subresource), segments...)
	return r
}

// AbsPath replaces /api/v1 or /apis/GROUP/VERSION by a path of its own, below that of Host:
// AbsPath("/version"), AbsPath("/apis", "apps"). Segments may hold slashes.
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

// Param adds a query parameter beside those of the same name.
func (r *Request) Param(key, value string) *Request {
	if r.params == nil {
		r.params = url.Values{}
	}
	r.params.Add(key, value)
	return r
}

// VersionedParams sets query parameters from options: a pointer to metav1.ListOptions,
// metav1.PatchOptions, corev1.PodLogOptions and so on. nil adds none.
func (r *Request) VersionedParams(options any) *Request {
	if options == nil {
		return r
	}
	if v := reflect.ValueOf(options); v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		if v.Kind() == reflect.Pointer && v.IsNil() {
			return r
		}
		return r.fail(fmt.Errorf("VersionedParams takes a pointer to a struct such as *metav1.ListOptions, not %T", options))
	}
	values, err := queryparams.Convert(options)
	if err != nil {
		return r.fail(fmt.Errorf("parameters from %T: %w", options, err))
	}
	if r.params == nil {
		r.params = url.Values{}
	}
	for key, v := range values {
		r.params[key] = v
	}
	return r
}

// Body is what the request carries.
//
// A []byte is sent as it is. Its content type is the patch type of a Patch, what Format says if it
// was called, and JSON otherwise; SetHeader("Content-Type", ...) overrides all of that. The bytes
// must not change until the request has ended.
//
// Any other value is an API object (a pointer to a struct with TypeMeta, or an unstructured
// object), encoded when the request is sent: as protobuf where the answer is asked in protobuf and
// the type has it, as JSON otherwise. When its TypeMeta is empty, Kind says what it is; without
// Kind it is taken for the request's group version and the name of its Go type, which holds for
// all but subresources, where Kind is needed.
//
// nil carries nothing.
func (r *Request) Body(body any) *Request {
	switch v := reflect.ValueOf(body); v.Kind() {
	case reflect.Pointer, reflect.Map:
		if v.IsNil() {
			return r.fail(fmt.Errorf("the body is a nil %T", body))
		}
	case reflect.Invalid, reflect.Slice:
	case reflect.Struct:
		return r.fail(fmt.Errorf("the body is a %T: pass a pointer to it", body))
	}
	r.body, r.encode = body, wire.Encode
	return r
}

// Kind says what the body is, for a body that does not say so itself.
func (r *Request) Kind(gvk schema.GroupVersionKind) *Request {
	r.kind = gvk
	return r
}

// Format overrides what the group version chooses: the format the answer is asked for in, and the
// one the body is written in. Protobuf is asked for with JSON as second choice, and a Config with
// JSONOnly turns it into JSON, except for what it says about a []byte.
func (r *Request) Format(f wire.Format) *Request {
	if f != wire.JSON && f != wire.Protobuf {
		return r.fail(fmt.Errorf("%v is not a format to ask for: use wire.JSON or wire.Protobuf", f))
	}
	r.format = f
	return r
}

// SetHeader sets a header, replacing what was there; "Accept" and "Content-Type" replace what the
// request would choose.
func (r *Request) SetHeader(key string, values ...string) *Request {
	if !headerToken(key) {
		return r.fail(fmt.Errorf("%q is not a header's name", key))
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

// Timeout sets how long Do may take for this request, retries included. 0 means Config.Timeout;
// negative means no limit but the context's. Like Config.Timeout it does not limit streams.
func (r *Request) Timeout(d time.Duration) *Request {
	r.timeout = d
	return r
}

// MaxRetries sets how often this request may be sent again. 0 means Config.MaxRetries; negative means
// never retry; RetryForever removes the limit.
func (r *Request) MaxRetries(n int) *Request {
	r.retries = n
	return r
}

// URL is where the request goes, parameters included.
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

// wrap says which request could not be made.
func (r *Request) wrap(err error) error {
	return fmt.Errorf("rest: the request (%s) cannot be made: %w", describe(r.method, r.target, ordinary), err)
}

// Do sends the request and reads the whole answer.
func (r *Request) Do(ctx context.Context) Result {
	c, err := r.prepare(ordinary)
	if err != nil {
		return Result{err: err}
	}
	if d := r.core.cfg.timeout(r.timeout); d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, d, fmt.Errorf("its timeout of %v is over", d))
		defer cancel()
	}
	res := Result{call: c}
	res.err = c.run(ctx, func(resp *http.Response) error {
		body, err := readAll(resp)
		if err != nil {
			return err
		}
		res.body = body
		res.status = resp.StatusCode
		res.contentType = resp.Header.Get("Content-Type")
		return nil
	})
	return res
}

// DoRaw is Do(ctx).Raw().
func (r *Request) DoRaw(ctx context.Context) ([]byte, error) { return r.Do(ctx).Raw() }

// Stream sends the request and returns the answer's body as it arrives: logs, for example. The
// caller closes it. Ending ctx ends it too: reads then return ctx's error. It has no timeout.
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
