package informer_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
)

// history is a server with a memory: objects, and every change since it last forgot.
type history struct {
	version, forgotten int
	objects            map[string]string // name: its JSON
	uids               map[string]string
	events             []change
}

type change struct {
	version      int
	kind, object string
}

func (h *history) step(r *rand.Rand) {
	h.version++
	name, v := fmt.Sprint("o", r.IntN(12)), fmt.Sprint(h.version)
	uid, exists := h.uids[name]
	switch {
	case !exists:
		h.uids[name] = "uid" + v
		h.objects[name] = object(name, "uid"+v, v)
		h.events = append(h.events, change{h.version, "ADDED", h.objects[name]})
	case r.IntN(3) == 0:
		delete(h.uids, name)
		delete(h.objects, name)
		h.events = append(h.events, change{h.version, "DELETED", object(name, uid, v)})
	default:
		h.objects[name] = object(name, uid, v)
		h.events = append(h.events, change{h.version, "MODIFIED", h.objects[name]})
	}
}

func (h *history) knows() string {
	var b strings.Builder
	for name, o := range h.objects {
		_, rest, _ := strings.Cut(o, `"resourceVersion":"`)
		version, _, _ := strings.Cut(rest, `"`)
		fmt.Fprintf(&b, "%s=%s/%s ", name, h.uids[name], version)
	}
	return b.String()
}

// Whatever the server does to its streams, the cache comes to the server's state, and what the
// handler is told on the way is legal.
func TestRandomFaults(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			play(t, func(s *scene) { randomFaults(s, rand.New(rand.NewPCG(seed, 3))) })
		})
	}
}

func randomFaults(s *scene, r *rand.Rand) {
	h := &history{version: 1, objects: map[string]string{}, uids: map[string]string{}}
	mayList := r.IntN(2) == 0
	for turn := 0; turn < 60; turn++ {
		calm := turn == 59 // the last one is served well
		for range r.IntN(10) {
			h.step(r)
		}
		if r.IntN(8) == 0 {
			h.forgotten, h.events = h.version, nil
		}
		req := <-s.requests
		if !calm && r.IntN(6) == 0 {
			req.status([]int{429, 500, 503, 504, 401}[r.IntN(5)], "")
			continue
		}
		from, _ := strconv.Atoi(req.query["resourceVersion"])
		switch {
		case req.query["watch"] == "": // a list
			var items []string
			for _, o := range h.objects {
				items = append(items, o)
			}
			if !calm && r.IntN(3) == 0 {
				whole := fmt.Sprintf(`{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":"%d"},"items":[%s]}`, h.version, strings.Join(items, ","))
				req.reply(200, strings.NewReader(whole[:r.IntN(len(whole))]))
				continue
			}
			req.list(fmt.Sprint(h.version), "", items...)
			if calm {
				turn-- // until a watch is served well
			}
			continue
		case req.query["sendInitialEvents"] != "" && !mayList:
			req.status(422, "Invalid")
			if calm {
				turn--
			}
			continue
		case req.query["sendInitialEvents"] == "" && from < h.forgotten:
			req.status(410, "Expired")
			if calm {
				turn--
			}
			continue
		}
		w := req.watch()
		say := func(kind, object string) bool {
			if !calm && r.IntN(25) == 0 {
				w.raw(`{"type":"` + kind + `","object":` + object[:r.IntN(len(object))])
				w.cut(errors.New("scripted"))
				return false
			}
			w.event(kind, object)
			return true
		}
		ok := true
		if req.query["sendInitialEvents"] != "" {
			for _, o := range h.objects {
				ok = ok && say("ADDED", o)
			}
			if ok = ok && (calm || r.IntN(5) > 0); ok {
				w.listEnd(fmt.Sprint(h.version))
			}
			from = h.version
		}
		for _, e := range h.events {
			if ok && e.version > from {
				ok = say(e.kind, e.object)
			}
		}
		for ok && (calm || r.IntN(3) > 0) && r.IntN(20) > 0 {
			n := len(h.events)
			h.step(r)
			ok = say(h.events[n].kind, h.events[n].object)
		}
		if calm && ok {
			s.knows(h.knows())
			return
		}
		switch {
		case !ok:
			w.end()
		case r.IntN(2) == 0:
			w.bookmark(fmt.Sprint(h.version))
			w.end()
		case r.IntN(2) == 0:
			w.event("ERROR", status(410, "Expired"))
		default:
			w.cut(errors.New("scripted"))
		}
		synctest.Wait()
	}
	s.t.Error("the scene ended without a calm watch")
}
