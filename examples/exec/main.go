// exec runs a command in a container, and ends with its exit code.
//
//	go run ./examples/exec [--kubeconfig FILE] [--namespace NAME] [--container NAME] [--stdin] POD COMMAND…
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/remote"
	"github.com/skiff-k8s/skiff/rest"
)

func main() {
	path := flag.String("kubeconfig", "",
		"kubeconfig `file` (default: $KUBECONFIG, ~/.kube/config, in-cluster)")
	namespace := flag.String("namespace", "default", "`namespace` of the pod")
	container := flag.String("container", "", "`name` of the container (default: the pod's only one)")
	stdin := flag.Bool("stdin", false, "pass standard input on")
	flag.Parse()
	if flag.NArg() < 2 {
		fmt.Fprintln(os.Stderr, "usage: exec [flags] POD COMMAND…")
		os.Exit(2)
	}
	session := remote.Session{Container: *container, Stdout: os.Stdout, Stderr: os.Stderr}
	if *stdin {
		session.Stdin = os.Stdin
	}
	err := run(*path, *namespace, flag.Arg(0), flag.Args()[1:], session)
	if exit, ok := errors.AsType[*remote.ExitError](err); ok {
		os.Exit(exit.Code)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "exec:", err)
		os.Exit(1)
	}
}

func run(path, namespace, pod string, command []string, session remote.Session) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	cfg, err := kubeconfig.Load(path)
	if err != nil {
		return err
	}
	c, err := rest.NewClient(cfg)
	if err != nil {
		return err
	}
	return remote.Exec(ctx, c, namespace, pod, command, session)
}
