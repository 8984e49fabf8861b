// Package rest sends requests to a Kubernetes API server. It is the only package of skiff that
// speaks HTTP.
//
// A [Config] says where the server is, how it is trusted and who is asking; package kubeconfig
// makes one. [NewClient] returns a [Client], which makes requests:
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
// [Request.Do] reads the whole answer and returns it as bytes, in a [Result] that decodes on
// demand. [Request.List] and [Request.Watch] return streams, from which the caller reads one object
// or event at a time. [Request.Stream] returns the body as it arrives.
//
// # Errors
//
// An answer whose status is not 2xx is an error of type
// [*k8s.io/apimachinery/pkg/api/errors.StatusError], whatever its body holds. IsNotFound,
// IsConflict and the other functions of that package therefore work. Every other error names the
// request and the server, and wraps its cause and a *url.Error, so that utilnet.IsProbableEOF works. If ctx ended, errors.Is finds ctx's error.
//
// # Retries
//
// A request is sent again only if that cannot carry it out twice:
//
//   - after 429 or 503 with a Retry-After header, for every verb: the server did not accept the
//     request (RFC 6585 section 4, RFC 9110 section 15.6.4);
//   - after another 5xx with a Retry-After header, for verbs that may be repeated: all but POST,
//     and of the patches only apply;
//   - after a connection that could not be made, or that broke before the request's headers were
//     written, for every verb: three times within about a second;
//   - after a connection that broke later, for GET, HEAD and OPTIONS: three times as well.
//
// [Config.MaxRetries] limits all of these together. The context bounds the waiting. If a server
// asks for a wait of more than one minute, the request is not sent again: the server's error is
// returned, and carries the seconds.
//
// # Between the client and the server
//
// [Config.Proxy] and [ProxyURL] name a proxy; without them the environment's is used. [Config.Wrap]
// adds middleware, which sees each attempt with its credentials. Two wrappers are here: [Trace] logs
// requests as kubectl's -v=6 to 9 does, without credentials, and [TraceContext] sends a traceparent.
// [Config.Metrics] gets measurements. [Config.RateLimiter] can be shared between clients.
//
// # Credentials
//
// A Config prints itself without its secrets, and a redirect to another host is not followed.
//
// A server may send a credential back. Errors, StatusErrors, the objects of ERROR events, warnings
// and log lines show "[redacted]" or asterisks in its place, also if it is percent-encoded, escaped,
// in hexadecimal or in base64. A body or an object that the caller asked for stays as it is. A
// credential of four to seven bytes is replaced as a whole word only, and a shorter one only after a
// word such as "Bearer" or "token", so that it does not spoil every message.
//
// Credentials are not sent to an http Host that is not this machine, unless
// [Config.PlaintextCredentials] permits it.
//
// The files that a Config names (token, CA, client certificate and key) are
// read again when they change. They are compared at most once a minute, and at once after a 401 or
// a failed TLS handshake.
//
// [Config.Credentials] is a source of tokens and client certificates that change otherwise, such as
// a credential plugin. If the server refuses what a source returned, by a 401 or in the TLS
// handshake, the source is asked for others, and the request is sent once more with them, whatever
// its verb: a request that is refused is not carried out.
package rest
