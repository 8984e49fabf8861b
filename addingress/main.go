// Command addingress is a controller that gives a Service annotated ingress/http: "true" an
// Ingress, repairs the Ingress, and deletes it when the annotation is removed. Package
// internal/addingress is the controller; this package parses the flags and stops it on a signal.
//
//	addingress --host-template '{{.Name}}.{{.Namespace}}.apps.example.com'
//
// It uses the cluster in the kubeconfig, or the cluster that it runs in. With --leader-elect one of
// several replicas works. After SIGTERM or SIGINT it finishes the reconciles under way and exits. After
// a second signal it exits at once.
//
// Exit codes: 0 after a clean stop; 1 if it could not start, if it lost the leadership, or if reconciles
// were aborted at the stop; 2 if a flag is invalid.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/skiff-k8s/skiff/addingress/internal/addingress"
	"github.com/skiff-k8s/skiff/election"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/operator"
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
	log := operator.NewLogger(stderr, opts.frame.LogLevel, opts.frame.LogFormat)
	operator.SetLogger(log)
	if err := operate(context.Background(), opts, log); err != nil {
		log.Error("addingress ends", "error", err)
		return exitError
	}
	log.Info("addingress stopped")
	return exitOK
}

// operate connects to the cluster and runs the operator until a signal comes, or ctx ends.
func operate(ctx context.Context, opts *options, log *slog.Logger) error {
	config, err := kubeconfig.Load(opts.kubeconfig, opts.kubeconfigOptions()...)
	if err != nil {
		return err
	}
	metrics := operator.NewMetrics(nil)
	config.UserAgent = "addingress/" + version()
	config.Logger = log
	config.Metrics = metrics.REST()
	frame := operator.Options{Name: leaseName(opts.operator.Instance), Settings: opts.settings(), Metrics: metrics, Logger: log}
	if opts.election.LeaderElect {
		elector, err := opts.elector(config, metrics)
		if err != nil {
			return err
		}
		frame.Elector = elector
		config = elector.Fence(config)
	}
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
		"resync", cfg.Resync, "leaderElect", opts.election.LeaderElect)
	return addingress.New(client, cfg).RunIn(ctx, frame)
}

// elector returns what elects one of the replicas of the instance.
func (o *options) elector(config *rest.Config, metrics *operator.Metrics) (*election.Elector, error) {
	e := o.election
	return election.New(config, election.Options{
		Namespace: cmp.Or(e.LeaderElectNamespace, config.Namespace), Name: leaseName(o.operator.Instance),
		LeaseDuration: e.LeaderElectLeaseDuration, RenewDeadline: e.LeaderElectRenewDeadline,
		RetryPeriod: e.LeaderElectRetryPeriod, Metrics: metrics.Election(),
	})
}

func orAll(namespace string) string {
	if namespace == "" {
		return "(all)"
	}
	return namespace
}
