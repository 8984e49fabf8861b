// Package remote works on what runs in a cluster: it reads logs ([Log], [Logs]), runs commands in
// containers ([Exec]) and connects to their processes ([Attach]).
//
//	err := remote.Exec(ctx, c, "default", "web-0", []string{"tar", "c", "/data"}, remote.Session{
//		Stdout: file,
//		Stderr: os.Stderr,
//	})
//	if exit, ok := errors.AsType[*remote.ExitError](err); ok {
//		os.Exit(exit.Code)
//	}
//
// All functions are safe for concurrent use, block until they have done their work, and end with
// their context. What they start has ended when they return, but for a Read of [Session].Stdin.
//
// # Connections
//
// Exec and Attach use WebSocket, over HTTP/1.1 and through the client's TLS, proxy, credentials and
// retries. A connection that is made is never made again, because the server would start the
// command again.
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
package remote
