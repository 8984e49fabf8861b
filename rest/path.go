package rest

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// parseHost parses Config.Host. The URL has a scheme, a host and a path without a trailing slash,
// and nothing else. If secure is set, a host without a scheme means https, and otherwise http.
func parseHost(host string, secure bool) (*url.URL, error) {
	if host == "" {
		return nil, errors.New(
			"Config.Host is empty: set the API server's URL, or use kubeconfig.Load")
	}
	full := host
	if !strings.Contains(host, "://") {
		full = "http://" + host
		if secure {
			full = "https://" + host
		}
	}
	u, err := url.Parse(full)
	if err != nil {
		// The error of package url repeats the whole host, which may hold a password.
		var e *url.Error
		if errors.As(err, &e) {
			err = e.Err
		}
		if strings.Contains(host, "@") {
			err = errors.New("an @ is not allowed")
		}
		return nil, fmt.Errorf("Config.Host %q is not a URL: %w", redactHost(host), err)
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf(
			"Config.Host %q: the scheme is neither http nor https", redactHost(host))
	case u.User != nil:
		return nil, errors.New(
			"Config.Host holds a user name: set it by Config.Username and Password")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("Config.Host holds a query or a fragment: remove it")
	case u.Hostname() == "":
		return nil, fmt.Errorf("Config.Host %q names no host", host)
	case strings.Count(u.Host, ":") > 1 && !strings.HasPrefix(u.Host, "["):
		return nil, fmt.Errorf("Config.Host %q: put the IPv6 address in brackets", host)
	}
	return &url.URL{
		Scheme:  u.Scheme,
		Host:    u.Host,
		Path:    strings.TrimRight(u.Path, "/"),
		RawPath: strings.TrimRight(u.RawPath, "/"),
	}, nil
}

// loopback reports whether a host is this machine.
func loopback(hostname string) bool {
	if strings.EqualFold(hostname, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(hostname, "[]"))
	return err == nil && addr.IsLoopback()
}

// target is the object or collection of a request. The zero value of a field means that it is not
// set.
type target struct {
	gv          schema.GroupVersion
	abs         string // replaces /api/... and /apis/...
	namespace   string
	resource    string
	name        string
	subresource []string
}

// validSegment returns an error if s is not one segment of a path. Source: Kubernetes
// documentation, "Object Names and IDs", "Path Segment Names".
func validSegment(what, s string) error {
	switch {
	case s == "":
		return fmt.Errorf("the %s is empty", what)
	case s == "." || s == "..":
		return fmt.Errorf("the %s may not be %q", what, s)
	case strings.ContainsAny(s, "/%"):
		return fmt.Errorf("the %s %q may contain neither %q nor %q", what, s, "/", "%")
	}
	return nil
}

// validAbs returns an error if cleaning would change the path.
func validAbs(path string) error {
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return fmt.Errorf("the path %q may not contain the segment %q", path, segment)
		}
	}
	return nil
}

// url returns the target's URL on the server at base.
func (t target) url(base *url.URL) (*url.URL, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	plain, raw := base.Path, base.EscapedPath()
	var segments []string
	switch {
	case t.abs != "":
		plain += t.abs
		raw += (&url.URL{Path: t.abs}).EscapedPath()
	case t.gv.Group == "":
		segments = []string{"api", t.gv.Version}
	default:
		segments = []string{"apis", t.gv.Group, t.gv.Version}
	}
	if t.namespace != "" {
		segments = append(segments, "namespaces", t.namespace)
	}
	segments = append(segments, t.resource, t.name)
	segments = slices.DeleteFunc(append(segments, t.subresource...), func(s string) bool {
		return s == ""
	})
	if len(segments) > 0 {
		plain += "/" + strings.Join(segments, "/")
		for i, segment := range segments {
			segments[i] = url.PathEscape(segment)
		}
		raw += "/" + strings.Join(segments, "/")
	}
	return &url.URL{Scheme: base.Scheme, Host: base.Host, Path: plain, RawPath: raw}, nil
}

// check returns an error if the target has no path.
func (t target) check() error {
	if t.abs == "" {
		if err := validSegment("version of the group version", t.gv.Version); err != nil {
			return fmt.Errorf("%w: set a group and a version, such as apps/v1", err)
		}
		if t.gv.Group != "" {
			if err := validSegment("group of the group version", t.gv.Group); err != nil {
				return err
			}
		}
		if t.resource == "" {
			return errors.New("the request has no path: set Resource or AbsPath")
		}
	}
	switch {
	case t.resource == "" && t.name != "":
		return fmt.Errorf("the name %q has no resource: set Resource, such as \"pods\"", t.name)
	case t.name == "" && len(t.subresource) > 0:
		return fmt.Errorf(
			"the subresource %q belongs to one object: set its Name",
			strings.Join(t.subresource, "/"))
	}
	return nil
}

// String returns the target in words: pods/log "web" in namespace "default".
func (t target) String() string {
	if t.resource == "" {
		if t.abs == "" {
			return "nothing"
		}
		return t.abs
	}
	s := t.resource
	if t.gv.Group != "" && t.abs == "" {
		s += "." + t.gv.Group
	}
	if len(t.subresource) > 0 {
		s += "/" + strings.Join(t.subresource, "/")
	}
	if t.name != "" {
		s += " " + strconv.Quote(t.name)
	}
	if t.namespace != "" {
		s += " in namespace " + strconv.Quote(t.namespace)
	}
	return s
}
