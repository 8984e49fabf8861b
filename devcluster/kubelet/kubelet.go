// Package kubelet is the node of `devcluster --kubelet`: the streaming endpoint of a kubelet, made of
// Kubernetes' own packages (cri-streaming for exec, attach and port-forward, cri-client for logs),
// over containers whose processes are the commands of package script. Nothing of this machine runs
// in them.
//
// It registers a Node, binds the pods that have none to it, and brings them to Running and Ready.
// It is also the way of the API server to nodes and pods: see egress.go.
package kubelet

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
)

// options are the flags of the program. package cluster sets all of them.
type options struct {
	kubeconfig string // of an administrator
	cert, key  string // of the serving certificate
	ca         string // of the API server's client certificate
	egress     string // the socket that the API server dials nodes and pods by
	root       string // the folder of the containers' logs
}

// Main is the program.
func Main() int {
	var o options
	f := flag.NewFlagSet("kubelet", flag.ContinueOnError)
	f.StringVar(&o.kubeconfig, "kubeconfig", "", "kubeconfig `file`")
	f.StringVar(&o.cert, "cert", "", "serving certificate `file`")
	f.StringVar(&o.key, "key", "", "serving key `file`")
	f.StringVar(&o.ca, "client-ca", "", "`file` of the authority of clients")
	f.StringVar(&o.egress, "egress", "", "`socket` for the API server's connections to nodes and pods")
	f.StringVar(&o.root, "root", "", "`folder` for logs")
	if err := f.Parse(os.Args[1:]); err != nil {
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "Error: kubelet:", err)
		return 1
	}
	return 0
}

// run runs the node until ctx ends, or a part of it fails.
func run(ctx context.Context, o options) error {
	cfg, err := clientcmd.BuildConfigFromFlags("", o.kubeconfig)
	if err != nil {
		return err
	}
	cfg.QPS = -1 // the API server has priority and fairness
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	pods := newPods(ctx, client, o.root)
	egress, err := listenEgress(o.egress)
	if err != nil {
		return err
	}
	server, err := newServer(pods, o)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	start := func(name string, f func() error) {
		wg.Go(func() {
			if err := f(); err != nil && ctx.Err() == nil {
				cancel(fmt.Errorf("%s: %w", name, err))
			}
		})
	}
	start("serve", func() error { return server.serve(ctx) })
	start("forward", func() error { return serveEgress(ctx, egress, pods) })
	start("run pods", func() error { return pods.run(ctx) })
	start("register the node", func() error {
		return keepNode(ctx, client, server.listener.Addr().(*net.TCPAddr))
	})
	<-ctx.Done()
	wg.Wait()
	pods.wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	klog.Info("stopped")
	return nil
}
