package command

import (
	"context"
	"os"
	"time"

	"github.com/skiff-k8s/skiff/remote"
)

// sizeInterval is how often the size of the window is looked at: Windows has no signal for it.
const sizeInterval = 250 * time.Millisecond

// watchSize sends the size of a terminal, and again when it has changed, until ctx ends.
func watchSize(ctx context.Context, terminal *os.File, sizes chan<- remote.Size) {
	tick := time.NewTicker(sizeInterval)
	defer tick.Stop()
	var last remote.Size
	for {
		sendSize(ctx, terminal, &last, sizes)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
