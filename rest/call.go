package rest

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/wire"
)

// purpose is how the answer is used.
type purpose uint8

const (
	ordinary purpose = iota // read whole
	raw                     // returned as it arrives
	list                    // cut into objects
	watch                   // cut into events
	upgrade                 // the connection itself
)

// call is a request that is ready to be sent, any number of times.
type call struct {
	*core
	purpose purpose
	method  string
	target  target
	url     *url.URL
	header  http.Header // without credentials, which may change between two attempts
	body    []byte
	format  wire.Format // that the answer is asked for in
	verb    string      // for metrics
	what    string      // verb and object, for errors and logs
	meter   *meter      // nil if nobody asks for metrics
	bounds  bounds
	policy  policy
}

func (r *Request) prepare(p purpose) (*call, error) {
	if r.err == nil && (p == list || p == watch) && r.method != http.MethodGet {
		return nil, r.wrap(errors.New("only a Get can be listed or watched"))
	}
	u, err := r.URL()
	if err != nil {
		return nil, err
	}
	changesOne := r.method == http.MethodPut || r.method == http.MethodPatch
	if changesOne && r.target.resource != "" && r.target.name == "" {
		return nil, r.wrap(errors.New("a PUT or PATCH changes one object: set its Name"))
	}
	q := maps.Clone(r.params)
	if q == nil {
		q = url.Values{}
	}
	if p == watch {
		q.Set("watch", "true")
	}
	limits := r.bounds(p, q)
	limits.tell(p, r.target, q)
	u.RawQuery = q.Encode()
	c := &call{
		core:    r.core,
		purpose: p,
		method:  r.method,
		target:  r.target,
		url:     u,
		header:  http.Header{},
		format:  r.answerFormat(),
		verb:    verbOf(r.method, r.patch, r.target, p),
		what:    describe(r.method, r.target, p),
		bounds:  limits,
		policy:  policyOf(r.method, r.patch, r.core.cfg.retries(r.retries)),
	}
	c.header.Set("User-Agent", r.core.userAgent)
	for key, values := range r.core.impersonate {
		c.header[key] = values
	}
	c.header.Set("Accept", accept(c.format, p, r.format == 0 && r.target.abs != ""))
	if r.as != "" {
		c.header.Set("Accept", acceptAs(c.format, r.as, c.verb))
	}
	if r.body != nil {
		contentType, err := r.encode(r, c)
		if err != nil {
			return nil, r.wrap(err)
		}
		c.header.Set("Content-Type", contentType)
	}
	for key, values := range r.header {
		c.header[key] = values
	}
	return c, nil
}

// answerFormat returns the format that the answer is asked for in.
func (r *Request) answerFormat() wire.Format {
	switch {
	case r.core.cfg.JSONOnly:
		return wire.JSON
	case r.format != 0:
		return r.format
	case r.target.abs == "" && hasProtobuf(r.target.gv.Group):
		return wire.Protobuf
	}
	return wire.JSON
}

// accept returns the Accept header for f. JSON is the second choice after protobuf, because errors,
// aggregated servers and some subresources have no protobuf (API concepts, "Protobuf encoding").
// Any type is accepted if the answer need not be an object: logs, metrics, a file through the
// proxy.
func accept(f wire.Format, p purpose, anything bool) string {
	switch {
	case p == raw || p == upgrade || anything:
		return wire.JSON.ContentType() + ", */*"
	case f == wire.Protobuf:
		return wire.Protobuf.ContentType() + ", " + wire.JSON.ContentType()
	}
	return wire.JSON.ContentType()
}

// acceptAs returns the Accept header for an answer that is converted to a kind of meta.k8s.io/v1.
// A server that cannot convert answers 406. A list of objects is converted to a list of their
// metadata; a table is of one object or of many.
func acceptAs(f wire.Format, kind, verb string) string {
	if kind == "PartialObjectMetadata" && (verb == "list" || verb == "deletecollection") {
		kind += "List"
	}
	as := ";as=" + kind + ";g=meta.k8s.io;v=v1"
	if f == wire.Protobuf {
		return f.ContentType() + as + "," + wire.JSON.ContentType() + as
	}
	return f.ContentType() + as
}

// describe returns the verb and the object of a request, for errors and logs.
func describe(method string, t target, p purpose) string {
	verb := verbOf(method, "", t, p)
	if verb == "deletecollection" {
		verb = "delete all"
	}
	return verb + " " + t.String()
}

// verbOf returns the verb of the API that a request has.
func verbOf(method string, patch types.PatchType, t target, p purpose) string {
	verb := strings.ToLower(method)
	many := t.resource != "" && t.name == ""
	switch {
	case p == upgrade:
		verb = "connect" // as the API server's admission calls it
	case method == http.MethodGet && p == watch:
		verb = "watch"
	case method == http.MethodGet && (p == list || many):
		verb = "list"
	case method == http.MethodPost:
		verb = "create"
	case method == http.MethodPut:
		verb = "update"
	case method == http.MethodDelete && many:
		verb = "deletecollection"
	case patch == types.ApplyPatchType || patch == types.ApplyCBORPatchType:
		verb = "apply"
	}
	return verb
}

// policyOf returns when a method may be sent again. Of the patches only apply is known to be
// idempotent (KEP-555).
func policyOf(method string, patch types.PatchType, retries int) policy {
	p := policy{max: retries}
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		p.read, p.repeatable = true, true
	case http.MethodPut, http.MethodDelete:
		p.repeatable = true
	case http.MethodPatch:
		p.repeatable = patch == types.ApplyPatchType || patch == types.ApplyCBORPatchType
	}
	return p
}
