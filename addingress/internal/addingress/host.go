package addingress

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"text/template"

	"k8s.io/apimachinery/pkg/util/validation"
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

// hostData is the data of a template.
type hostData struct{ Name, Namespace string }

// ParseHostTemplate parses a Go template of a host name. The template may use the Service's
// {{.Name}} and {{.Namespace}}.
//
// It returns an error if the template does not parse, or if the host for the Service default/web is
// invalid: the host of any other Service would be invalid too.
func ParseHostTemplate(text string) (*HostTemplate, error) {
	fail := func(err error) error {
		return fmt.Errorf("host template %q: %w (a good one: %q)", text, err, DefaultHostTemplate)
	}
	parsed, err := template.New("host").Parse(text)
	if err != nil {
		return nil, fail(errors.New(strings.TrimPrefix(err.Error(), "template: ")))
	}
	t := &HostTemplate{text: text, template: parsed}
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
	var b strings.Builder
	if err := t.template.Execute(&b, hostData{Name: name, Namespace: namespace}); err != nil {
		return "", errors.New(strings.TrimPrefix(err.Error(), "template: "))
	}
	host := b.String()
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
