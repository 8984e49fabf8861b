// Package operator is the frame of an operator's process: what stands around its controllers in
// production.
//
//	var settings operator.Settings
//	operator.Parse("WEB_", &settings) // flags, environment, logger
//	…
//	err := operator.Run(ctx,
//		operator.Options{Factories: []*informer.Factory{factory}, Settings: settings},
//		controller.New("web", reconcile, controller.For(deployments)))
//
// [Run] handles signals, serves /healthz, /readyz and /metrics, runs the informers of one cluster
// or several, waits for the leadership where there is an election, runs the controllers, and stops
// all of that in the reverse order, each with its share of the grace period. [New] makes an
// operator to which parts ([Operator.Add]), checks ([Operator.Check]), handlers ([Operator.Handle])
// and metrics ([Metrics.Registry]) are added.
//
// Each part can be used alone: [Health] answers probes, [Caches] checks informers, [Metrics]
// counts, [Server] and [Certificate] serve, [Authorizer] asks the API server whether a request is
// permitted, [Signals] handles signals, [LimitMemory] sets Go's memory limit, [Flags] makes flags
// of a struct.
//
// # What is open to whom
//
// The servers listen on addresses that only this machine reaches, unless they are told otherwise.
// The probes are open to everybody who reaches their address, and name informers. /metrics is open
// to everybody who reaches Settings.MetricsAddress, unless Settings.Authorize is set. The page and
// the profiles are off. They have an address of their own, Settings.DebugAddress, and are refused on
// one that other machines reach without Authorize.
package operator
