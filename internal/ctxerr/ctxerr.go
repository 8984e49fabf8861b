// Package ctxerr returns the error of a context together with its cause.
package ctxerr

import (
	"context"
	"fmt"
)

// Of returns ctx.Err(). If the context was canceled with a cause of its own
// (context.WithCancelCause and the like), the result wraps both: errors.Is finds context.Canceled
// as well as the cause. It returns nil while ctx has not ended.
func Of(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if err == nil || cause == err {
		return err
	}
	return fmt.Errorf("%w: %w", err, cause)
}
