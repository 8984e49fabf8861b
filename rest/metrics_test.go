package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/wire"
)

// measured collects what a client measures.
type measured struct {
	attempts []AttemptMetrics
	infos    []RequestInfo
	requests []RequestMetrics
}

func (m *measured) set(cfg *Config) {
	cfg.Metrics = &Metrics{
		Attempt: func(_ context.Context, r RequestInfo, a AttemptMetrics) {
			m.attempts = append(m.attempts, a)
		},
		Request: func(_ context.Context, r RequestInfo, q RequestMetrics) {
			m.infos, m.requests = append(m.infos, r), append(m.requests, q)
		},
	}
}

// later answers after a second.
func later(code int, body string, headers ...string) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		time.Sleep(time.Second)
		return answer(req, code, body, headers...), nil
	}
}

// A request is measured once, and each of its attempts: with the wait for the limiter, the retries,
// and the bytes of all answers.
func TestMetricsOfRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{t: t, answers: []func(*http.Request) (*http.Response, error){
			later(429, "slow", "Retry-After", "1"), breaks(errReset), later(200, "{}"), later(404, "no"),
		}}
		var m measured
		c := fakeClient(t, s.RoundTrip, m.set, func(cfg *Config) { cfg.QPS, cfg.Burst = 0.5, 1 })
		if err := c.Post().Resource("pods").Body([]byte("four")).Do(t.Context()).Error(); err != nil {
			t.Fatal(err)
		}
		if want := []AttemptMetrics{{429, 0, time.Second}, {0, 1, 0}, {200, 2, time.Second}}; !reflect.DeepEqual(m.attempts, want) {
			t.Errorf("%+v, want %+v", m.attempts, want)
		}
		got := m.requests[0]
		if len(m.requests) != 1 || got.Code != 200 || got.Retries != 2 || got.Held != 0 || got.Sent != 4 || got.Received != 6 || got.Header < 3*time.Second || got.Duration != got.Header {
			t.Errorf("%+v", m.requests)
		}
		if err := c.Get().Resource("pods").Do(t.Context()).Error(); err == nil {
			t.Fatal("no error")
		}
		if got := m.requests[1]; got.Code != 404 || got.Retries != 0 || got.Received != 2 || got.Duration != got.Held+time.Second {
			t.Errorf("%+v", got)
		}

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := c.Get().Resource("pods").Do(ctx).Error(); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if got := m.requests[2]; len(m.attempts) != 4 || got.Code != 0 || got.Received != 0 {
			t.Errorf("held back and ended: %+v", got)
		}
	})
}

// A stream is measured when it is closed, or has ended by itself.
func TestMetricsOfStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m measured
		c := fakeClient(t, later(200, watched), m.set)
		w, err := c.Get().Resource("pods").Watch(t.Context(), wire.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if len(m.requests) != 0 || len(m.attempts) != 1 {
			t.Errorf("measured before it ended: %+v", m.requests)
		}
		if _, err := w.Next(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		_ = w.Close()
		_ = w.Close()
		if got := m.requests; len(got) != 1 || got[0].Header != time.Second || got[0].Duration != time.Hour+time.Second || got[0].Received != int64(len(watched)) {
			t.Errorf("%+v", got)
		}
		l, err := c.Get().Resource("pods").List(t.Context(), wire.Options{})
		for err == nil {
			_, err = l.Next()
		}
		if len(m.requests) != 2 {
			t.Errorf("a list that ended: %+v", m.requests)
		}
	})
}

// The labels name no object.
func TestLabelsOfMetrics(t *testing.T) {
	pods := schema.GroupVersion{Group: "apps", Version: "v1"}
	for want, r := range map[string]func(c *Client) *Request{
		"get GET core v1 pods ":             func(c *Client) *Request { return c.Get().Namespace("a").Resource("pods").Name("web") },
		"list GET core v1 pods ":            func(c *Client) *Request { return c.Get().Resource("pods").Param("labelSelector", "a=b") },
		"create POST apps v1 deployments ":  func(c *Client) *Request { return c.Post().GroupVersion(pods).Resource("deployments") },
		"create POST core v1 pods eviction": func(c *Client) *Request { return c.Post().Resource("pods").Name("web").SubResource("eviction") },
		"get GET core v1 services proxy": func(c *Client) *Request {
			return c.Get().Resource("services").Name("x").SubResource("proxy", "some", "path")
		},
		"update PUT core v1 pods status":          func(c *Client) *Request { return c.Put().Resource("pods").Name("web").SubResource("status") },
		"patch PATCH core v1 pods ":               func(c *Client) *Request { return c.Patch(types.MergePatchType).Resource("pods").Name("web") },
		"apply PATCH core v1 pods ":               func(c *Client) *Request { return c.Patch(types.ApplyPatchType).Resource("pods").Name("web") },
		"delete DELETE core v1 pods ":             func(c *Client) *Request { return c.Delete().Resource("pods").Name("web") },
		"deletecollection DELETE core v1 pods ":   func(c *Client) *Request { return c.Delete().Resource("pods") },
		"get GET   /openapi":                      func(c *Client) *Request { return c.Get().AbsPath("/openapi/v3") },
		"options OPTIONS core v1 pods ":           func(c *Client) *Request { return c.Verb("options").Resource("pods") },
		"list GET core v1 pods  at b.example:443": func(c *Client) *Request { return c.Get().Resource("pods") },
	} {
		var m measured
		host, wanted := "server.example", want
		if before, after, ok := strings.Cut(want, " at "); ok {
			wanted, host = before, after
		}
		c := fakeClient(t, says(200, "{}"), m.set, func(cfg *Config) { cfg.Host = "https://" + host + "/path" })
		if err := r(c).Do(t.Context()).Error(); err != nil {
			t.Fatal(err)
		}
		i := m.infos[0]
		group := i.Group
		if group == "" && i.Version != "" {
			group = "core"
		}
		got := fmt.Sprintf("%s %s %s %s %s %s", i.Verb, i.Method, group, i.Version, i.Resource, i.Subresource)
		if strings.HasSuffix(wanted, "/openapi") {
			wanted = "get GET    "
		}
		if got != wanted || i.Host != host {
			t.Errorf("%q at %s, want %q", got, i.Host, wanted)
		}
	}
}

// Functions that are nil are not called, and what is not measured costs nothing.
func TestMetricsThatAreNotSet(t *testing.T) {
	for _, m := range []*Metrics{nil, {}, {Attempt: func(context.Context, RequestInfo, AttemptMetrics) {}},
		{Request: func(context.Context, RequestInfo, RequestMetrics) {}}} {
		c := fakeClient(t, says(200, watched), func(cfg *Config) { cfg.Metrics = m })
		if err := c.Get().Resource("pods").Do(t.Context()).Error(); err != nil {
			t.Fatal(err)
		}
		w, err := c.Get().Resource("pods").Watch(t.Context(), wire.Options{})
		if err != nil {
			t.Fatal(err)
		}
		_ = w.Close()
	}
	var none *meter
	if n := testing.AllocsPerRun(100, func() {
		none.held()
		none.attempted(0, 200, time.Time{})
		none.read(1)
		none.end()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
