package rest

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
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
	what    string      // verb and object, for errors and logs
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
	if p == watch {
		q := u.Query()
		q.Set("watch", "true")
		u.RawQuery = q.Encode()
	}
	c := &call{
		core:    r.core,
		purpose: p,
		method:  r.method,
		target:  r.target,
		url:     u,
		header:  http.Header{},
		format:  r.answerFormat(),
		what:    describe(r.method, r.target, p),
		policy:  policyOf(r.method, r.patch, r.core.cfg.retries(r.retries)),
	}
	c.header.Set("User-Agent", r.core.userAgent)
	for key, values := range r.core.impersonate {
		c.header[key] = values
	}
	c.header.Set("Accept", accept(c.format, p, r.format == 0 && r.target.abs != ""))
	if r.body != nil {
		contentType, err := c.encode(r)
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
	case p == raw || anything:
		return wire.JSON.ContentType() + ", */*"
	case f == wire.Protobuf:
		return wire.Protobuf.ContentType() + ", " + wire.JSON.ContentType()
	}
	return wire.JSON.ContentType()
}

// encode sets the call's body to the bytes of the request's, and returns their content type.
func (c *call) encode(r *Request) (string, error) {
	if data, ok := r.body.([]byte); ok {
		c.body = data
		switch {
		case r.patch != "":
			return string(r.patch), nil
		case r.format != 0:
			return r.format.ContentType(), nil
		}
		return wire.JSON.ContentType(), nil
	}
	gvk, err := r.bodyKind()
	if err != nil {
		return "", err
	}
	f, contentType := wire.JSON, string(r.patch) // every patch of an object is JSON
	if r.patch == "" {
		if c.format == wire.Protobuf && wire.HasProtobuf(r.body) {
			f = wire.Protobuf
		}
		contentType = f.ContentType()
	}
	c.body, err = r.encode(r.body, f, gvk.GroupVersion().String(), gvk.Kind)
	if err != nil {
		return "", fmt.Errorf("encode the body %T: %w", r.body, err)
	}
	return contentType, nil
}

// bodyKind returns the kind of the body: that of its TypeMeta, that of Request.Kind, or that of its
// Go type.
func (r *Request) bodyKind() (schema.GroupVersionKind, error) {
	object, ok := r.body.(interface{ GetObjectKind() schema.ObjectKind })
	if !ok {
		return schema.GroupVersionKind{}, fmt.Errorf(
			"the body %T is neither []byte nor an API object", r.body)
	}
	if gvk := object.GetObjectKind().GroupVersionKind(); gvk.Kind != "" && gvk.Version != "" {
		return gvk, nil
	}
	if r.kind.Kind != "" && r.kind.Version != "" {
		return r.kind, nil
	}
	t := reflect.TypeOf(r.body).Elem()
	if t.PkgPath() == reflect.TypeFor[metav1.DeleteOptions]().PkgPath() {
		return metav1.SchemeGroupVersion.WithKind(t.Name()), nil
	}
	sub := r.target.subresource
	if r.target.abs == "" && (len(sub) == 0 || len(sub) == 1 && sub[0] == "status") && !generic(t) {
		return r.target.gv.WithKind(t.Name()), nil
	}
	return schema.GroupVersionKind{}, fmt.Errorf(
		"the body %T has no apiVersion and kind: set its TypeMeta or call Kind", r.body)
}

// generic reports whether the name of a type is not the name of a kind.
func generic(t reflect.Type) bool {
	return t.Kind() != reflect.Struct || strings.ContainsAny(t.Name(), "[") ||
		strings.HasSuffix(t.PkgPath(), "/unstructured")
}

// describe returns the verb and the object of a request, for errors and logs.
func describe(method string, t target, p purpose) string {
	verb := strings.ToLower(method)
	switch method {
	case http.MethodGet:
		switch {
		case p == watch:
			verb = "watch"
		case p == list, t.resource != "" && t.name == "":
			verb = "list"
		}
	case http.MethodPost:
		verb = "create"
	case http.MethodPut:
		verb = "update"
	case http.MethodDelete:
		if t.resource != "" && t.name == "" {
			verb = "delete all"
		}
	}
	return verb + " " + t.String()
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
