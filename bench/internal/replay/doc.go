// Package replay serves a workload as a kube-apiserver would, so that clients can be measured on
// the same bytes: watch-lists, lists, watches from a version on, in protobuf or JSON as the client
// asks.
//
//	server, err := replay.Start(workload.New(workload.Config{}).Sources(), replay.Options{})
//	defer server.Close()
//	client := kubernetes.NewForConfigOrDie(&rest.Config{Host: server.URL()})
//	…
//	sent, err := server.Flood(ctx, replay.Flood{Resource: "pods", Events: 100_000})
//
// The server decodes nothing. Of each object it keeps the workload.State, and of the changes a log
// of states, each with the next resourceVersion. It makes the bytes from these. Bytes that fit into
// Options.CannedBytes are made in advance: the lists when the server starts, the events of a flood
// before the first is sent. Other bytes are made while they are sent, in a few buffers.
//
// A flood ends with an event of the object workload.FloodEnd. A cache that has this object has all
// changes.
//
// Another process can use POST /control/flood and /control/churn; see Server.ServeHTTP.
package replay
