package replay

import (
	"context"
	"net/http"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/bench/internal/workload"
)

const (
	bookmarkEvery = time.Minute
	// lastBookmark is how long before the end of a watch its last bookmark is sent.
	lastBookmark = 2 * time.Second
	// writeLen is about how much is written at a time while there is more to send.
	writeLen = 128 << 10
)

// stream is an open watch.
type stream struct {
	q      *request
	w      http.ResponseWriter
	flush  func() error
	buffer []byte
	cursor int // how many changes it has sent; written under the resource's mu
}

func (s *Server) watch(w http.ResponseWriter, req *http.Request, q *request) {
	r := q.resource
	initial, _ := strconv.ParseBool(q.query.Get("sendInitialEvents"))
	version, _ := strconv.ParseUint(q.query.Get("resourceVersion"), 10, 64)
	shot := r.snapshot()
	switch {
	case version > shot.version():
		tooLarge(w, version, shot.version())
		return
	case initial || version == 0:
	case version < workload.FirstVersion:
		fail(w, http.StatusGone, metav1.StatusReasonExpired, "The resourceVersion for the provided watch is too old.")
		return
	}
	st := &stream{q: q, w: w, flush: http.NewResponseController(w).Flush, cursor: shot.seen}
	if !initial && version != 0 {
		st.cursor = int(version - workload.FirstVersion)
	}
	r.open(st)
	defer r.closed(st)

	w.Header().Set("Content-Type", contentType(q.format, true))
	w.WriteHeader(http.StatusOK)
	if st.flush() != nil {
		return
	}
	if initial || version == 0 {
		if st.sendInitial(shot) != nil {
			return
		}
	}
	if initial {
		if st.bookmark(shot.version(), true) != nil {
			return
		}
	}
	st.follow(req.Context())
}

func (r *resource) open(st *stream) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.streams[st] = true
}

func (r *resource) closed(st *stream) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.streams, st)
	r.passed.Broadcast()
}

// sendInitial sends every object as ADDED.
func (st *stream) sendInitial(shot snapshot) error {
	if canned := st.q.resource.canned[st.q.format]; canned != nil && shot.seen == 0 && st.q.everything() {
		for _, data := range canned {
			if err := st.write(data); err != nil {
				return err
			}
		}
		return nil
	}
	return inOrder(units(shot.positions()), func(buffer []byte, unit int) []byte {
		return appendInitial(buffer, shot, st.q, unit)
	}, st.write)
}

func appendInitial(dst []byte, shot snapshot, q *request, unit int) []byte {
	for at := unit * unitLen; at < min((unit+1)*unitLen, shot.positions()); at++ {
		shot.each(at, func(state workload.State) {
			if q.wants(at, state) {
				dst = workload.AppendEvent(dst, q.format, shot.src, "ADDED", at, state)
			}
		})
	}
	return dst
}

// follow sends changes until the client is gone or the watch's timeout is over.
func (st *stream) follow(ctx context.Context) {
	r := st.q.resource
	bookmarks, _ := strconv.ParseBool(st.q.query.Get("allowWatchBookmarks"))
	seconds, _ := strconv.Atoi(st.q.query.Get("timeoutSeconds"))
	lasts := 30 * time.Minute
	if seconds > 0 {
		lasts = time.Duration(seconds) * time.Second
	}
	end := time.NewTimer(lasts)
	defer end.Stop()
	last := time.NewTimer(max(lasts-lastBookmark, 0))
	defer last.Stop()
	tick := time.NewTicker(bookmarkEvery)
	defer tick.Stop()
	for {
		changes, grown, err := st.catchUp()
		if err == nil && changes > 0 {
			err = st.flush()
		}
		if err != nil {
			return
		}
		mark := false
		select {
		case <-grown:
		case <-tick.C:
			mark = true
		case <-last.C:
			mark = true
		case <-end.C:
			return
		case <-ctx.Done():
			return
		}
		if mark && bookmarks {
			r.mu.Lock()
			behind := st.cursor < len(r.changes)
			r.mu.Unlock()
			if !behind && st.bookmark(workload.FirstVersion+uint64(st.cursor), false) != nil {
				return
			}
		}
	}
}

// catchUp sends all pending changes. It returns their number, and a channel that is closed at the
// next change.
func (st *stream) catchUp() (int, <-chan struct{}, error) {
	r := st.q.resource
	for sent := 0; ; {
		r.mu.Lock()
		changes, grown, stamps := r.changes, r.grown, r.stamps
		b, canned := r.batches[st.q.format][st.cursor]
		r.mu.Unlock()
		if st.cursor == len(changes) {
			return sent, grown, nil
		}
		if !canned || !st.q.everything() {
			b = st.render(changes)
		}
		stamps.stamp(st.cursor, b.next)
		if err := st.write(b.data); err != nil {
			return sent, nil, err
		}
		r.mu.Lock()
		sent += b.next - st.cursor
		st.cursor = b.next
		r.passed.Broadcast()
		r.mu.Unlock()
	}
}

// render encodes changes from the cursor on, about as many as one write sends.
func (st *stream) render(changes []change) batch {
	data, next := st.buffer[:0], st.cursor
	for next < len(changes) && len(data) < writeLen {
		if c := changes[next]; st.q.wants(int(c.at), c.state) {
			data = appendChange(data, st.q.format, st.q.resource.src, c)
		}
		next++
	}
	st.buffer = data
	return batch{data, next}
}

func appendChange(dst []byte, f workload.Format, src workload.Source, c change) []byte {
	return workload.AppendEvent(dst, f, src, eventNames[c.kind], int(c.at), c.state)
}

func (st *stream) bookmark(version uint64, initialEventsEnd bool) error {
	err := st.write(workload.AppendBookmark(nil, st.q.format, st.q.resource.src, version, initialEventsEnd))
	if err == nil {
		err = st.flush()
	}
	return err
}

func (st *stream) write(data []byte) error {
	if len(data) == 0 {
		return nil
	}
	_, err := st.w.Write(data)
	return err
}
