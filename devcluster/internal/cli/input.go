package cli

import (
	"context"
	"io"
)

// input is standard input as a context that ends at EOF, even while nothing reads, and a reader of
// the bytes before EOF.
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
