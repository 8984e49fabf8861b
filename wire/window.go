package wire

import "io"

const (
	// smallWindow is what a window begins with: some HTTP/2 frames, or ten pods.
	smallWindow = 32 << 10
	// roomyWindow is from where on a window gives back the memory that it has grown to when the
	// large object has passed: the stream of a watch may be quiet for hours.
	roomyWindow = 1 << 20
	// maxEmptyReads is how often a reader may return neither bytes nor an error.
	maxEmptyReads = 100
)

// window is the part of a stream that is being looked at: bytes that have come and that nobody has
// discarded yet. It grows with what has come, never with what a length in the input announces.
type window struct {
	r          io.Reader // nil: all there is stands in buf already
	buf        []byte
	start, end int   // buf[start:end] is the window
	offset     int64 // of buf[start], from the beginning of the stream
	max        int   // the most that the window may hold before it asks for more
}

// newWindow returns a window on a stream, nothing read yet. Its max is at least what it begins
// with, so that parts of the input that are no object (a list's own metadata) have room however
// small the limit of an object is.
func newWindow(r io.Reader, maxObject int) window {
	return window{r: r, max: max(maxObject, smallWindow)}
}

// wholeWindow returns a window on bytes that are all there; it only reads them.
func wholeWindow(data []byte) window {
	return window{buf: data, end: len(data), max: len(data)}
}

// bytes is what the window holds. It is good until the next call of more; what follows discarded
// bytes keeps its place relative to the window's beginning.
func (w *window) bytes() []byte { return w.buf[w.start:w.end] }

// need is the first n bytes of the window, once they have come. n is at most the window's max.
func (w *window) need(n int) ([]byte, error) {
	for w.end-w.start < n {
		if err := w.more(); err != nil {
			return nil, err
		}
	}
	return w.buf[w.start : w.start+n], nil
}

// skip discards n bytes, also ones that have not come yet, and however many they are.
func (w *window) skip(n uint64) error {
	for n > uint64(w.end-w.start) {
		n -= uint64(w.end - w.start)
		w.discard(w.end - w.start)
		if err := w.more(); err != nil {
			return err
		}
	}
	w.discard(int(n))
	return nil
}

// discard takes the first n bytes out of the window.
func (w *window) discard(n int) {
	w.start += n
	w.offset += int64(n)
}

// more reads at least one byte more. It returns io.EOF, exactly, at the end of the stream,
// ErrTooLarge when the window holds its maximum, and a readError when the reader fails.
func (w *window) more() error {
	if w.r == nil {
		return io.EOF
	}
	if w.end-w.start >= w.max {
		return ErrTooLarge
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
			return readError{err}
		}
	}
	return readError{io.ErrNoProgress}
}

// makeRoom moves the window to the front of its buffer, or to another buffer. Half of it is free
// afterwards, so that what is moved is little beside what is read.
func (w *window) makeRoom() {
	held, size := w.end-w.start, len(w.buf)
	switch {
	case held > size/2:
		size *= 2
	case held < smallWindow/2 && (size == 0 || size > roomyWindow):
		size = smallWindow
	}
	buf := w.buf
	if size != len(buf) {
		buf = make([]byte, size)
	}
	copy(buf, w.bytes())
	w.buf, w.start, w.end = buf, 0, held
}

// fault is err with its place: where the stream ended or failed, or else where the window begins.
func (w *window) fault(err error) *fault {
	at := w.offset
	if _, failed := err.(readError); failed || err == io.EOF {
		at += int64(w.end - w.start)
	}
	return &fault{at, err}
}
