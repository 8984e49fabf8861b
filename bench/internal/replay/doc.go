// Package replay serves a workload as a kube-apiserver would, so that clients can be measured on the
// same bytes: watch-lists, lists, watches from a version on, in protobuf or JSON as the client asks.
//
//	server, err := replay.Start(workload.New(workload.Config{}).Sources(), replay.Options{})
//	defer server.Close()
//	client := kubernetes.NewForConfigOrDie(&rest.Config{Host: server.URL()})
//	…
//	sent, err := server.Flood(ctx, replay.Flood{Resource: "pods", Events: 100_000})
//
// It reads and decodes nothing. What it has to remember of an object is its workload.State, and what
// changed is a log of states, each with the next resourceVersion; the bytes are made from them. Where
// they fit into Options.CannedBytes they are made before anybody waits for them: the lists when the
// server starts, the events of a flood before the first is sent. Where they do not, the server makes
// them as it sends, with a few buffers whatever the number.
//
// A flood ends with an event of the object workload.FloodEnd: whose cache has it has seen everything.
//
// For another process there are POST /control/flood and /control/churn; see Server.ServeHTTP.
package replay
