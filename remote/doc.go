// Package remote works on what runs in a cluster: it reads logs ([Log], [Logs]), runs commands in
// containers ([Exec]), connects to their processes ([Attach]) and to their ports ([DialPort],
// [Forward]), and sends HTTP requests to services and pods ([ServiceProxy], [PodProxy]).
//
//	err := remote.Exec(ctx, c, "default", "web-0", []string{"tar", "c", "/data"}, remote.Session{
//		Stdout: file,
//		Stderr: os.Stderr,
//	})
//	if exit, ok := errors.AsType[*remote.ExitError](err); ok {
//		os.Exit(exit.Code)
//	}
//
// All functions are safe for concurrent use. Exec, Attach, Logs and [Forwarder.Run] block until they
// have done their work, and end with their context; what they start has ended when they return, but
// for a Read of [Session].Stdin. What Log and DialPort return ends with its Close.
//
// # Connections
//
// All but the logs use WebSocket, over HTTP/1.1 and through the client's TLS, proxy, credentials and
// retries. A connection that is made is never made again, because the server would start the
// command again. Each forwarded connection has a WebSocket connection of its own: none waits for
// another, and none ends with another.
//
// A connection is pinged every 30 seconds. If nothing arrives and a ping is not answered within 15
// seconds, it ends with an error. A server that waits for a process to read its input answers no
// pings; then one write may take 5 minutes.
//
// # Versions of Kubernetes
//
// Exec and Attach use v5.channel.k8s.io (KEP-4006), which API servers speak since Kubernetes 1.30,
// and with older servers v4.channel.k8s.io, which cannot end the standard input. A user needs the
// verb get, because a WebSocket handshake is a GET, and since Kubernetes 1.35 the verb create, of
// pods/exec or pods/attach.
//
// DialPort and Forward use SPDY/3.1+portforward.k8s.io (KEP-4006), which API servers speak since
// Kubernetes 1.31. Older ones are a [*VersionError]. The same verbs are needed, of pods/portforward.
package remote
