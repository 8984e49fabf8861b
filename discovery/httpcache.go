package discovery

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/skiff-k8s/skiff/rest"
)

// CacheHTTP makes the clients of cfg keep the answers to discovery (/api, /apis) and of OpenAPI v3
// in files in dir, and ask the server by their ETags whether they have changed. An OpenAPI document
// whose URL has a hash is not asked for before it expires. Call it before rest.NewClient. Other
// requests pass through.
//
// The files are those of kubectl 1.37, which keeps them in "http" in its cache directory; either
// reads what the other wrote. Several processes may use dir at the same time. A file that is
// missing, damaged or over 64 MiB is no error, and neither is a directory that cannot be used: that
// is logged to slog.Default at debug level.
func CacheHTTP(cfg *rest.Config, dir string) {
	prefix := ""
	if u, err := url.Parse(cfg.Host); err == nil && u.Host != "" {
		prefix = strings.TrimSuffix(u.Path, "/")
	}
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return &httpCache{next: next, dir: dir, prefix: prefix, limit: maxDiskFile}
	})
}

// httpCache is an http.RoundTripper that answers from files if the server confirms them.
type httpCache struct {
	next   http.RoundTripper
	dir    string
	prefix string // the path of Config.Host
	limit  int64  // maxDiskFile
}

// RoundTrip implements http.RoundTripper.
func (h *httpCache) RoundTrip(req *http.Request) (*http.Response, error) {
	path, ours := strings.CutPrefix(req.URL.Path, h.prefix)
	if !ours || req.Method != http.MethodGet || req.Header.Get("Range") != "" ||
		path != "/api" && path != "/apis" && path != openAPIRoot &&
			!strings.HasPrefix(path, openAPIRoot+"/") {
		return h.next.RoundTrip(req)
	}
	file := filepath.Join(h.dir, httpKey(req.URL))
	kept := h.read(file, req)
	if kept != nil {
		if req.URL.Query().Get("hash") != "" && fresh(kept.Header) {
			return kept, nil
		}
		req = req.Clone(req.Context())
		if etag := kept.Header.Get("Etag"); etag != "" {
			req.Header.Set("If-None-Match", etag)
		}
		if at := kept.Header.Get("Last-Modified"); at != "" {
			req.Header.Set("If-Modified-Since", at)
		}
	}
	resp, err := h.next.RoundTrip(req)
	switch {
	case err != nil:
		return nil, err
	case resp.StatusCode == http.StatusNotModified && kept != nil:
		_, _ = io.CopyN(io.Discard, resp.Body, 4<<10)
		_ = resp.Body.Close()
		return kept, nil
	case resp.StatusCode == http.StatusOK && storable(resp.Header):
		resp.Body = &keepingBody{
			ReadCloser: resp.Body, limit: h.limit,
			whole: func(body []byte) {
				if err := replaceFile(file, httpEntry(req, resp, body)); err != nil {
					slog.Debug("discovery: write the cache", "file", file, "err", err)
				}
			},
		}
	}
	return resp, nil
}

// httpKey returns the name of an answer's file: the SHA-256 of the URL as kubectl asks for it, with
// client-go's timeout of discovery.
func httpKey(u *url.URL) string {
	as := *u
	q := as.Query()
	q.Set("timeout", "32s")
	as.RawQuery = q.Encode()
	return fmt.Sprintf("%x", sha256.Sum256([]byte(as.String())))
}

// keptHeaders are the headers that are stored. Others, such as warnings and cookies, are of one
// answer only.
var keptHeaders = []string{
	"Content-Type", "Etag", "Last-Modified", "Vary", "Cache-Control", "Expires", "Date",
}

// storable reports whether an answer can be confirmed by the server later.
func storable(h http.Header) bool {
	return (h.Get("Etag") != "" || h.Get("Last-Modified") != "") &&
		!strings.Contains(h.Get("Cache-Control"), "no-store") && h.Get("Vary") != "*"
}

