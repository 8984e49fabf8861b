// Command addingress is a controller that gives a Service annotated ingress/http: "true" an
// Ingress, repairs the Ingress, and deletes it when the annotation is removed. Package
// internal/addingress is the controller; this package parses the flags and stops it on a signal.
//
//	addingress --host-template '{{.Name}}.{{.Namespace}}.apps.example.com'
//
// It uses the cluster in the kubeconfig, or the cluster that it runs in. After SIGTERM or SIGINT it
// finishes the reconciles under way and exits. After a second signal it exits at once.
//
// Exit codes: 0 after a clean stop; 1 if it could not start, or if reconciles were aborted at the
// stop; 2 if a flag is invalid.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/skiff-k8s/skiff/addingress/internal/addingress"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is main with the arguments and streams as parameters, and returns the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	opts, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		fmt.Fprintf(stderr, "addingress: %v\nRun addingress --help to see the flags.\n", err)
		return exitUsage
	case opts.version:
		fmt.Fprintln(stdout, version())
		return exitOK
	}
	log := opts.logger(stderr)
	slog.SetDefault(log)

	ctx, stop := signalContext(log)
	defer stop()
	if err := operate(ctx, opts, log); err != nil {
		log.Error("addingress ends", "error", err)
		return exitError
	}
	log.Info("addingress stopped")
	return exitOK
}

// operate connects to the cluster and runs the operator until ctx ends.
func operate(ctx context.Context, opts *options, log *slog.Logger) error {
	config, err := kubeconfig.Load(opts.kubeconfig, opts.kubeconfigOptions()...)
	if err != nil {
		return err
	}
	config.UserAgent = "addingress/" + version()
	config.Logger = log
	client, err := rest.NewClient(config)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	cfg := opts.operator
	cfg.Logger = log
	log.Info("addingress starts", "version", version(), "server", config.Host,
		"instance", cfg.Instance, "namespace", orAll(cfg.Namespace),
		"hostTemplate", cfg.Hosts.String(), "ingressClass", cfg.IngressClass,
		"workers", cfg.Workers, "maxRetries", (*retries)(&cfg.MaxRetries).String(),
		"resync", cfg.Resync)
	return addingress.New(client, cfg).Run(ctx)
}

func orAll(namespace string) string {
	if namespace == "" {
		return "(all)"
	}
	return namespace
}

// signalContext returns a context that ends at the first SIGTERM or SIGINT. A second
// signal has its usual effect and ends the process at once.
func signalContext(log *slog.Logger) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	var listener sync.WaitGroup
	listener.Go(func() {
		select {
		case s := <-signals:
			signal.Stop(signals)
			log.Info("told to stop; once more stops at once", "signal", s.String())
			cancel()
		case <-ctx.Done():
		}
	})
	return ctx, func() {
		signal.Stop(signals)
		cancel()
		listener.Wait()
	}
}
