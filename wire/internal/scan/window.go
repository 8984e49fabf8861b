package scan

import "io"

const (
	// smallWindow is the size of a window at first: some HTTP/2 frames, or ten pods.
	smallWindow = 32 << 10
	// roomyWindow is the size above which a window gives memory back when the large object that it
	// grew for has passed: a stream may be quiet for hours.
	roomyWindow = 1 << 20
	// maxEmptyReads is how often a reader may return neither bytes nor an error.
	maxEmptyReads = 100
)

// Window is the part of a stream that is being looked at: bytes that have come and that are not
// discarded yet. It grows with the bytes that have come, never with a length that the input claims.
//
// It is for one goroutine at a time, and reads the stream only when bytes are missing.
type Window struct {
	r          io.Reader // nil: all bytes are in buf already
	buf        []byte
	start, end int   // buf[start:end] is the window
	offset     int64 // of buf[start], from the beginning of the stream
	max        int   // how many bytes the window may hold before it asks for more
	full       error // the error when it holds as many
}

// NewWindow returns a window on a stream, nothing read yet. It holds at most maxBytes, but never
// less than its first size; full is the error when that is not enough. It grows by doubling, up to
// a buffer of maxBytes.
func NewWindow(r io.Reader, maxBytes int, full error) Window {
	return Window{r: r, max: max(maxBytes, smallWindow), full: full}
}

// Whole returns a window on bytes that are all there. It never writes to them.
func Whole(data []byte) Window {
	return Window{buf: data, end: len(data), max: len(data)}
}

// Bytes returns the bytes in the window. They are good until the next call of Need, Skip or More.
// What follows discarded bytes keeps its place relative to the window's beginning.
func (w *Window) Bytes() []byte { return w.buf[w.start:w.end] }

// Offset returns the place of the window's first byte, from the beginning of the stream.
func (w *Window) Offset() int64 { return w.offset }

// Need waits for the first n bytes of the window and returns them. n is at most the window's
// maximum. The errors are those of More.
func (w *Window) Need(n int) ([]byte, error) {
	for w.end-w.start < n {
		if err := w.More(); err != nil {
			return nil, err
		}
	}
	return w.buf[w.start : w.start+n], nil
}

// Skip discards n bytes, also those that have not come yet, and however many they are. The errors
// are those of More.
func (w *Window) Skip(n uint64) error {
	for n > uint64(w.end-w.start) {
		n -= uint64(w.end - w.start)
		w.Discard(w.end - w.start)
		if err := w.More(); err != nil {
			return err
		}
	}
	w.Discard(int(n))
	return nil
}

// Discard removes the first n bytes from the window.
func (w *Window) Discard(n int) {
	w.start += n
	w.offset += int64(n)
}

// More reads at least one more byte. It returns io.EOF, exactly, at the end of the stream, the
// error that NewWindow was given when the window holds its maximum, and a ReadError when the reader
// fails.
func (w *Window) More() error {
	if w.r == nil {
		return io.EOF
	}
	if w.end-w.start >= w.max {
		return w.full
	}
	if w.end == len(w.buf) || len(w.buf) > roomyWindow && w.end-w.start < smallWindow/2 {
		w.makeRoom()
	}
	for range maxEmptyReads {
		n, err := w.r.Read(w.buf[w.end:])
		w.end += n
		switch {
		case n > 0:
			return nil // an error beside the bytes comes again with the next read
		case err == io.EOF:
			return io.EOF
		case err != nil:
			return ReadError{err}
		}
	}
	return ReadError{io.ErrNoProgress}
}

// makeRoom moves the window to the front of its buffer, or to another buffer. Half of it is free
// afterwards, unless it has its maximum, so that what is moved is little beside what is read. A
// window that is not full has room afterwards.
func (w *Window) makeRoom() {
	held, size := w.end-w.start, len(w.buf)
	switch {
	case held > size/2:
		size += min(size, w.max-size) // doubled, but no larger than it may ever need
	case held < smallWindow/2 && (size == 0 || size > roomyWindow):
		size = smallWindow
	}
	buf := w.buf
	if size != len(buf) {
		buf = make([]byte, size)
	}
	copy(buf, w.Bytes())
	w.buf, w.start, w.end = buf, 0, held
}

// Fault returns err with its place: where the stream ended or failed, or else where the window
// begins.
func (w *Window) Fault(err error) *Fault {
	at := w.offset
	if _, failed := err.(ReadError); failed || err == io.EOF {
		at += int64(w.end - w.start)
	}
	return &Fault{at, err}
}
