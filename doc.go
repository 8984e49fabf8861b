// Package skiff is a tour of the library; it holds no code.
//
// skiff is a Kubernetes client and controller stack built around one idea: an object stays bytes
// until somebody reads it. Its packages, from the bottom up:
//
//   - kind: which resource a Go type is
//   - wire: objects as bytes, off a stream, in JSON and protobuf
//   - pack: objects packed against one like them
//   - store: the packed cache, its indexes and selectors
//   - workqueue: keys to work on, once each, with delays, rate limits and retries
//   - rest: HTTP; its [rest.Client] is the RESTClient of the field
//   - kubeconfig: from $KUBECONFIG, ~/.kube/config or a pod's service account to a rest.Config
//   - client: the typed client of any Go type; clientset: the same by name
//   - dynamic: any resource as unstructured objects; discovery: what the server serves
//   - remote: logs, exec, attach, port-forward and proxy
//   - informer: a cache that follows the server, with handlers and listers
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
// README.md shows a whole controller, examples/ has a small program for each use, and DESIGN.md tells
// the architecture.
package skiff
