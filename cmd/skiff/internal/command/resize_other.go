//go:build !windows

package command

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/skiff-k8s/skiff/remote"
)

// watchSize sends the size of a terminal, and again when it has changed, until ctx ends.
func watchSize(ctx context.Context, terminal *os.File, sizes chan<- remote.Size) {
	changed := make(chan os.Signal, 1)
	signal.Notify(changed, syscall.SIGWINCH)
	defer signal.Stop(changed)
	var last remote.Size
	for {
		sendSize(ctx, terminal, &last, sizes)
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}
