package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// stream is a watch, as the JSON of its events.
type stream struct {
	s       *scene
	what    string
	body    io.ReadCloser
	decoder *json.Decoder
	cancel  context.CancelFunc
}

// watch opens a watch and fails the case if the server refuses it. It ends with the case.
func (s *scene) watch(path string) *stream {
	path = s.path(path)
	ctx, cancel := context.WithCancel(s.ctx)
	s.t.Cleanup(cancel)
	body, err := s.request("GET", path).Param("watch", "true").Stream(ctx)
	if err != nil {
		s.fatalf("watch %s: %v", path, err)
	}
	decoder := json.NewDecoder(body)
	decoder.UseNumber()
	return &stream{s: s, what: "watch " + path, body: body, decoder: decoder, cancel: cancel}
}

// refusedWatch asks for a watch that the server is to refuse.
func (s *scene) refusedWatch(path string) *answer {
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	return s.get(path + sep + "watch=true&timeoutSeconds=1")
}

// next returns the next event: the object, as an answer, and the type. It fails the case if there is
// none within patience.
func (w *stream) next() (string, *answer) {
	kind, object, err := w.read()
	if err != nil {
		w.s.fatalf("%s: no further event: %v", w.what, err)
	}
	return kind, object
}

func (w *stream) read() (string, *answer, error) {
	slow := time.AfterFunc(patience, w.cancel)
	defer slow.Stop()
	var event struct {
		Type   string
		Object json.RawMessage
	}
	if err := w.decoder.Decode(&event); err != nil {
		return "", nil, err
	}
	return event.Type, &answer{s: w.s, what: w.what + ": " + event.Type, code: 200, body: event.Object}, nil
}

// want checks the next events, given as "ADDED a", and returns the object of the last.
func (w *stream) want(events ...string) *answer {
	var last *answer
	for _, want := range events {
		kind, object := w.next()
		name, _ := object.at("metadata.name").(string)
		if got := kind + " " + name; got != want {
			w.s.fatalf("%s: the event is %s, want %s: %s", w.what, got, want, short(object.body))
		}
		last = object
	}
	return last
}

// unordered checks the next events in any order, given as "ADDED a".
func (w *stream) unordered(events ...string) {
	var got []string
	for range events {
		kind, object := w.next()
		got = append(got, fmt.Sprint(kind, " ", object.at("metadata.name")))
	}
	slices.Sort(got)
	slices.Sort(events)
	if !slices.Equal(got, events) {
		w.s.fatalf("%s: the events are %v, want %v", w.what, got, events)
	}
}

// bookmark returns the next event, which has to be a bookmark.
func (w *stream) bookmark() *answer {
	kind, object := w.next()
	if kind != "BOOKMARK" {
		w.s.fatalf("%s: the event is %s %s, want a bookmark", w.what, kind, short(object.body))
	}
	return object
}

// ends checks that the stream ends without a further event.
func (w *stream) ends() {
	if kind, object, err := w.read(); !errors.Is(err, io.EOF) {
		if err != nil {
			w.s.fatalf("%s: the stream ends with %v, want its end", w.what, err)
		}
		w.s.fatalf("%s: the event is %s %s, want the end", w.what, kind, short(object.body))
	}
}

// eventually repeats a look at the server until it reports true, or patience ends.
func (s *scene) eventually(what string, look func() bool) {
	deadline := time.Now().Add(patience)
	for pause := 5 * time.Millisecond; !look(); pause = min(2*pause, time.Second) {
		if time.Now().After(deadline) {
			s.fatalf("%s: not within %v", what, patience)
		}
		if s.target.Collect != nil {
			s.target.Collect(s.t)
		}
		time.Sleep(pause)
	}
}
