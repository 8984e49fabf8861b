package rest

import (
	"context"
	"net/http"
	"testing"
)

type traceKeyForTests struct{}

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// The trace context of the call's ctx is sent with each attempt; none and a malformed one are not.
func TestTraceContext(t *testing.T) {
	for name, test := range map[string]struct{ traceparent, state, want string }{
		"none":               {"", "", ""},
		"valid":              {parent, "a=b", parent},
		"a later version":    {"01" + parent[2:] + "-more", "", "01" + parent[2:] + "-more"},
		"more in version 00": {parent + "-more", "a=b", ""},
		"version ff":         {"ff" + parent[2:], "", ""},
		"upper case":         {"00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "", ""},
		"zero trace":         {"00-00000000000000000000000000000000-b7ad6b7169203331-01", "", ""},
		"zero parent":        {"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", "", ""},
		"short":              {parent[:len(parent)-1], "", ""},
		"long":               {parent + "0", "", ""},
		"three parts":        {parent[:len(parent)-3], "", ""},
		"a state alone":      {"", "a=b", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var got []http.Header
			_, cfg := testServer(t, func(w http.ResponseWriter, r *http.Request) {
				if got = append(got, r.Header); len(got) == 1 {
					w.Header().Set("Retry-After", "0")
					w.WriteHeader(http.StatusTooManyRequests)
				}
			})
			cfg.Wrap(TraceContext(func(ctx context.Context, h http.Header) {
				if value, _ := ctx.Value(traceKeyForTests{}).(string); value != "" {
					h.Set("traceparent", value)
				}
				if test.state != "" {
					h.Set("tracestate", test.state)
				}
				h.Set("Authorization", "Bearer other")
				h.Set("Baggage", "k=v")
			}))
			cfg.BearerToken = "a-token"
			c := newClient(t, cfg)
			defer c.CloseIdleConnections()
			ctx := context.WithValue(t.Context(), traceKeyForTests{}, test.traceparent)
			if err := c.Get().AbsPath("/").Do(ctx).Error(); err != nil {
				t.Fatal(err)
			}
			state := test.state
			if test.want == "" {
				state = ""
			}
			for _, h := range got {
				if h.Get("Traceparent") != test.want || h.Get("Tracestate") != state || h.Get("Baggage") != "k=v" || h.Get("Authorization") != "Bearer a-token" {
					t.Errorf("%v", h)
				}
			}
			if len(got) != 2 {
				t.Errorf("%d requests", len(got))
			}
		})
	}
}
