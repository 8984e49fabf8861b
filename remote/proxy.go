package remote

import (
	"net/http"

	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
)

// ServiceProxy returns a RoundTripper that sends requests through the API server to a service. name
// is "[https:]NAME[:PORT]", where PORT is a number or a name, and may be missing if the service has
// one port:
//
//	web := &http.Client{Transport: remote.ServiceProxy(c, "default", "web:80")}
//	resp, err := web.Get("http://web/metrics?name=x")
//
// Of a request's URL only the path and the query are used. The answer is that of the service. The
// API server's own errors are answers too, with a Status as their body: 404 if there is no such
// service, 503 if it has no endpoint, 403 if the user may not (the verb of the request's method: get,
// create, update, patch or delete, of services/proxy). Headers Authorization and Impersonate-* are
// not passed on; the API server replaces the host in redirects and in links of HTML. The API server
// verifies no certificate of the service.
//
// An argument that is missing is an error of each request.
func ServiceProxy(c *rest.Client, namespace, name string) http.RoundTripper {
	return proxy(c, "services", namespace, name)
}

// PodProxy returns a RoundTripper that sends requests through the API server to a pod. name is
// "[https:]NAME[:PORT]"; without PORT it is the first port of the first container. The rest is as
// with [ServiceProxy], of pods/proxy.
func PodProxy(c *rest.Client, namespace, name string) http.RoundTripper {
	return proxy(c, "pods", namespace, name)
}

func proxy(c *rest.Client, resource, namespace, name string) http.RoundTripper {
	if namespace == "" {
		return mistake{&kind.MisuseError{
			Verb: "proxy to", Resource: resource, Name: name, Problem: "the namespace is missing",
		}}
	}
	return c.GroupVersion(core).Get().Namespace(namespace).Resource(resource).Name(name).
		SubResource("proxy")
}

// mistake is a RoundTripper that cannot send anything.
type mistake struct{ error }

func (m mistake) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
	return nil, m.error
}
