package rest

import (
	"context"
	"io"
	"net/url"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/wire"
)

type Client struct{}

func NewClient(cfg *Config) (*Client, error)                  { panic("rest: not written yet") }
func (c *Client) Get() *Request                               { return c.Verb("GET") }
func (c *Client) Post() *Request                              { return c.Verb("POST") }
func (c *Client) Put() *Request                               { return c.Verb("PUT") }
func (c *Client) Delete() *Request                            { return c.Verb("DELETE") }
func (c *Client) Patch(pt types.PatchType) *Request           { panic("rest: not written yet") }
func (c *Client) Verb(method string) *Request                 { panic("rest: not written yet") }
func (c *Client) GroupVersion(gv schema.GroupVersion) *Client { panic("rest: not written yet") }
func (c *Client) Config() *Config                             { panic("rest: not written yet") }
func (c *Client) CloseIdleConnections()                       { panic("rest: not written yet") }

type Request struct{}

func (r *Request) GroupVersion(gv schema.GroupVersion) *Request { panic("rest: not written yet") }
func (r *Request) Namespace(ns string) *Request                 { panic("rest: not written yet") }
func (r *Request) Resource(resource string) *Request            { panic("rest: not written yet") }
func (r *Request) Name(name string) *Request                    { panic("rest: not written yet") }
func (r *Request) SubResource(segments ...string) *Request      { panic("rest: not written yet") }
func (r *Request) AbsPath(segments ...string) *Request          { panic("rest: not written yet") }
func (r *Request) Param(key, value string) *Request             { panic("rest: not written yet") }

// VersionedParams adds the fields of a pointer to an options struct (metav1.ListOptions, ...).
func (r *Request) VersionedParams(options any) *Request { panic("rest: not written yet") }

// Body is a runtime.Object (pointer), encoded when sent, or []byte, sent as it is: its content type
// is Format's if set, the patch type for Patch, else JSON.
func (r *Request) Body(body any) *Request { panic("rest: not written yet") }

// Kind says what the body is when it does not say so itself.
func (r *Request) Kind(gvk schema.GroupVersionKind) *Request { panic("rest: not written yet") }

// Format is what the body is written in and the answer is asked in (protobuf still accepts JSON).
func (r *Request) Format(f wire.Format) *Request                   { panic("rest: not written yet") }
func (r *Request) SetHeader(key string, values ...string) *Request { panic("rest: not written yet") }
func (r *Request) Timeout(d time.Duration) *Request                { panic("rest: not written yet") }

// MaxRetries overrides the Config's: n retries, none when n <= 0.
func (r *Request) MaxRetries(n int) *Request { panic("rest: not written yet") }
func (r *Request) URL() (*url.URL, error)    { panic("rest: not written yet") }

func (r *Request) Do(ctx context.Context) Result             { panic("rest: not written yet") }
func (r *Request) DoRaw(ctx context.Context) ([]byte, error) { panic("rest: not written yet") }
func (r *Request) Stream(ctx context.Context) (io.ReadCloser, error) {
	panic("rest: not written yet")
}
func (r *Request) List(ctx context.Context, o wire.Options) (*ListStream, error) {
	panic("rest: not written yet")
}
func (r *Request) Watch(ctx context.Context, o wire.Options) (*WatchStream, error) {
	panic("rest: not written yet")
}

type Result struct{}

func (r Result) Into(obj any) error                         { panic("rest: not written yet") }
func (r Result) Object(o wire.Options) (wire.Object, error) { panic("rest: not written yet") }
func (r Result) Raw() ([]byte, error)                       { panic("rest: not written yet") }
func (r Result) Error() error                               { panic("rest: not written yet") }
func (r Result) StatusCode() int                            { panic("rest: not written yet") }
func (r Result) ContentType() string                        { panic("rest: not written yet") }
func (r Result) Warnings() []Warning                        { panic("rest: not written yet") }

type ListStream struct{ *wire.ListReader }

func (s *ListStream) Next() (wire.Object, error) { panic("rest: not written yet") }
func (s *ListStream) Format() wire.Format        { panic("rest: not written yet") }
func (s *ListStream) Close() error               { panic("rest: not written yet") }

type WatchStream struct{ *wire.WatchReader }

func (s *WatchStream) Next() (wire.Event, error) { panic("rest: not written yet") }
func (s *WatchStream) Format() wire.Format       { panic("rest: not written yet") }
func (s *WatchStream) Close() error              { panic("rest: not written yet") }
