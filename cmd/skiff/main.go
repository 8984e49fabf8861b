// skiff is a command line tool for Kubernetes: a small kubectl that shows lists of any size in little
// memory.
//
//	skiff get pods -A
//	skiff help
package main

import (
	"context"
	"os"

	"github.com/skiff-k8s/skiff/cmd/skiff/internal/cli"
	"github.com/skiff-k8s/skiff/cmd/skiff/internal/command"
)

func main() {
	ctx, stop := cli.Signals(context.Background())
	defer stop()
	os.Exit(command.Main(ctx, os.Args[1:], cli.Standard()))
}
