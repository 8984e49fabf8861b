// tables prints the objects of a resource as kubectl get does: the server makes the columns.
//
//	go run ./examples/tables [--kubeconfig FILE] [--namespace NAMESPACE] RESOURCE
//
// RESOURCE is pods, po, deploy, ingresses.networking.k8s.io and so on.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"text/tabwriter"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/discovery"
	"github.com/skiff-k8s/skiff/dynamic"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

func main() {
	path := flag.String("kubeconfig", "",
		"kubeconfig `file` (default: $KUBECONFIG, ~/.kube/config, in-cluster)")
	namespace := flag.String("namespace", "", "`namespace` (default: all)")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: tables [--kubeconfig FILE] [--namespace NAMESPACE] RESOURCE")
		os.Exit(2)
	}
	if err := run(*path, *namespace, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "tables:", err)
		os.Exit(1)
	}
}

func run(path, namespace, resource string) error {
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
	r, err := discovery.New(c).ForResource(ctx, resource)
	if err != nil {
		return err
	}
	objects := dynamic.New(c).Resource(r.Info.GVR()).In(namespace)

	w := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', 0)
	rows := 0
	for table, err := range objects.Tables(ctx, metav1.ListOptions{}, metav1.IncludeMetadata) {
		if err != nil {
			return err
		}
		if rows == 0 {
			header(w, table, r.Info.Namespaced)
		}
		rows += len(table.Rows)
		for _, row := range table.Rows {
			if meta, ok := row.Object.Object.(*metav1.PartialObjectMetadata); ok && r.Info.Namespaced {
				fmt.Fprint(w, meta.Namespace, "\t")
			}
			line(w, table, func(i int) any { return row.Cells[i] })
		}
	}
	return w.Flush()
}

func header(w io.Writer, table *metav1.Table, namespaced bool) {
	if namespaced {
		fmt.Fprint(w, "NAMESPACE\t")
	}
	line(w, table, func(i int) any { return strings.ToUpper(table.ColumnDefinitions[i].Name) })
}

// line prints the cells of the columns that are not for wide output.
func line(w io.Writer, table *metav1.Table, cell func(int) any) {
	for i, column := range table.ColumnDefinitions {
		if column.Priority == 0 {
			fmt.Fprint(w, cell(i), "\t")
		}
	}
	fmt.Fprintln(w)
}
