package cli

import (
	"context"
	"io"
)

// input is standard input that tells when it ends even while nobody reads it: a context that ends
// with it, and a reader of what came before.
type input struct {
	context.Context
	*io.PipeReader
}

func newInput(r io.Reader) input {
	ctx, cancel := context.WithCancel(context.Background())
	pipe, feed := io.Pipe()
	go func() {
		// Commands are short and the pipe holds none: one that comes before Serve waits here, and
		// the end behind it is not seen until then. The programs that steer wait for "ready".
		_, err := io.Copy(feed, r)
		feed.CloseWithError(err)
		cancel()
	}()
	return input{Context: ctx, PipeReader: pipe}
}
