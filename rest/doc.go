// Package rest speaks HTTP to a Kubernetes API server. It is the one package of skiff that does.
//
// What enters is a [Config]: where the server is, how it is trusted and who is asking. What leaves
// is a [Client] whose requests read as the field knows them, a [Result] that is still bytes, and
// streams of objects for lists and watches that package wire cuts into objects one by one.
//
//	cfg, err := kubeconfig.Load("")
//	if err != nil {
//		return err
//	}
//	c, err := rest.NewClient(cfg)
//	if err != nil {
//		return err
//	}
//	var pods corev1.PodList
//	err = c.Get().Namespace("default").Resource("pods").Do(ctx).Into(&pods)
//
// # Errors
//
// Every status that is not 2xx is a [*k8s.io/apimachinery/pkg/api/errors.StatusError], whatever the
// body looks like, so IsNotFound, IsConflict and their kin hold. Everything else says what was
// asked of which server and wraps its cause; ctx's own errors stay visible to errors.Is.
//
// # Retries
//
// A request is sent again only when that cannot do it twice:
//
//   - 429 and 503 with a Retry-After header, for every verb: the server turned the request away;
//   - any other 5xx with a Retry-After header, for verbs that may be repeated (everything but POST
//     and patches other than apply);
//   - a connection that could not be made, or broke before a byte of the request was written, for
//     every verb, three times within about a second;
//   - a connection that broke later, for reads only, three times as well.
//
// Waiting is bound by the context. A server that asks for more than two minutes gets no second
// request: its error is returned and carries the seconds.
//
// # Credentials
//
// A Config prints itself without its secrets, errors never hold the token, and a redirect to
// another host is not followed. Files named by the Config (token, CA, client certificate and key)
// are read again when they change: looked at once a minute at most, and at once after a 401 or a
// failed TLS handshake.
package rest
