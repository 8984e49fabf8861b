package faults

import (
	"net/http"
	"strings"
)

// Fault spoils an exchange: it answers a request in place of the server, or changes what passes. The
// zero Fault does nothing. A Fault holds no state, so one may spoil any number of exchanges at once.
type Fault struct {
	name string
	wrap func(next http.Handler) http.Handler
}

// NewFault returns a fault of the caller's own. wrap returns the handler that stands in front of the
// server. It is called once for each request.
func NewFault(name string, wrap func(next http.Handler) http.Handler) Fault {
	return Fault{name, wrap}
}

// answering returns a fault that answers in place of the server.
func answering(name string, answer http.HandlerFunc) Fault {
	return Fault{name, func(http.Handler) http.Handler { return answer }}
}

// String returns the fault's name, with its arguments.
func (f Fault) String() string {
	if f.wrap == nil {
		return "none"
	}
	return f.name
}

// Handler returns next behind the fault.
func (f Fault) Handler(next http.Handler) http.Handler {
	if f.wrap == nil {
		return next
	}
	return f.wrap(next)
}

// All returns the fault that has the effects of all faults. The first one is the nearest to the
// client: All(Cut(100), Gzip()) cuts the compressed body.
func All(faults ...Fault) Fault {
	names := make([]string, len(faults))
	for i, f := range faults {
		names[i] = f.String()
	}
	return Fault{strings.Join(names, "+"), func(next http.Handler) http.Handler {
		for i := len(faults) - 1; i >= 0; i-- {
			next = faults[i].Handler(next)
		}
		return next
	}}
}
