package operator

import (
	"net/url"
	"strings"

	"github.com/skiff-k8s/skiff/informer"
)

// hostOf returns the host and port of the API server of a factory, as rest.RequestInfo has them.
func hostOf(f *informer.Factory) string {
	server := strings.TrimPrefix(f.Client().String(), "rest.Client of ")
	if u, err := url.Parse(server); err == nil && u.Host != "" {
		return u.Host
	}
	return server
}
