package client

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/skiff-k8s/skiff/internal/ctxerr"
)

const (
	// conflictTries is how often a write is tried that another one gets in the way of. With the
	// pauses that is about four seconds.
	conflictTries = 10

	// The pause between two tries begins at conflictPause, doubles up to maxConflictPause, and is
	// spread up to twice that, so that writers who met do not meet again.
	conflictPause    = 10 * time.Millisecond
	maxConflictPause = time.Second
)

// RetryOnConflict calls write until it returns an error for which apierrors.IsConflict does not
// hold, or nil, and returns that. It calls write at most 10 times, with growing pauses between the
// calls, about four seconds together. The error after that wraps the last conflict, so IsConflict
// holds for it. If ctx ends during a pause, the error wraps that of ctx.
//
// write reads the object each time that it is called. [Client.Modify] does so by itself.
func RetryOnConflict(ctx context.Context, write func() error) error {
	return retry(ctx, "write", apierrors.IsConflict, write)
}

// retry calls write until its error is none that another try helps against. what begins the error
// when there are no tries left.
func retry(ctx context.Context, what string, again func(error) bool, write func() error) error {
	for try := 1; ; try++ {
		err := write()
		if err == nil || !again(err) {
			return err
		}
		if try == conflictTries {
			return fmt.Errorf("%s, after %d tries: %w", what, try, err)
		}
		pause := min(conflictPause<<(try-1), maxConflictPause)
		timer := time.NewTimer(pause + rand.N(pause))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("%s, after %d tries, the last of which failed (%w): %w", what, try,
				err, ctxerr.Of(ctx))
		}
	}
}
