package discovery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/rest"
)

// openAPIRoot is the index of the OpenAPI v3 documents (KEP-2896).
const openAPIRoot = "/openapi/v3"

// maxKeptOpenAPI limits the documents that an OpenAPI keeps, in bytes. All of a server without
// custom resources take 6 MB.
const maxKeptOpenAPI = 32 << 20

// ErrNoOpenAPI is the cause of an error if the server's index has no document for a group version.
var ErrNoOpenAPI = errors.New("the server has no OpenAPI v3 document for it")

// OpenAPI reads the OpenAPI v3 documents of an API server, of which each group version has one. It
// is safe for concurrent use.
//
// Each call asks for the index, which holds a hash of each document. A document is asked for again
// if its hash has changed. The last documents are kept in memory, 32 MiB of them.
//
// An answer over rest.Config.MaxAnswerBytes is an error (rest.ErrAnswerTooLarge). Other errors of a
// request are those of package rest.
type OpenAPI struct {
	rest *rest.Client

	mu   sync.Mutex // guards the fields below
	kept map[string]openAPIDocument
	size int
}

// openAPIDocument is a document that was read from a URL with a hash.
type openAPIDocument struct {
	url  string
	data []byte
}

// NewOpenAPI returns a reader of the documents of the server that c speaks to.
func NewOpenAPI(c *rest.Client) *OpenAPI {
	return &OpenAPI{rest: c, kept: map[string]openAPIDocument{}}
}

// Paths returns the names of the documents, sorted: "api/v1", "apis/apps/v1", "version".
func (o *OpenAPI) Paths(ctx context.Context) ([]string, error) {
	index, err := o.index(ctx)
	return slices.Sorted(maps.Keys(index)), err
}

// GroupVersion returns the document of a group version, as JSON. It is shared: the caller must not
// change it. If the index does not name it, the error wraps [ErrNoOpenAPI]; the index may lack a
// group whose aggregated API server is down.
func (o *OpenAPI) GroupVersion(ctx context.Context, gv schema.GroupVersion) ([]byte, error) {
	if gv.Group == "" {
		return o.Document(ctx, "api/"+gv.Version)
	}
	return o.Document(ctx, "apis/"+gv.Group+"/"+gv.Version)
}

// Document returns the document that Paths names, with the rules of GroupVersion.
func (o *OpenAPI) Document(ctx context.Context, path string) ([]byte, error) {
	index, err := o.index(ctx)
	if err != nil {
		return nil, err
	}
	at, ok := index[path]
	if !ok {
		return nil, fmt.Errorf("discovery: read the OpenAPI document %q: %w", path, ErrNoOpenAPI)
	}
	o.mu.Lock()
	kept, ok := o.kept[path]
	o.mu.Unlock()
	if ok && kept.url == at {
		return kept.data, nil
	}
	u, err := o.locate(at)
	if err != nil {
		return nil, o.rest.Redact(
			fmt.Errorf("discovery: read the OpenAPI document %q: %w", path, err))
	}
	req := o.rest.Get().AbsPath(u.Path).SetHeader("Accept", "application/json")
	for key, values := range u.Query() {
		for _, value := range values {
			req = req.Param(key, value)
		}
	}
	data, err := req.DoRaw(ctx)
	if err != nil {
		return nil, err
	}
	if u.Query().Get("hash") != "" {
		o.keep(path, openAPIDocument{url: at, data: data}, maxKeptOpenAPI)
	}
	return data, nil
}

// keep keeps a document. If all are over the limit together, the others are dropped.
func (o *OpenAPI) keep(path string, doc openAPIDocument, limit int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.size -= len(o.kept[path].data)
	delete(o.kept, path)
	if len(doc.data) > limit {
		return
	}
	if o.size+len(doc.data) > limit {
		clear(o.kept)
		o.size = 0
	}
	o.kept[path] = doc
	o.size += len(doc.data)
}

// index returns the URL of each document, by its name.
func (o *OpenAPI) index(ctx context.Context) (map[string]string, error) {
	data, err := o.rest.Get().AbsPath(openAPIRoot).SetHeader("Accept", "application/json").DoRaw(ctx)
	if err != nil {
		return nil, err
	}
	var doc struct {
		Paths map[string]struct {
			URL string `json:"serverRelativeURL"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, o.rest.Redact(unreadable(openAPIRoot, err))
	}
	out := make(map[string]string, len(doc.Paths))
	for path, at := range doc.Paths {
		out[path] = at.URL
	}
	return out, nil
}

// locate reads a URL of the index. It has to stay on the server, below the index: credentials are
// sent with the request. The path is without that of Config.Host, which a proxy may have put there.
func (o *OpenAPI) locate(at string) (*url.URL, error) {
	u, err := url.Parse(at)
	if err != nil {
		return nil, err
	}
	base, err := o.rest.Get().AbsPath("/").URL()
	if err != nil {
		return nil, err
	}
	u.Path = strings.TrimPrefix(u.Path, strings.TrimSuffix(base.Path, "/"))
	if u.Scheme != "" || u.Host != "" || u.Opaque != "" || u.User != nil ||
		!strings.HasPrefix(u.Path, openAPIRoot+"/") || strings.Contains(u.Path, "/../") ||
		strings.HasSuffix(u.Path, "/..") {
		return nil, fmt.Errorf("the index names %q, which is not below %s", at, openAPIRoot)
	}
	return u, nil
}
