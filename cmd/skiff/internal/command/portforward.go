package command

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/cmd/skiff/internal/cli"
	"github.com/skiff-k8s/skiff/remote"
	"github.com/skiff-k8s/skiff/rest"
)

// localhost is the value of --address that means the loopback addresses.
const localhost = "localhost"

func newPortForward(f *cli.Factory) *cobra.Command {
	var addresses []string
	cmd := &cobra.Command{
		Use:   "port-forward (POD | TYPE/NAME) [LOCAL:]REMOTE ...",
		Short: "Forward local ports to a pod",
		Long: "Forward local ports to a pod, until the pod ends or the command is interrupted. REMOTE is " +
			"a port or its name; of a service (svc/web) it is a port of the service. :REMOTE listens on " +
			"any free port.",
		Example: "  skiff port-forward web-0 8080:80\n" +
			"  skiff port-forward svc/web 8080:http\n" +
			"  skiff port-forward deploy/web :80 --address 0.0.0.0",
		GroupID:           groupRun,
		Args:              cobra.MinimumNArgs(2),
		ValidArgsFunction: f.CompleteNames("pods"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return portForward(cmd.Context(), f, args[0], args[1:], addresses)
		},
	}
	cmd.Flags().StringSliceVar(&addresses, "address", []string{localhost},
		"IP `addresses` to listen on, or localhost; whoever can reach them can reach the pod")
	return cmd
}

func portForward(
	ctx context.Context, f *cli.Factory, arg string, ports, addresses []string,
) error {
	c, err := f.REST()
	if err != nil {
		return err
	}
	target, err := podArg(ctx, f, arg)
	if err != nil {
		return err
	}
	o := remote.ForwardOptions{Ports: ports, OnError: func(err error) {
		fmt.Fprintln(f.Err, "skiff:", err)
	}}
	for _, address := range addresses {
		switch {
		case address != localhost:
			o.Addresses = append(o.Addresses, address)
		case len(addresses) > 1:
			o.Addresses = append(o.Addresses, "127.0.0.1")
		}
	}
	name := ""
	if target.isService() {
		o.Service = target.name
	} else {
		pod, err := target.pod(ctx, f)
		if err != nil {
			return err
		}
		name = pod.Name
	}
	forwarder, err := remote.Forward(ctx, c, target.namespace, name, o)
	if err != nil {
		return err
	}
	for _, p := range forwarder.Ports() {
		fmt.Fprintf(f.Out, "Forwarding from %s -> pod/%s port %d\n", p.Local, forwarder.Pod(), p.Port)
	}
	return forwardUntilGone(ctx, c, target.namespace, forwarder)
}

// forwardUntilGone runs a forwarder until ctx ends, or its pod has ended, which is an error.
func forwardUntilGone(
	ctx context.Context, c *rest.Client, namespace string, forwarder *remote.Forwarder,
) error {
	name := forwarder.Pod()
	pods := client.Of[corev1.Pod](c).In(namespace)
	running, cancel := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	defer watching.Wait()
	defer cancel(nil)
	watching.Go(func() {
		how := ""
		_, err := pods.WaitFor(running, name, podEnded(&how))
		if err == nil { // otherwise the forwarder notices the pod's end with the next connection
			cancel(&goneError{"pod/" + name + " has " + how})
		}
	})
	err := forwarder.Run(running)
	if gone, ok := errors.AsType[*goneError](context.Cause(running)); ok {
		return gone
	}
	return err
}

// podEnded is met when the pod that was there at first does not run any more. how tells why.
func podEnded(how *string) client.Condition {
	uid := ""
	return client.Condition{Name: "end", Met: func(s client.Seen) (bool, string, error) {
		u := unstructured.Unstructured{Object: s.Object}
		phase, _, _ := unstructured.NestedString(s.Object, "status", "phase")
		switch {
		case s.Object == nil, uid != "" && uid != string(u.GetUID()):
			*how = "been deleted"
		case phase == string(corev1.PodSucceeded), phase == string(corev1.PodFailed):
			*how = "ended (" + phase + ")"
		}
		uid = string(u.GetUID())
		return *how != "", phase, nil
	}}
}

// goneError ends a port-forward.
type goneError struct{ text string }

func (e *goneError) Error() string { return "forward ports: " + e.text }
