// Command demo starts a real Kubernetes control plane and the addingress operator on it. It then
// shows the operator's behaviour step by step, and waits for the expected result of each step.
//
//	make run               # stays up afterwards until Ctrl-C, to be tried by hand
//	make run ARGS=--once   # ends after the last step
//
// Exit codes: 0; 1 if a step failed, a component did not start, or the demo was interrupted before
// the last step; 2 if a flag is invalid. No process outlives the demo, even if it is killed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/rest"
)

// startTimeout limits the start of the control plane. It takes seconds, but more on a busy machine.
const startTimeout = 2 * time.Minute

func main() {
	if len(os.Args) > 3 && os.Args[1] == guardCommand {
		os.Exit(guard(os.Args[2], os.Args[3:]))
	}
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(stderr)
	once := flags.Bool("once", false, "end after the last step")
	binary := flags.String("addingress", "",
		"the addingress `binary`; default: beside this one, in bin/, or in $PATH")
	timeout := flags.Duration("step-timeout", time.Minute, "how long a step may take to come true")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "demo: unexpected argument %q\n", flags.Arg(0))
		return 2
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	d := &demo{out: newPrinter(stdout), once: *once, binary: *binary, stepTimeout: *timeout}
	err := d.run(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		fmt.Fprintln(stdout, "\nInterrupted; everything is stopped.")
		return 1
	case err != nil:
		fmt.Fprintf(stderr, "\ndemo: %v\n", err)
		return 1
	}
	return 0
}

// demo is one run of the demo.
type demo struct {
	out         *printer
	once        bool
	binary      string
	stepTimeout time.Duration
}

// run shows all steps. All processes that it starts have ended when it returns.
func (d *demo) run(ctx context.Context) (err error) {
	binary, err := findAddingress(d.binary)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "skiff-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	d.out.say("Starting a Kubernetes control plane (etcd, kube-apiserver, kube-controller-manager)")
	startCtx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	started := d.out.waiting("the control plane is starting")
	cluster, err := controlplane.Run(startCtx)
	started()
	if err != nil {
		return fmt.Errorf("start the control plane: %w", err)
	}
	defer func() { err = errors.Join(err, cluster.Stop()) }()
	client, err := rest.NewClient(cluster.Config())
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	if err := d.greet(ctx, client); err != nil {
		return err
	}

	operator, err := startAddingress(binary, cluster.Kubeconfig(), dir)
	if err != nil {
		return fmt.Errorf("start addingress: %w", err)
	}
	defer func() { err = errors.Join(err, operator.stop()) }()
	d.out.say("addingress runs: %s", operator)

	running, ended := context.WithCancelCause(ctx)
	defer ended(nil)
	go func() {
		<-operator.ended
		ended(errors.New("addingress ended on its own"))
	}()
	if err := tell(running, d.out, client, d.stepTimeout); err != nil {
		return fmt.Errorf("%w\nThe end of addingress's log:\n%s", err, operator.lastWords())
	}
	if now, peak, ok := operator.memory(); ok {
		d.out.plain("addingress uses %s of memory (VmRSS), %s at its peak (VmHWM).",
			megabytes(now), megabytes(peak))
	}
	if d.once {
		return nil
	}
	if err := d.invite(dir, cluster); err != nil {
		return err
	}
	<-running.Done()
	if ctx.Err() == nil {
		return fmt.Errorf("%w:\n%s", context.Cause(running), operator.lastWords())
	}
	d.out.say("Stopping")
	return nil
}

// greet prints the server's version and address.
func (d *demo) greet(ctx context.Context, client *rest.Client) error {
	version, err := serverVersion(ctx, client)
	if err != nil {
		return err
	}
	d.out.say("Kubernetes %s is up on %s", version, client.Config().Host)
	return nil
}

// findAddingress returns the path of the operator's binary.
func findAddingress(given string) (string, error) {
	if given != "" {
		return given, nil
	}
	name := "addingress"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	var places []string
	if self, err := os.Executable(); err == nil {
		places = append(places, filepath.Join(filepath.Dir(self), name))
	}
	if dir, err := os.Getwd(); err == nil {
		for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
			places = append(places, filepath.Join(dir, "bin", name))
		}
	}
	for _, place := range places {
		if info, err := os.Stat(place); err == nil && info.Mode().IsRegular() {
			return place, nil
		}
	}
	return "", errors.New(
		"find addingress: no binary beside this one or in bin/; `make run` builds both, " +
			"and --addingress names one")
}
