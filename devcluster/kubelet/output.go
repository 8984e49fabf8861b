package kubelet

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// output is what one run of a process writes: into a log file in the format of the CRI, which
// package cri-client reads, and to those who are attached. It is safe for concurrent use.
type output struct {
	mu       sync.Mutex // guards the fields below
	file     *os.File
	attached map[io.Writer]string // the stream that each gets
	ended    chan struct{}        // closed at the end of the run
}

func newOutput(file string) (*output, error) {
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	return &output{file: f, attached: map[io.Writer]string{}, ended: make(chan struct{})}, nil
}

// stream returns the writer of a process for stdout or stderr.
func (o *output) stream(name string) io.Writer { return &stream{o, name} }

type stream struct {
	o    *output
	name string
}

// Write writes whole lines as such, and the rest as a part of one.
// Format: https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md
func (s *stream) Write(p []byte) (int, error) {
	s.o.mu.Lock()
	defer s.o.mu.Unlock()
	now := time.Now().UTC().Format(time.RFC3339Nano)
	var b bytes.Buffer
	for line := range bytes.Lines(p) {
		text, whole := bytes.CutSuffix(line, []byte{'\n'})
		tag := "P"
		if whole {
			tag = "F"
		}
		fmt.Fprintf(&b, "%s %s %s %s\n", now, s.name, tag, text)
	}
	if _, err := s.o.file.Write(b.Bytes()); err != nil {
		return 0, err
	}
	for w, name := range s.o.attached {
		if name == s.name {
			if _, err := w.Write(p); err != nil {
				delete(s.o.attached, w)
			}
		}
	}
	return len(p), nil
}

// attach sends what is written from now on to w as well, until detach is called.
func (o *output) attach(name string, w io.Writer) (detach func()) {
	if w == nil {
		return func() {}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.attached[w] = name
	return func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		delete(o.attached, w)
	}
}

func (o *output) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	_ = o.file.Close()
	close(o.ended)
}
