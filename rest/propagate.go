package rest

import (
	"context"
	"net/http"
	"strings"
)

// TraceContext returns a wrapper for Config.Wrap by which each request carries the trace context of
// its ctx: the headers traceparent and tracestate (W3C, "Trace Context"), and others that inject sets.
// kube-apiserver makes its spans children of them (KEP-647). For OpenTelemetry, which this package
// does not link:
//
//	cfg.Wrap(rest.TraceContext(func(ctx context.Context, h http.Header) {
//		otel.GetTextMapPropagator().Inject(ctx, propagation.HeaderCarrier(h))
//	}))
//
// inject gets the ctx of the call and an empty header. It is called for each attempt, and must be safe
// for concurrent use. If ctx carries no trace, it sets nothing. A traceparent that is malformed is not
// sent, and neither is a tracestate without one. A header that the request has already stays as it
// is. For spans of the client's own, wrap by otelhttp.NewTransport instead: Config.Wrap takes any
// http.RoundTripper.
func TraceContext(
	inject func(ctx context.Context, header http.Header),
) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		return &propagator{next, inject}
	}
}

type propagator struct {
	next   http.RoundTripper
	inject func(context.Context, http.Header)
}

func (p *propagator) RoundTrip(req *http.Request) (*http.Response, error) {
	carried := http.Header{}
	p.inject(req.Context(), carried)
	if !validTraceparent(carried["Traceparent"]) {
		delete(carried, "Traceparent")
		delete(carried, "Tracestate")
	}
	for key := range carried {
		if len(req.Header[key]) > 0 {
			delete(carried, key)
		}
	}
	if len(carried) > 0 {
		req = req.Clone(req.Context())
		for key, values := range carried {
			req.Header[key] = values
		}
	}
	return p.next.RoundTrip(req)
}

// validTraceparent reports whether a header is one traceparent: version, trace ID, parent ID and
// flags in lower-case hexadecimal, the IDs not zero. A version later than 00 may have more.
func validTraceparent(values []string) bool {
	if len(values) != 1 {
		return false
	}
	parts := strings.Split(values[0], "-")
	if len(parts) < 4 || parts[0] == "ff" || parts[0] == "00" && len(parts) > 4 {
		return false
	}
	for i, length := range [...]int{2, 32, 16, 2} {
		if len(parts[i]) != length || strings.Trim(parts[i], "0123456789abcdef") != "" {
			return false
		}
	}
	return strings.Trim(parts[1], "0") != "" && strings.Trim(parts[2], "0") != ""
}
