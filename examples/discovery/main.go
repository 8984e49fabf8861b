// discovery prints the server's version and every resource that it has, by group and version.
//
//	go run ./examples/discovery [--kubeconfig FILE]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"text/tabwriter"

	"github.com/skiff-k8s/skiff/discovery"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

func main() {
	path := flag.String("kubeconfig", "",
		"kubeconfig `file` (default: $KUBECONFIG, ~/.kube/config, in-cluster)")
	flag.Parse()
	if err := run(*path); err != nil {
		fmt.Fprintln(os.Stderr, "discovery:", err)
		os.Exit(1)
	}
}

func run(path string) error {
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
	d := discovery.New(c)

	version, err := d.ServerVersion(ctx)
	if err != nil {
		return err
	}
	fmt.Println("Kubernetes", version.GitVersion)

	// A group whose own server is down is reported at the end, not instead of the others.
	versions, incomplete := d.Resources(ctx)
	if partial := (*discovery.PartialError)(nil); incomplete != nil &&
		!errors.As(incomplete, &partial) {
		return incomplete
	}

	w := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', 0)
	for _, v := range versions {
		fmt.Fprintf(w, "\n%s\n", v.APIVersion())
		for _, r := range v.Resources {
			scope := "cluster"
			if r.Info.Namespaced {
				scope = "namespaced"
			}
			fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", r.Info.Resource, r.Info.Kind, scope,
				strings.Join(r.Verbs, ","))
		}
	}
	return errors.Join(w.Flush(), incomplete)
}
