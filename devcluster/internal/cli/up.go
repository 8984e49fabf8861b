package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/skiff-k8s/skiff/devcluster/internal/cluster"
	"github.com/skiff-k8s/skiff/devcluster/internal/control"
)

func up(v Versions) *cobra.Command {
	var (
		o       cluster.Options
		steered bool
	)
	c := &cobra.Command{
		Use:   "up",
		Short: "Run a cluster until Ctrl-C",
		Long: "Up starts a cluster, prints the path of its kubeconfig on standard output, and runs until it\n" +
			"is interrupted. A second interrupt does not wait for anything.",
		Args: arguments(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			if steered {
				return upControlled(o, v)
			}
			o.Find = true
			return upUntilSignal(o, v)
		},
	}
	clusterFlags(c, &o)
	c.Flags().BoolVar(&steered, "control", false, "be steered by another program: read commands from standard input, answer each\nwith a line of JSON on standard output, and end with standard input")
	return c
}

func upUntilSignal(o cluster.Options, v Versions) error {
	signals := listen()
	ctx, cancel := signals.context()
	defer cancel()
	c, err := start(ctx, o, v)
	if err != nil {
		return interrupted(ctx, err)
	}
	fmt.Println(c.Kubeconfig())
	fmt.Fprintf(os.Stderr, "devcluster: export KUBECONFIG=%s\n", c.Kubeconfig())
	select {
	case <-ctx.Done():
		fmt.Fprintln(os.Stderr, "devcluster: stopping")
		return c.Stop()
	case err := <-c.Failed():
		return errors.Join(err, c.Stop())
	}
}

// upControlled is `devcluster up --control`. If standard input ends during the start, the start is
// aborted.
func upControlled(o cluster.Options, v Versions) error {
	signals := listen()
	ctx, cancel := signals.context()
	defer cancel()
	input := newInput(os.Stdin)
	starting, stopStarting := context.WithCancel(ctx)
	defer stopStarting()
	defer context.AfterFunc(input, stopStarting)()
	c, err := cluster.Start(starting, withSeed(o, v))
	if err != nil {
		if input.Err() != nil {
			return nil
		}
		if ctx.Err() == nil {
			control.Write(os.Stdout, control.Message{Event: control.Failed, Error: err.Error()})
		}
		return interrupted(ctx, err)
	}
	if err := control.Write(os.Stdout, control.Message{
		Event:      control.Ready,
		OK:         true,
		Version:    v.Kubernetes,
		Kubeconfig: c.Kubeconfig(),
		Server:     c.Server(),
		Data:       c.Data(),
		Logs:       c.Logs(),
		PIDs:       c.PIDs(),
		States:     c.States(),
	}); err != nil {
		return errors.Join(fmt.Errorf("tell that the cluster is up: %w", err), c.Stop())
	}
	served := make(chan error, 1)
	go func() { served <- control.Serve(ctx, input, os.Stdout, c) }()
	select {
	case err := <-served:
		if ctx.Err() != nil {
			err = nil
		}
		return errors.Join(err, c.Stop())
	case err := <-c.Failed():
		cancel()
		<-served // so that the last line is the last
		err = errors.Join(err, c.Stop())
		control.Write(os.Stdout, control.Message{Event: control.Failed, Error: err.Error()})
		return err
	}
}
