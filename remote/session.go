package remote

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The protocols of a session, as names of WebSocket subprotocols. The first byte of a message is
// its channel. Source: k8s.io/apimachinery/pkg/util/remotecommand; KEP-4006 for the fifth.
const (
	protocolV4 = "v4.channel.k8s.io"
	protocolV5 = "v5.channel.k8s.io" // can close a channel
)

// The channels.
const (
	channelStdin  = 0
	channelStdout = 1
	channelStderr = 2
	channelStatus = 3   // the result, as a metav1.Status in JSON
	channelResize = 4   // sizes of the terminal, as JSON
	channelClose  = 255 // followed by the channel that is closed
)

// maxStatus limits the result of a session, in bytes.
const maxStatus = 1 << 20

// The reason and the cause of a Status by which a command's exit code is told.
const (
	reasonExitCode = "NonZeroExitCode"
	causeExitCode  = "ExitCode"
)

// running is a session on an open connection.
type running struct {
	Session
	socket     *socket
	what       string
	halfCloses bool
}

// carry passes the streams on until the result arrives, and returns it. All goroutines that it
// starts have ended then, but for one that waits in Stdin.Read.
func (r *running) carry() error {
	var wg sync.WaitGroup
	defer wg.Wait()
	defer r.socket.close()
	wg.Go(r.socket.keepAlive)
	if r.Stdin != nil {
		wg.Go(r.sendStdin)
	}
	if r.TTY && r.Resize != nil {
		wg.Go(r.sendSizes)
	}
	status, err := r.receive()
	if err == nil {
		return r.result(status)
	}
	if errors.Is(err, errClosed) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("%w: %w", ErrNoStatus, err)
	}
	return fmt.Errorf("%s: %w", r.what, err)
}

// receive passes the output on and returns the result.
func (r *running) receive() (*metav1.Status, error) {
	buf := make([]byte, maxPiece)
	for {
		message, err := r.socket.next()
		if err != nil {
			return nil, err
		}
		var channel [1]byte
		if _, err := io.ReadFull(message, channel[:]); err == io.EOF {
			continue
		} else if err != nil {
			return nil, err
		}
		switch channel[0] {
		case channelStdout:
			err = pass(r.Stdout, "standard output", message, buf)
		case channelStderr:
			err = pass(r.Stderr, "standard error", message, buf)
		case channelStatus:
			status, err := readStatus(message)
			if err != nil || status != nil {
				return status, err
			}
		default: // a close of a channel, or a channel of a later version
			err = pass(nil, "", message, buf)
		}
		if err != nil {
			return nil, err
		}
	}
}

// pass writes the rest of a message to w. nil drops it.
func pass(w io.Writer, name string, message io.Reader, buf []byte) error {
	for {
		n, err := message.Read(buf)
		if n > 0 && w != nil {
			if _, err := w.Write(buf[:n]); err != nil {
				return fmt.Errorf("write %s: %w", name, err)
			}
		}
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

// readStatus reads a result. An empty message is none: the server sends one when it is connected.
func readStatus(message io.Reader) (*metav1.Status, error) {
	data, err := io.ReadAll(io.LimitReader(message, maxStatus+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) == 0:
		return nil, nil
	case len(data) > maxStatus:
		return nil, fmt.Errorf("the server sent a result of more than %d bytes", maxStatus)
	}
	status := new(metav1.Status)
	if err := json.Unmarshal(data, status); err != nil {
		return nil, fmt.Errorf("read the result: %w", err)
	}
	return status, nil
}

// result returns the error that a Status tells, or nil.
func (r *running) result(s *metav1.Status) error {
	if s.Status == metav1.StatusSuccess {
		return nil
	}
	if s.Reason == reasonExitCode && s.Details != nil {
		for _, cause := range s.Details.Causes {
			if cause.Type != causeExitCode {
				continue
			}
			code, err := strconv.Atoi(cause.Message)
			if err != nil {
				return fmt.Errorf("%s: read the exit code: %w", r.what, err)
			}
			return &ExitError{Code: code, what: r.what}
		}
	}
	s.Message = fmt.Sprintf("%s (%s)", s.Message, r.what)
	return &apierrors.StatusError{ErrStatus: *s}
}

// sendStdin sends the standard input and, after it, its end.
func (r *running) sendStdin() {
	in := &input{pieces: make(chan []byte), sent: make(chan struct{}, 1)}
	go in.read(r.Stdin, r.socket.life.Done())
	for {
		select {
		case <-r.socket.life.Done():
			return
		case piece := <-in.pieces:
			if piece == nil {
				r.endStdin(in.err)
				return
			}
			if r.socket.send(piece) != nil {
				return // receive meets the same end
			}
			in.sent <- struct{}{}
		}
	}
}

// endStdin closes the channel of the standard input, or ends the session if reading it failed.
func (r *running) endStdin(err error) {
	switch {
	case err != io.EOF:
		r.socket.end(fmt.Errorf("read standard input: %w", err))
	case r.halfCloses:
		_ = r.socket.send([]byte{channelClose, channelStdin})
	}
}

// input is the standard input as messages to send.
type input struct {
	pieces chan []byte   // nil at the end
	sent   chan struct{} // a piece was sent, and its memory may be used again
	err    error         // the error of reading; set before the end
}

// read reads in until its end, or until done is closed. It is the one goroutine that is not waited
// for, because a Read of a terminal cannot be interrupted.
func (i *input) read(in io.Reader, done <-chan struct{}) {
	buf := make([]byte, 1+maxPiece)
	buf[0] = channelStdin
	for {
		n, err := in.Read(buf[1:])
		if n > 0 {
			select {
			case i.pieces <- buf[:1+n]:
			case <-done:
				return
			}
			select {
			case <-i.sent:
			case <-done:
				return
			}
		}
		if err != nil {
			i.err = err
			select {
			case i.pieces <- nil:
			case <-done:
			}
			return
		}
	}
}

// sendSizes sends the sizes of the terminal.
func (r *running) sendSizes() {
	for {
		select {
		case <-r.socket.life.Done():
			return
		case size, ok := <-r.Resize:
			if !ok {
				return
			}
			data, err := json.Marshal(size)
			if err != nil || r.socket.send(append([]byte{channelResize}, data...)) != nil {
				return
			}
		}
	}
}
