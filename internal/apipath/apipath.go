// Package apipath reads the paths of requests to an API server
// (https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris).
package apipath

import "strings"

// Path is what the path of a request names.
type Path struct {
	Group, Version, Resource string
	Namespace, Name          string
	Subresource              string // with all that follows it
}

// Parse returns what a path names; ok is false if that is no resource.
func Parse(path string) (p Path, ok bool) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case len(parts) >= 3 && parts[0] == "api":
		p.Version, parts = parts[1], parts[2:]
	case len(parts) >= 4 && parts[0] == "apis":
		p.Group, p.Version, parts = parts[1], parts[2], parts[3:]
	default:
		return Path{}, false
	}
	if len(parts) >= 3 && parts[0] == "namespaces" && !namespaceParts[parts[2]] {
		p.Namespace, parts = parts[1], parts[2:]
	}
	p.Resource = parts[0]
	if len(parts) > 1 {
		p.Name = parts[1]
	}
	if len(parts) > 2 {
		p.Subresource = strings.Join(parts[2:], "/")
	}
	return p, true
}

// namespaceParts are the subresources of a Namespace.
var namespaceParts = map[string]bool{"status": true, "finalize": true}
