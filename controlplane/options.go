package controlplane

// Option configures the start of a control plane. None is needed.
type Option func(*options)

type options struct {
	args []string // devcluster's
	crds []string // paths
}

func optionsOf(opts []Option) (o options) {
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

func (o *options) add(flag string, values ...string) {
	for _, v := range values {
		o.args = append(o.args, flag+"="+v)
	}
}

// WithAPIServerArgs adds flags to kube-apiserver's command line, for example "--feature-gates=WatchList=false".
func WithAPIServerArgs(args ...string) Option {
	return func(o *options) { o.add("--apiserver-arg", args...) }
}

// WithControllerManagerArgs adds flags to kube-controller-manager's command line.
func WithControllerManagerArgs(args ...string) Option {
	return func(o *options) { o.add("--controller-manager-arg", args...) }
}

// WithoutControllerManager starts no kube-controller-manager. Then nothing is garbage-collected, no
// service accounts are created, and only the test writes.
func WithoutControllerManager() Option {
	return func(o *options) { o.args = append(o.args, "--no-controller-manager") }
}

// WithData keeps the cluster's data in the folder dir, and continues with the data that is there. The
// default is a temporary folder, which Stop removes.
func WithData(dir string) Option {
	return func(o *options) { o.add("--data", dir) }
}

// WithKubelet registers a node, devcluster, on which pods run: they are bound to it, become Running
// and Ready, and have logs, exec, attach, port-forward and the proxy. Their processes are scripts of
// a few commands, whatever their image is; devcluster's README lists them. Without a command, a
// container waits until it is stopped.
func WithKubelet() Option {
	return func(o *options) { o.args = append(o.args, "--kubelet") }
}
