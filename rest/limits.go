package rest

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/skiff-k8s/skiff/wire"
)

// DefaultMaxAnswerBytes is the default of Config.MaxAnswerBytes: 128 MiB. A list of 20,000 pods,
// whole, is about as large. A list that may be larger is read by List, which holds one object.
const DefaultMaxAnswerBytes = 128 << 20

// maxErrorBody limits how much of an error's body is read. A Status with a cause for every field of
// a large object is smaller.
const maxErrorBody = 1 << 20

// ErrAnswerTooLarge is in the chain of the error of Do if the answer is larger than
// Config.MaxAnswerBytes. The request is not sent again: the answer would be as large.
var ErrAnswerTooLarge = errors.New("the answer is over the limit of Config.MaxAnswerBytes")

// maxAnswer returns how many bytes of an answer are held, or -1 for no limit.
func (c *Config) maxAnswer() int {
	switch {
	case c.MaxAnswerBytes < 0:
		return -1
	case c.MaxAnswerBytes == 0:
		return DefaultMaxAnswerBytes
	}
	return c.MaxAnswerBytes
}

// reading completes the options of package wire with the limit of one object.
func (c *Config) reading(o wire.Options) wire.Options {
	if o.MaxObjectBytes == 0 {
		o.MaxObjectBytes = c.MaxObjectBytes
	}
	return o
}

const (
	// firstRead is how much memory is taken for an answer of unknown length.
	firstRead = 4 << 10
	// trustedLength is how much memory is taken for a length that the server only announced.
	trustedLength = 1 << 20
)

// readAll reads the whole body, up to limit bytes, and closes it. The limit counts what the body
// is after decompression. At its largest, the memory taken is one and a half times the limit.
func readAll(resp *http.Response, limit int) ([]byte, error) {
	defer resp.Body.Close()
	if limit >= 0 && resp.ContentLength > int64(limit) {
		return nil, tooLarge(limit)
	}
	size := firstRead
	if n := resp.ContentLength; n > 0 {
		size = int(min(n, trustedLength)) + 1 // one more, to see the end
	}
	b := make([]byte, 0, size)
	for {
		if len(b) == cap(b) {
			size := 2 * cap(b)
			if limit >= 0 && size >= limit {
				size = limit + 1 // one more, to see that it is over
			}
			b = append(make([]byte, 0, size), b...)
		}
		n, err := resp.Body.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case limit >= 0 && len(b) > limit:
			return nil, tooLarge(limit)
		case err == io.EOF:
			return b, nil
		case err != nil:
			return nil, fmt.Errorf(
				"read the answer (%s, %d bytes so far): %w", resp.Status, len(b), err)
		}
	}
}

func tooLarge(limit int) error { return fmt.Errorf("%w (%d bytes)", ErrAnswerTooLarge, limit) }
