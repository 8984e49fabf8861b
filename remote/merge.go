package remote

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/skiff-k8s/skiff/internal/ctxerr"
)

const (
	// shortLine is the memory that each log begins with. The kubelet cuts lines at 16 KB.
	shortLine = 16 << 10
	// maxLine is how much of a line waits for its end.
	maxLine = 1 << 20
)

// merger writes the lines of several logs to one writer.
type merger struct {
	ctx  context.Context
	stop context.CancelCauseFunc // ends all logs

	turn chan struct{} // held while one line is written
	w    io.Writer
}

func newMerger(ctx context.Context, w io.Writer) *merger {
	m := &merger{turn: make(chan struct{}, 1), w: w}
	m.ctx, m.stop = context.WithCancelCause(ctx)
	return m
}

// oneByOne copies the logs in their order.
func (m *merger) oneByOne(sources []source) error {
	var failed []error
	for _, s := range sources {
		err := m.copy(s)
		if m.ctx.Err() != nil {
			return m.ended()
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// together copies all logs at once.
func (m *merger) together(sources []source) error {
	failed := make([]error, len(sources))
	var wg sync.WaitGroup
	for i, s := range sources {
		wg.Go(func() { failed[i] = m.copy(s) })
	}
	wg.Wait()
	if m.ctx.Err() != nil {
		return m.ended()
	}
	return errors.Join(failed...)
}

// ended returns why all logs were ended: the error of the writer, or that of the context.
func (m *merger) ended() error {
	var failed *writeError
	if errors.As(context.Cause(m.ctx), &failed) {
		return failed
	}
	return fmt.Errorf("read logs: %w", ctxerr.Of(m.ctx))
}

// copy copies one log, line by line.
func (m *merger) copy(s source) error {
	log, err := s.open(m.ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", s, err)
	}
	defer log.Close()
	l := &lines{prefix: s.prefix, in: bufio.NewReaderSize(log, shortLine)}
	for {
		err := l.next(m)
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return fmt.Errorf("%s: %w", s, err)
		}
	}
}

// lines reads a log line by line.
type lines struct {
	prefix string
	in     *bufio.Reader
	line   []byte // begins with the prefix
}

// next writes the next line. After the last it returns io.EOF.
func (l *lines) next(m *merger) error {
	l.line = append(l.line[:0], l.prefix...)
	for {
		piece, err := l.in.ReadSlice('\n')
		l.line = append(l.line, piece...)
		switch {
		case err == nil:
			return m.write(l.line)
		case err == bufio.ErrBufferFull && len(l.line) < maxLine:
			continue
		case err == bufio.ErrBufferFull:
			return l.passOn(m)
		case len(l.line) > len(l.prefix): // an end without a line feed
			if failed := m.write(append(l.line, '\n')); failed != nil {
				return failed
			}
		}
		return err
	}
}

// passOn writes a line that is too long to wait for its end. No other line is written meanwhile.
func (l *lines) passOn(m *merger) error {
	if err := m.take(); err != nil {
		return err
	}
	defer m.give()
	if err := m.writeInTurn(l.line); err != nil {
		return err
	}
	for {
		piece, err := l.in.ReadSlice('\n')
		if failed := m.writeInTurn(piece); failed != nil {
			return failed
		}
		switch {
		case err == nil:
			l.line = nil // gives the memory back
			return nil
		case err != bufio.ErrBufferFull:
			if failed := m.writeInTurn([]byte{'\n'}); failed != nil {
				return failed
			}
			return err
		}
	}
}

// write writes one line.
func (m *merger) write(line []byte) error {
	if err := m.take(); err != nil {
		return err
	}
	defer m.give()
	return m.writeInTurn(line)
}

// take waits for the turn to write.
func (m *merger) take() error {
	select {
	case m.turn <- struct{}{}:
		return nil
	case <-m.ctx.Done():
		return m.ctx.Err()
	}
}

func (m *merger) give() { <-m.turn }

// writeInTurn writes a part of a line, or returns why nothing is written any more.
func (m *merger) writeInTurn(b []byte) error {
	if m.ctx.Err() != nil {
		return m.ctx.Err()
	}
	if _, err := m.w.Write(b); err != nil {
		failed := &writeError{err}
		m.stop(failed)
		return failed
	}
	return nil
}

// writeError is the error of the writer of Logs.
type writeError struct{ err error }

func (e *writeError) Error() string { return "write the logs: " + e.err.Error() }
func (e *writeError) Unwrap() error { return e.err }
