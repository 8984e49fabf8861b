package cli

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/skiff-k8s/skiff/devcluster/internal/cluster"
	"github.com/skiff-k8s/skiff/devcluster/internal/guard"
)

// commandGrace is how long a command may take to end after it was asked to.
const commandGrace = 15 * time.Second

func run(v Versions) *cobra.Command {
	var o cluster.Options
	c := &cobra.Command{
		Use:   "run [flags] -- COMMAND [ARGUMENT…]",
		Short: "Run a cluster for the life of a command",
		Long: "Run starts a cluster, runs the command with KUBECONFIG set to the cluster's, stops the\n" +
			"cluster when the command ends, and ends with the command's exit status. What the command\n" +
			"leaves running is killed with the cluster.",
		Example: "  devcluster run -- go test ./...",
		Args:    arguments(cobra.MinimumNArgs(1)),
		RunE:    func(_ *cobra.Command, args []string) error { return runCommand(o, v, args) },
	}
	// Flags after the command's name are the command's.
	c.Flags().SetInterspersed(false)
	clusterFlags(c, &o)
	return c
}

func runCommand(o cluster.Options, v Versions, args []string) error {
	// Before the cluster starts, so that a typing error is reported at once.
	path, err := exec.LookPath(args[0])
	if err != nil && !errors.Is(err, exec.ErrDot) {
		fmt.Fprintf(os.Stderr, "devcluster: run %s: %v\n", args[0], err)
		return status(guard.NotFound)
	}
	signals := listen()
	ctx, cancel := signals.context()
	defer cancel()
	c, err := start(ctx, o, v)
	if err != nil {
		return interrupted(ctx, err)
	}
	command, err := guard.Start(path, args, environment(c.Kubeconfig()))
	if err != nil {
		return errors.Join(err, c.Stop())
	}
	var failure error
	select {
	case <-command.Done():
	case <-ctx.Done():
		end(command, true)
	case failure = <-c.Failed():
		fmt.Fprintln(os.Stderr, "devcluster:", failure)
		end(command, false)
	}
	if err := c.Stop(); err != nil {
		return err
	}
	if failure != nil {
		return status(exitFailure)
	}
	return status(command.ExitCode())
}

// end asks the command to end, and waits until it and all processes that it started have ended.
// After a signal from the terminal it does not ask again, because many programs abort at the second
// signal.
func end(command *guard.Command, signalled bool) {
	if !signalled || !inForeground() {
		command.Signal(syscall.SIGTERM)
	}
	timer := time.AfterFunc(commandGrace, command.Kill)
	defer timer.Stop()
	<-command.Done()
}

// environment returns this process's environment with KUBECONFIG set.
func environment(kubeconfig string) []string {
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "KUBECONFIG=") {
			env = append(env, e)
		}
	}
	return append(env, "KUBECONFIG="+kubeconfig)
}
