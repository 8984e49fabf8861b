// devcluster builds the control plane for tests, kube-apiserver, etcd and kube-controller-manager in
// one program:
//
//	go run github.com/skiff-k8s/skiff/tools/devcluster@latest
//
// It needs Go and some gigabytes for Go's caches, and nothing else. The first build compiles
// Kubernetes, some six minutes on two cores; a later one takes seconds. The program is written to
// go install's folder, where package controlplane finds it, or to the file that -o names.
//
// `go install` of the module itself is refused, because Kubernetes' own modules only work with
// replacements in the go.mod of whoever builds them. So the module's source is copied to a folder of
// the user's cache and built there, as the main module. -source builds what is in a folder, such as
// that of a clone.
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
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout)
	switch {
	case err == nil:
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "devcluster:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("devcluster", flag.ContinueOnError)
	out := flags.String("o", "", "write the program to this `file` (default: devcluster in the folder of go install)")
	folder := flags.String("source", "", "build the module in this `folder`")
	version := flags.String("version", ownVersion(), "without -source, build this version of the module")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("there are no arguments, only flags: %q", flags.Args())
	}
	if *folder == "" {
		fetched, err := fetch(ctx, *version)
		if err != nil {
			return err
		}
		*folder = fetched
	}
	if *out == "" {
		bin, err := installFolder(ctx)
		if err != nil {
			return err
		}
		*out = filepath.Join(bin, program())
	}
	path, err := filepath.Abs(*out)
	if err != nil {
		return err
	}
	return build(ctx, *folder, path, stdout)
}

// program is the program's file name.
func program() string {
	if runtime.GOOS == "windows" {
		return "devcluster.exe"
	}
	return "devcluster"
}
