// Package forwarding listens on a local port for a pod.
package forwarding

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
)

// ClientGo forwards a free local port to port 80 of the pod "web", until ctx ends. It calls ready
// with the address.
func ClientGo(ctx context.Context, cfg *rest.Config, namespace string, ready func(address string)) error {
	c, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}
	transport, upgrader, err := spdy.RoundTripperFor(cfg)
	if err != nil {
		return err
	}
	url := c.CoreV1().RESTClient().Post().Resource("pods").Namespace(namespace).Name("web").
		SubResource("portforward").URL()
	dialer := spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, url)
	listening := make(chan struct{})
	forwarder, err := portforward.NewOnAddressesWithContext(ctx, dialer, []string{"127.0.0.1"},
		[]string{"0:80"}, listening, io.Discard, io.Discard)
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- forwarder.ForwardPorts() }()
	select {
	case <-listening:
	case err := <-done:
		return err
	}
	ports, err := forwarder.GetPorts()
	if err != nil {
		return fmt.Errorf("get the local port: %w", err)
	}
	ready(fmt.Sprintf("127.0.0.1:%d", ports[0].Local))
	return <-done
}
