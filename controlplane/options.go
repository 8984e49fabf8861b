package controlplane

// Option configures the start of a control plane. None is needed.
type Option func(*options)

type options struct {
	apiServer, controllerManager []string // further flags
	noControllerManager, kubelet bool
	data                         string   // a folder to keep; "" means a temporary one
	crds                         []string // paths
	webhooks                     []Webhooks
}

func optionsOf(opts []Option) (o options) {
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

// args returns the options that configure components, as devcluster's flags.
func (o *options) args() (args []string) {
	for _, a := range o.apiServer {
		args = append(args, "--apiserver-arg="+a)
	}
	for _, a := range o.controllerManager {
		args = append(args, "--controller-manager-arg="+a)
	}
	if o.noControllerManager {
		args = append(args, "--no-controller-manager")
	}
	if o.data != "" {
		args = append(args, "--data="+o.data)
	}
	if o.kubelet {
		args = append(args, "--kubelet")
	}
	return args
}

// WithAPIServerArgs adds flags to kube-apiserver's command line, for example
// "--feature-gates=WatchList=false". They replace this package's own flags of the same name.
func WithAPIServerArgs(args ...string) Option {
	return func(o *options) { o.apiServer = append(o.apiServer, args...) }
}

// WithControllerManagerArgs adds flags to kube-controller-manager's command line, as WithAPIServerArgs
// does. It is an error if $KUBEBUILDER_ASSETS has no kube-controller-manager.
func WithControllerManagerArgs(args ...string) Option {
	return func(o *options) { o.controllerManager = append(o.controllerManager, args...) }
}

// WithoutControllerManager starts no kube-controller-manager. Then nothing is garbage-collected, no
// service accounts are created, namespaces that are deleted stay, and only the test writes.
func WithoutControllerManager() Option {
	return func(o *options) { o.noControllerManager = true }
}

// WithData keeps the cluster's data in the folder dir, and continues with the data that is there. The
// default is a temporary folder, which Stop removes.
func WithData(dir string) Option {
	return func(o *options) { o.data = dir }
}

// WithKubelet registers a node, devcluster, on which pods run: they are bound to it, become Running
// and Ready, and have logs, exec, attach, port-forward and the proxy. Their processes are scripts of
// a few commands, whatever their image is; devcluster's README lists them. Without a command, a
// container waits until it is stopped. It is an error with $KUBEBUILDER_ASSETS: only devcluster has
// that kubelet.
func WithKubelet() Option {
	return func(o *options) { o.kubelet = true }
}
