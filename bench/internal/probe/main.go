package probe

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// Main is the main function of a runner: it parses the flags, calls make for the subject, and
// serves standard input. It ends the process. After a failure it prints a line to standard error
// and exits with code 1.
func Main(name string, make func(Config) (Subject, error)) {
	var c Config
	flag.StringVar(&c.Server, "server", "", "the API server's `URL`")
	flag.StringVar(&c.Kubeconfig, "kubeconfig", "", "kubeconfig `file`, instead of --server")
	flag.StringVar(&c.Resource, "resource", "pods", "what the informer is of")
	flag.BoolVar(&c.Dynamic, "dynamic", false, "an informer without a Go type")
	flag.BoolVar(&c.JSON, "json", false, "ask for JSON also where protobuf is spoken")
	flag.StringVar(&c.Variant, "variant", "", "a choice of this runner")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	subject, err := make(c)
	if err == nil {
		err = Serve(ctx, subject, os.Stdin, os.Stdout)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}
