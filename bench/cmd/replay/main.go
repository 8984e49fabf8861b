// replay serves a workload as a kube-apiserver would, until its standard input ends. It prints its
// URL to standard output.
//
//	go run ./cmd/replay --pods 20000
//	curl -X POST 'http://127.0.0.1:PORT/control/flood?resource=pods&events=100000'
package main

import (
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/skiff-k8s/skiff/bench/internal/replay"
	"github.com/skiff-k8s/skiff/bench/internal/workload"
)

func main() {
	var config workload.Config
	var options replay.Options
	flag.IntVar(&config.Pods, "pods", 20_000, "how many `pods`; what else there is grows with them")
	flag.Uint64Var(&config.Seed, "seed", workload.DefaultSeed, "what the objects are made from")
	flag.Int64Var(&options.CannedBytes, "canned-bytes", 1<<30, "how much is made before it is sent, at most; -1: nothing")
	flag.StringVar(&options.Can, "can", "", "the one `list` that is made before it is asked for, such as pods/protobuf (default: all that fit)")
	flag.Parse()
	if err := run(config, options, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "replay:", err)
		os.Exit(1)
	}
}

// run serves until in ends: the process that started the server has closed it, or has ended.
func run(config workload.Config, options replay.Options, in io.Reader, out io.Writer) error {
	server, err := replay.Start(workload.New(config).Sources(), options)
	if err != nil {
		return err
	}
	defer server.Close()
	if _, err := fmt.Fprintln(out, server.URL()); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, in)
	return err
}
