package webhook

import (
	"encoding/base64"
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
}

// Configurations returns the ValidatingWebhookConfiguration and the MutatingWebhookConfiguration of
// these webhooks, as YAML for kubectl apply: of those that Validate and Default made. It holds no
// selectors; they are added by hand.
func Configurations(o ConfigurationOptions, hooks ...*Hook) string {
	var docs []string
	for _, of := range []struct {
		role role
		kind string
	}{{validating, "ValidatingWebhookConfiguration"}, {mutating, "MutatingWebhookConfiguration"}} {
		var b strings.Builder
		names := map[string]int{}
		for _, h := range hooks {
			if h.role == of.role && h.err == nil && h.kind.Kind != "" {
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
	return strings.Join(docs, "---\n")
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
