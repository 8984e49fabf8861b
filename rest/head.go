package rest

import (
	"errors"
	"io"
	"net/http"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/wire"
)

// A head keeps the beginning of a stream until its first object has been read: a server may answer
// a list or a watch by 200 and a Status.
type head struct {
	io.Reader
	kept []byte
	done bool // the first object has been read
}

func (h *head) Read(p []byte) (int, error) {
	n, err := h.Reader.Read(p)
	if !h.done {
		h.kept = append(h.kept, p[:min(n, maxErrorBody-len(h.kept))]...)
	}
	return n, err
}

// begun forgets the beginning.
func (h *head) begun() { h.done, h.kept = true, nil }

// explain returns the error of reading a stream that has not begun: a StatusError if the answer is
// a Status of a failure, and otherwise err with the request. kind is the answer's, if it is known.
// In JSON a Status has been read to its end when it is found not to be a list or an event.
func (h *head) explain(b *body, kind string, err error) error {
	var syntax *wire.SyntaxError
	if h.done || b.done() || !errors.As(err, &syntax) {
		return b.explain(err)
	}
	kept := h.kept
	if kind == "Status" && len(kept) < maxErrorBody {
		rest, _ := io.ReadAll(io.LimitReader(h.Reader, int64(maxErrorBody-len(kept))))
		kept = append(kept, rest...)
	}
	status, ok := decodeStatus(kept, b.resp.Header.Get("Content-Type"))
	if !ok || status.Status != metav1.StatusFailure && status.Code < http.StatusBadRequest {
		return b.explain(err)
	}
	return b.call.reported(status)
}
