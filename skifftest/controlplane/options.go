package controlplane

// Option changes how a control plane is started. None is needed.
type Option func(*options)

type options struct{ args []string }

func (o *options) add(flag string, values ...string) {
	for _, v := range values {
		o.args = append(o.args, flag+"="+v)
	}
}

// WithAPIServerArgs gives kube-apiserver further flags, such as "--feature-gates=WatchList=false".
func WithAPIServerArgs(args ...string) Option {
	return func(o *options) { o.add("--apiserver-arg", args...) }
}

// WithControllerManagerArgs gives kube-controller-manager further flags.
func WithControllerManagerArgs(args ...string) Option {
	return func(o *options) { o.add("--controller-manager-arg", args...) }
}

// WithoutControllerManager leaves out the controller manager: nothing is garbage-collected and no
// service accounts are made, and nothing writes but the test.
func WithoutControllerManager() Option {
	return func(o *options) { o.args = append(o.args, "--no-controller-manager") }
}

// WithData keeps the cluster's data in dir, and continues with what is there. Default: a temporary
// folder that goes with the cluster.
func WithData(dir string) Option {
	return func(o *options) { o.add("--data", dir) }
}