// fresh reports whether an answer need not be confirmed, by its Date and Expires.
func fresh(h http.Header) bool {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil || time.Since(date) < 0 || strings.Contains(h.Get("Cache-Control"), "no-cache") {
		return false
	}
	expires, err := http.ParseTime(h.Get("Expires"))
	return err == nil && time.Now().Before(expires)
}

// varied returns the value of a request's header, as it is compared with that of the request whose
// answer was stored. kubectl asks for one version of aggregated discovery less than we do; the
// answer is the same.
func varied(req *http.Request, header string) string {
	return strings.Replace(req.Header.Get(header),
		"application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,", "", 1)
}

// eachVaried calls f for each header that Vary names.
func eachVaried(h http.Header, f func(header string)) {
	for _, line := range h.Values("Vary") {
		for name := range strings.SplitSeq(line, ",") {
			if name = http.CanonicalHeaderKey(strings.TrimSpace(name)); name != "" {
				f(name)
			}
		}
	}
}

// httpEntry returns the content of an answer's file: the SHA-256 of the rest, and the answer as
// HTTP/1.1 sends it. X-Varied-… holds the request's headers that Vary names.
func httpEntry(req *http.Request, resp *http.Response, body []byte) []byte {
	out := &http.Response{
		StatusCode: http.StatusOK, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{},
		ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)),
	}
	for _, name := range keptHeaders {
		if values := resp.Header.Values(name); len(values) > 0 {
			out.Header[name] = values
		}
	}
	eachVaried(resp.Header, func(name string) {
		if value := varied(req, name); value != "" {
			out.Header.Set("X-Varied-"+name, value)
		}
	})
	var buf bytes.Buffer
	buf.Write(make([]byte, sha256.Size))
	_ = out.Write(&buf) // a bytes.Buffer takes everything
	data := buf.Bytes()
	sum := sha256.Sum256(data[sha256.Size:])
	copy(data, sum[:])
	return data
}

// read returns the answer in a file, or nil if there is none that can be used for req.
func (h *httpCache) read(file string, req *http.Request) *http.Response {
	data, err := readFile(file, h.limit)
	if err != nil || len(data) < sha256.Size {
		return nil
	}
	sum, data := data[:sha256.Size], data[sha256.Size:]
	if is := sha256.Sum256(data); !bytes.Equal(is[:], sum) {
		return nil
	}
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(data)), req)
	if err != nil || resp.StatusCode != http.StatusOK {
		return nil
	}
	same := true
	eachVaried(resp.Header, func(name string) {
		same = same && varied(req, name) == strings.Replace(resp.Header.Get("X-Varied-"+name),
			"application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,", "", 1)
	})
	if !same {
		return nil
	}
	return resp
}

// keepingBody is a body that calls whole with its content when all of it has been read.
type keepingBody struct {
	io.ReadCloser
	limit int64 // of the content, in bytes; nothing is kept of a longer one
	buf   bytes.Buffer
	over  bool
	whole func([]byte)
}

func (b *keepingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.over = b.over || int64(b.buf.Len()+n) > b.limit; b.over {
		b.buf = bytes.Buffer{}
		return n, err
	}
	b.buf.Write(p[:n])
	if err == io.EOF && b.whole != nil {
		whole := b.whole
		b.whole = nil
		whole(b.buf.Bytes())
	}
	return n, err
}

// readFile reads a regular file of at most limit bytes.
func readFile(file string, limit int64) ([]byte, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > limit {
		return nil, fmt.Errorf("%s is not a cache: %v, %d bytes", file, info.Mode(), info.Size())
	}
	return os.ReadFile(file)
}

// replaceFile replaces a file atomically, so that a reader sees either the old or the new one. Only
// the user can read it, because the names of resources tell what a cluster is used for.
func replaceFile(file string, data []byte) error {
	dir := filepath.Dir(file)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, filepath.Base(file)+".*") // made with mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
