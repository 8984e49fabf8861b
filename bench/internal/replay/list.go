package replay

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/bench/internal/workload"
)

// unitLen is how many positions are encoded at a time: a ReplicaSet's pods.
const unitLen = 50

func units(positions int) int { return (positions + unitLen - 1) / unitLen }

// list answers a list request: whole, or in pages if the client sets a limit and requests no old
// state.
func (s *Server) list(w http.ResponseWriter, req *http.Request, q *request) {
	shot := q.resource.snapshot()
	from, to, err := q.page(shot)
	if err != nil {
		fail(w, http.StatusGone, metav1.StatusReasonExpired, err.Error())
		return
	}
	if asked, _ := strconv.ParseUint(q.query.Get("resourceVersion"), 10, 64); asked > shot.version() {
		tooLarge(w, asked, shot.version())
		return
	}
	meta := metav1.ListMeta{ResourceVersion: strconv.FormatUint(shot.version(), 10)}
	if to < shot.positions() {
		meta.Continue = continueToken(shot, to)
	}
	render := func(buffer []byte, unit int) []byte {
		first := from + unit*unitLen
		for at := first; at < min(first+unitLen, to); at++ {
			shot.each(at, func(state workload.State) {
				if q.wants(at, state) {
					buffer = q.appendItem(buffer, at, state)
				}
			})
		}
		return buffer
	}
	w.Header().Set("Content-Type", contentType(q.format, false))
	out := &countedWriter{w: w}
	if q.format == workload.JSON {
		q.listJSON(out, meta, units(to-from), render)
	} else {
		q.listProtobuf(out, meta, units(to-from), render)
	}
}

// page returns the positions of one page.
func (q *request) page(shot snapshot) (from, to int, err error) {
	to = shot.positions()
	limit, _ := strconv.Atoi(q.query.Get("limit"))
	if token := q.query.Get("continue"); token != "" {
		if from, err = continueFrom(token, shot); err != nil {
			return 0, 0, err
		}
	} else if q.query.Get("resourceVersion") == "0" {
		limit = 0 // the state is in the watch cache, and is sent whole
	}
	if limit > 0 {
		to = min(to, from+limit)
	}
	return from, to, nil
}

// continueToken returns a continue token: a version and a position. A list cannot be continued
// after objects have changed; a real server keeps the old state for some minutes.
func continueToken(shot snapshot, at int) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d/%d", shot.seen, at))
}

func continueFrom(token string, shot snapshot) (int, error) {
	data, err := base64.RawURLEncoding.DecodeString(token)
	seen, at := 0, 0
	if err == nil {
		_, err = fmt.Sscanf(string(data), "%d/%d", &seen, &at)
	}
	if err != nil || seen != shot.seen || at < 0 || at > shot.positions() {
		return 0, fmt.Errorf("the continue token %q is of no list, or of one that has changed: list again", token)
	}
	return at, nil
}

// appendItem appends an object with the bytes that precede it in the list.
func (q *request) appendItem(dst []byte, at int, state workload.State) []byte {
	if q.format == workload.JSON {
		return q.resource.src.Append(append(dst, ','), workload.JSON, at, state)
	}
	// The length precedes the message and is known only after it. It has two or three bytes; if it
	// is shorter or longer, the message is moved.
	const room = 3
	dst = append(dst, 0x12)
	begin := len(dst)
	dst = append(dst, make([]byte, room)...)
	dst = q.resource.src.Append(dst, workload.Protobuf, at, state)
	var length [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(length[:], uint64(len(dst)-begin-room))
	dst = append(dst[:begin+room], dst[begin+room:]...)
	if n != room {
		dst = append(dst, make([]byte, max(n-room, 0))...)
		end := len(dst) - max(n-room, 0)
		copy(dst[begin+n:], dst[begin+room:end])
		dst = dst[:end-room+n]
	}
	copy(dst[begin:], length[:n])
	return dst
}

func (q *request) listJSON(w io.Writer, meta metav1.ListMeta, n int, render func([]byte, int) []byte) {
	info := q.resource.info
	listMeta, err := json.Marshal(meta)
	if err != nil {
		panic(err) // four fields of text
	}
	if info.Protobuf {
		fmt.Fprintf(w, `{"kind":"%sList","apiVersion":"%s","metadata":%s,"items":[`, info.Kind, info.APIVersion(), listMeta)
	} else { // a map, in the order of its keys
		fmt.Fprintf(w, `{"apiVersion":"%s","items":[`, info.APIVersion())
	}
	first := true
	err = inOrder(n, render, func(items []byte) error {
		if first {
			items = bytes.TrimPrefix(items, []byte(","))
			first = len(items) == 0
		}
		_, err := w.Write(items)
		return err
	})
	switch {
	case err != nil:
	case info.Protobuf:
		io.WriteString(w, "]}\n")
	default:
		fmt.Fprintf(w, `],"kind":"%sList","metadata":%s}`+"\n", info.Kind, listMeta)
	}
}

// listProtobuf encodes a list twice, because its length precedes it.
func (q *request) listProtobuf(w io.Writer, meta metav1.ListMeta, n int, render func([]byte, int) []byte) {
	data, err := meta.Marshal()
	if err != nil {
		panic(err) // four fields of text
	}
	head := append([]byte{0x0a, byte(len(data))}, data...)
	total := len(head)
	inOrder(n, render, func(items []byte) error { total += len(items); return nil })
	w.Write(workload.AppendEnvelopeHead(nil, q.resource.info.APIVersion(), q.resource.info.Kind+"List", total))
	w.Write(head)
	err = inOrder(n, render, func(items []byte) error { _, err := w.Write(items); return err })
	if err == nil {
		w.Write(workload.EnvelopeTail)
	}
}

// countedWriter keeps the first error, so that the work for a client that is gone ends.
type countedWriter struct {
	w   io.Writer
	err error
}

func (c *countedWriter) Write(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	var n int
	n, c.err = c.w.Write(p)
	return n, c.err
}

func tooLarge(w http.ResponseWriter, asked, have uint64) {
	fail(w, http.StatusGatewayTimeout, metav1.StatusReasonTimeout,
		fmt.Sprintf("Too large resource version: %d, current: %d", asked, have))
}
