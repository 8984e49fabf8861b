package controlplane

import (
	"context"
	"time"
)

// poll asks at growing pauses, up to the longest, until the answer is yes or an error, or ctx ends.
func poll(ctx context.Context, longest time.Duration, yes func() (bool, error)) error {
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, longest) {
		switch ok, err := yes(); {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case ok || err != nil:
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}
