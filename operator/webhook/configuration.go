package webhook

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ConfigurationOptions are what Configurations cannot see in the webhooks.
type ConfigurationOptions struct {
	// Name is that of both configurations.
	Name string
	// Namespace, Service and Port are the Service in front of the replicas. 0 means port 443.
	Namespace, Service string
	Port               int
	// URL is where the server is, without a path, if Service is "": "https://127.0.0.1:9443" for a
	// server beside an API server.
	URL string
	// Annotations are those of both configurations, such as cert-manager.io/inject-ca-from.
	Annotations map[string]string
	// CABundle are the certificates to trust, as PEM. nil means none: an Authority or cert-manager
	// writes them.
	CABundle []byte
	// Authority is the one that keeps the server's certificate. Webhooks for Secrets leave out its
	// Secret then: otherwise they would have to answer before it can be made or renewed.
	Authority *Authority
}

// Configurations returns the ValidatingWebhookConfiguration and the MutatingWebhookConfiguration of
// these webhooks, as YAML for kubectl apply: of those that Validate and Default made. Those of
// ValidateRaw and Convert are left out: the one has no kind, the other belongs to a
// CustomResourceDefinition. It holds no selectors; they are added by hand.
//
// Its error is a hook that is nil or has an error (Hook.Err), or options without a name or a place.
func Configurations(o ConfigurationOptions, hooks ...*Hook) (string, error) {
	var errs []error
	switch {
	case o.Name == "":
		errs = append(errs, errors.New("print webhook configurations: they need a name"))
	case o.URL == "" && (o.Service == "" || o.Namespace == ""):
		errs = append(errs, errors.New("print webhook configurations: "+
			"they need the name and the namespace of a Service, or a URL"))
	}
	for i, h := range hooks {
		if h == nil {
			errs = append(errs, fmt.Errorf("print webhook configurations: hook %d is nil", i))
		} else if h.err != nil {
			errs = append(errs, fmt.Errorf("print webhook configurations: %w", h.err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return "", err
	}
	var docs []string
	for _, of := range []struct {
		role role
		kind string
	}{{validating, "ValidatingWebhookConfiguration"}, {mutating, "MutatingWebhookConfiguration"}} {
		var b strings.Builder
		names := map[string]int{}
		for _, h := range hooks {
			if h.role == of.role && h.kind.Kind != "" {
				h.configuration(&b, &o, names)
			}
		}
		if b.Len() == 0 {
			continue
		}
		head := "apiVersion: admissionregistration.k8s.io/v1\nkind: " + of.kind +
			"\nmetadata:\n  name: " + strconv.Quote(o.Name) + "\n"
		if len(o.Annotations) > 0 {
			head += "  annotations:\n"
			for _, name := range slices.Sorted(maps.Keys(o.Annotations)) {
				head += "    " + strconv.Quote(name) + ": " + strconv.Quote(o.Annotations[name]) + "\n"
			}
		}
		docs = append(docs, head+"webhooks:\n"+b.String())
	}
	return strings.Join(docs, "---\n"), nil
}

// configuration writes one element of webhooks.
func (h *Hook) configuration(b *strings.Builder, o *ConfigurationOptions, names map[string]int) {
	name := roleNames[h.role] + "." + h.kind.Resource + "." + h.kind.Version
	if h.kind.Group != "" {
		name += "." + h.kind.Group
	}
	if names[name]++; names[name] > 1 {
		name = roleNames[h.role] + "-" + strconv.Itoa(names[name]) + strings.TrimPrefix(name, roleNames[h.role])
	}
	policy, timeout := "Fail", 10*time.Second
	if h.ignore {
		policy = "Ignore"
	}
	if h.timeout > 0 {
		timeout = h.timeout
	}
	resources := []string{h.kind.Resource}
	for _, s := range h.subresources {
		resources = append(resources, h.kind.Resource+"/"+s)
	}
	operations := make([]string, len(h.operations))
	for i, op := range h.operations {
		operations[i] = string(op)
	}
	line := func(text string) { b.WriteString(text + "\n") }
	line("- name: " + strconv.Quote(name))
	line("  admissionReviewVersions: [v1]")
	line("  sideEffects: None")
	line("  failurePolicy: " + policy)
	line("  timeoutSeconds: " + strconv.Itoa(int(timeout/time.Second)))
	line("  rules:")
	line("  - apiGroups: " + quoted(h.kind.Group))
	line("    apiVersions: " + quoted(h.kind.Version))
	line("    resources: " + quoted(resources...))
	line("    operations: " + quoted(operations...))
	if a := o.Authority; a != nil && h.kind.Group == "" && h.kind.Resource == "secrets" {
		line("  matchConditions:")
		line("  - name: not-the-certificate-of-webhooks")
		line("    expression: " + strconv.Quote("!(has(request.name) && request.name == "+
			strconv.Quote(a.options.Secret)+" && request.namespace == "+strconv.Quote(a.options.Namespace)+")"))
	}
	line("  clientConfig:")
	if o.Service != "" {
		port := o.Port
		if port == 0 {
			port = 443
		}
		line("    service: {namespace: " + strconv.Quote(o.Namespace) + ", name: " + strconv.Quote(o.Service) +
			", port: " + strconv.Itoa(port) + ", path: " + strconv.Quote(h.path) + "}")
	} else {
		line("    url: " + strconv.Quote(strings.TrimSuffix(o.URL, "/")+h.path))
	}
	if len(o.CABundle) > 0 {
		line("    caBundle: " + base64.StdEncoding.EncodeToString(o.CABundle))
	}
}

func quoted(values ...string) string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = strconv.Quote(v)
	}
	return "[" + strings.Join(all, ", ") + "]"
}
