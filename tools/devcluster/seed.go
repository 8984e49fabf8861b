package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// addSeed starts a cluster with the program and appends the objects that every new cluster has, so that
// later starts need not wait until Kubernetes has written them. A program without a seed works, and
// takes a second longer to start, so a failure is reported and is not an error: seeded is false then.
func addSeed(ctx context.Context, path string, stdout io.Writer) (seeded bool, err error) {
	seed := path + ".seed"
	defer os.Remove(seed)
	if err := appendSeed(ctx, path, seed); err != nil {
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		fmt.Fprintf(stdout, "devcluster: each start will take a second longer: %v\n", err)
		return false, nil
	}
	return true, nil
}

func appendSeed(ctx context.Context, path, seed string) error {
	command := exec.CommandContext(ctx, path, "seed", seed)
	var said bytes.Buffer
	command.Stderr = &said
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = 10 * time.Second
	if err := command.Run(); err != nil {
		return fmt.Errorf("take the objects of a new cluster: %w\n%s", err, bytes.TrimSpace(said.Bytes()))
	}
	data, err := os.ReadFile(seed)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}
