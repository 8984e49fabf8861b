// Package cli is what the commands of skiff have in common: streams, flags, clients, the resources
// that arguments name, errors and exit codes.
package cli

import (
	"io"
	"os"
	"sync"

	"golang.org/x/term"
)

// Streams are the standard streams of a command. A test passes its own.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Standard returns the streams of this process.
func Standard() Streams { return Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr} }

// Shared returns the streams with a standard error that several goroutines may write to at once: the
// command, and the client's log. A file is one already.
func (s Streams) Shared() Streams {
	if _, ok := s.Err.(*os.File); !ok {
		s.Err = &locked{w: s.Err}
	}
	return s
}

type locked struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *locked) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(data)
}

// IsTerminal reports whether stream, an io.Reader or io.Writer, is a terminal.
func IsTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// Colour reports whether w may be written to in colour: it is a terminal that knows colours, and
// $NO_COLOR is not set (https://no-color.org).
func Colour(w io.Writer) bool {
	return IsTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
