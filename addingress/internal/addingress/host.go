package addingress

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/skiff-k8s/skiff/addingress/internal/template"
)

// DefaultHostTemplate makes hosts that are unique in the cluster. They are below example.com, which
// RFC 2606 reserves, so they conflict with no real host.
const DefaultHostTemplate = "{{.Name}}.{{.Namespace}}.example.com"

// HostTemplate makes the host of a Service's Ingress from the Service's name and
// namespace. It is immutable and safe for concurrent use.
type HostTemplate struct {
	text     string
	template *template.Template
}

// ParseHostTemplate parses a Go template of a host name. The template may use the Service's
// {{.Name}} and {{.Namespace}}, constants, if with else, pipelines, and these functions of
// text/template: and, or, not, eq, ne, lt, le, gt, ge, len, slice, print, printf.
//
// It returns an error if the template does not parse, or if the host for the Service default/web is
// invalid: the host of any other Service would be invalid too.
func ParseHostTemplate(text string) (*HostTemplate, error) {
	fail := func(err error) error {
		return fmt.Errorf("host template %q: %w (a good one: %q)", text, err, DefaultHostTemplate)
	}
	parsed, err := template.Parse(text)
	if err != nil {
		return nil, fail(err)
	}
	t := &HostTemplate{text, parsed}
	if _, err := t.Host("web", "default"); err != nil {
		return nil, fail(fmt.Errorf("for the Service default/web: %w", err))
	}
	return t, nil
}

// String returns the template's text.
func (t *HostTemplate) String() string { return t.text }

// Host returns the host of the named Service. It returns an error if the template fails or the host
// is invalid.
func (t *HostTemplate) Host(name, namespace string) (string, error) {
	host, err := t.template.Execute(template.Data{Name: name, Namespace: namespace})
	if err != nil {
		return "", err
	}
	return host, checkHost(host)
}

// maxLabel is the longest part of a host name between two dots (RFC 1035 2.3.4). The API server
// does not check it, but no DNS server can resolve a longer one.
const maxLabel = 63

// checkHost returns an error if host breaks the API server's rule for an Ingress's host (a DNS name
// whose first label may be "*", and no IP address) or the DNS rule for labels.
func checkHost(host string) error {
	if host == "" {
		return errors.New("the host is empty")
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return fmt.Errorf("the host %q is an IP address, and an Ingress needs a DNS name", host)
	}
	check := validation.IsDNS1123Subdomain
	if strings.Contains(host, "*") {
		check = validation.IsWildcardDNS1123Subdomain
	}
	if problems := check(host); len(problems) > 0 {
		return fmt.Errorf("the host %q is invalid: %s", host, strings.Join(problems, "; "))
	}
	for label := range strings.SplitSeq(host, ".") {
		if len(label) > maxLabel {
			return fmt.Errorf(
				"the host %q is invalid: its part %q has %d characters, DNS allows %d",
				host, label, len(label), maxLabel)
		}
	}
	return nil
}
