package ctxerr_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/skiff-k8s/skiff/internal/ctxerr"
)

func TestOf(t *testing.T) {
	cause := errors.New("the owner went away")
	for name, c := range map[string]struct {
		end  func() context.Context
		want []error
		text string
	}{
		"goes on": {end: func() context.Context { return t.Context() }},
		"canceled": {end: func() context.Context {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			return ctx
		}, want: []error{context.Canceled}, text: "context canceled"},
		"canceled with a cause": {end: func() context.Context {
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(cause)
			return ctx
		}, want: []error{context.Canceled, cause}, text: "context canceled: the owner went away"},
		"past its deadline": {end: func() context.Context {
			ctx, cancel := context.WithDeadlineCause(t.Context(), time.Now().Add(-1), cause)
			cancel()
			return ctx
		}, want: []error{context.DeadlineExceeded, cause}, text: "context deadline exceeded: the owner went away"},
	} {
		t.Run(name, func(t *testing.T) {
			err := ctxerr.Of(c.end())
			if (err != nil) != (len(c.want) > 0) || err != nil && err.Error() != c.text {
				t.Errorf("Of returns %v, want %q", err, c.text)
			}
			for _, want := range c.want {
				if !errors.Is(err, want) {
					t.Errorf("%v does not wrap %v", err, want)
				}
			}
		})
	}
}
