// Package skiff is a tour: it holds no code, and is what `go doc` shows first.
//
// skiff is a Kubernetes client and controller stack built around one idea: an object stays bytes
// until somebody reads it. Its packages, from the bottom up:
//
//   - kind: which resource a Go type is
//   - wire: objects as bytes, off a stream, in JSON and protobuf
//   - workqueue: what is to be done, once per key, with delays, rate limits and retries
//   - rest: the one package that speaks HTTP; its [rest.Client] is the RESTClient of the field
//   - kubeconfig: from $KUBECONFIG, ~/.kube/config or a pod to a rest.Config
//   - client, clientset, dynamic, discovery: the four other ways to ask a server
//   - store: the cache, packed
//   - informer: a cache that follows the server, and its handlers and listers
//   - controller: the reconcile loop
//   - controlplane: a real control plane, for tests and demos
//
// Start with a config and a client, then take the layer that fits:
//
//	cfg, err := kubeconfig.Load("")
//	c, err := rest.NewClient(cfg)
//
//	pod, err := client.Of[corev1.Pod](c).In("default").Get(ctx, "web-0", metav1.GetOptions{})
//
//	factory := informer.NewFactory(c)
//	pods := informer.For[corev1.Pod](factory)
//
//	err = controller.Run(ctx, factory, controller.New("tagger", reconcile, controller.For(pods)))
//
// README.md has a whole controller, examples/ a small program for every use, and DESIGN.md the
// reasons.
package skiff
