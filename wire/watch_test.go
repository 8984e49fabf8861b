package wire_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	k8sruntime "k8s.io/apimachinery/pkg/runtime"
	k8sprotobuf "k8s.io/apimachinery/pkg/runtime/serializer/protobuf"

	"github.com/skiff-k8s/skiff/wire"
)

type event struct {
	name   string
	object k8sruntime.Object
}

// watchBody is a watch as the API server writes it, with Kubernetes' own serializers and framers.
func watchBody(t testing.TB, f wire.Format, events []event) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, e := range events {
		we := &metav1.WatchEvent{Type: e.name, Object: k8sruntime.RawExtension{Raw: body(t, f, e.object)}}
		var err error
		switch f {
		case wire.JSON:
			err = json.NewEncoder(&out).Encode(we)
		case wire.Protobuf:
			framed := k8sprotobuf.LengthDelimitedFramer.NewFrameWriter(&out)
			err = k8sprotobuf.NewRawSerializer(scheme, scheme).Encode(we, framed)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

// readWatch reads a watch to its end or error.
func readWatch(r io.Reader, f wire.Format, o wire.Options) ([]wire.Event, error) {
	w := wire.NewWatchReader(r, f, o)
	var events []wire.Event
	for {
		e, err := w.Next()
		if err != nil {
			if _, again := w.Next(); again != err {
				return events, fmt.Errorf("after %w, Next returned another error: %w", err, again)
			}
			return events, err
		}
		events = append(events, e)
	}
}

// someEvents are a watch's events, one of each type.
func someEvents(seed int64) []event {
	pods := randomPods(seed, 3)
	return []event{
		{"ADDED", &pods[0]},
		{"BOOKMARK", &corev1.Pod{ObjectMeta: metav1.ObjectMeta{ResourceVersion: "900",
			Annotations: map[string]string{"k8s.io/initial-events-end": "true"}}}},
		{"MODIFIED", &pods[1]},
		{"DELETED", &pods[2]},
		{"BOOKMARK", &corev1.Pod{ObjectMeta: metav1.ObjectMeta{ResourceVersion: "901"}}},
		{"ERROR", &metav1.Status{Status: "Failure", Message: "too old resource version: 1 (901)", Reason: "Expired", Code: 410,
			ListMeta: metav1.ListMeta{Continue: "a token is no namespace", ResourceVersion: "5"}}},
	}
}

func TestWatchIsTheSameHoweverItsBytesArrive(t *testing.T) {
	for _, f := range formats {
		sent := someEvents(1)
		data := watchBody(t, f, sent)
		for name, chunked := range chunkings(1) {
			t.Run(f.String()+"/"+name, func(t *testing.T) {
				events, err := readWatch(chunked(bytes.NewReader(data)), f, wire.Options{KeepManagedFields: true})
				if err != io.EOF {
					t.Fatal(err)
				}
				if len(events) != len(sent) {
					t.Fatalf("%d events, not %d", len(events), len(sent))
				}
				for i, e := range events {
					want := decoded(t, f, body(t, f, sent[i].object))
					if string(e.Type) != sent[i].name || e.Object.Kind != want.GetObjectKind().GroupVersionKind().Kind || e.Object.APIVersion != "v1" {
						t.Fatalf("event %d is %s of a %s %s", i, e.Type, e.Object.APIVersion, e.Object.Kind)
					}
					if len(e.Object.Data) != cap(e.Object.Data) {
						t.Fatalf("event %d has %d bytes in %d", i, len(e.Object.Data), cap(e.Object.Data))
					}
					if e.Type == wire.Error {
						status, err := e.Status()
						if err != nil || !reflect.DeepEqual(status, want) || e.Object.Meta.Namespace != "" {
							t.Fatalf("got %+v, %v, %+v", status, err, e.Object.Meta)
						}
						continue
					}
					var pod corev1.Pod
					if err := wire.Decode(e.Object, &pod); err != nil || !reflect.DeepEqual(&pod, want) {
						t.Fatalf("event %d: %v\n got %+v\nwant %+v", i, err, pod, want)
					}
					if want := metaOf(&pod); !reflect.DeepEqual(e.Object.Meta, want) {
						t.Fatalf("event %d\n got %+v\nwant %+v", i, e.Object.Meta, want)
					}
					if got := e.InitialEventsEnd(); got != (i == 1) {
						t.Fatalf("event %d: InitialEventsEnd is %v", i, got)
					}
					if _, err := e.Status(); err == nil {
						t.Fatalf("event %d has a status", i)
					}
				}
			})
		}
	}
}

// Wherever a watch is cut, the events before the cut are there; what follows is io.EOF between two
// events, and an error inside one.
func TestWatchCutAnywhere(t *testing.T) {
	for _, f := range formats {
		var data []byte
		ends := map[int]int{0: 0} // how many events end at or before an offset at which one ends
		for i, e := range smallEvents() {
			data = append(data, bytes.TrimSuffix(watchBody(t, f, []event{e}), []byte("\n"))...)
			ends[len(data)] = i + 1
		}
		complete := 0
		for cut := range len(data) + 1 {
			n, between := ends[cut]
			if between {
				complete = n
			}
			events, err := readWatch(bytes.NewReader(data[:cut]), f, wire.Options{})
			if len(events) != complete {
				t.Fatalf("%v cut at %d: %d events, not %d, %v", f, cut, len(events), complete, err)
			}
			var syntax *wire.SyntaxError
			switch {
			case between && err != io.EOF:
				t.Fatalf("%v cut at %d, between events: %v", f, cut, err)
			case !between && (!errors.Is(err, io.ErrUnexpectedEOF) || !errors.As(err, &syntax)):
				t.Fatalf("%v cut at %d, inside an event: %v", f, cut, err)
			case !between && syntax.Offset != int64(cut):
				t.Fatalf("%v cut at %d: the error says %d", f, cut, syntax.Offset)
			}
			events, err = readWatch(io.MultiReader(bytes.NewReader(data[:cut]), iotest.ErrReader(errReset)), f, wire.Options{})
			if len(events) != complete || !errors.Is(err, errReset) || errors.As(err, &syntax) {
				t.Fatalf("%v reset at %d: %d events, %v", f, cut, len(events), err)
			}
		}
	}
}

func TestEventIsHandedOutWithItsLastByte(t *testing.T) {
	for _, f := range formats {
		t.Run(f.String(), func(t *testing.T) {
			r, w := io.Pipe()
			defer r.Close()
			sent := someEvents(3)
			next := make(chan event)
			go func() {
				for e := range next {
					_, _ = w.Write(bytes.TrimSuffix(watchBody(t, f, []event{e}), []byte("\n")))
				}
				w.Close()
			}()
			reader := wire.NewWatchReader(r, f, wire.Options{})
			for _, e := range sent {
				next <- e
				if got, err := reader.Next(); err != nil || string(got.Type) != e.name {
					t.Fatal(got.Type, err)
				}
			}
			close(next)
			if _, err := reader.Next(); err != io.EOF {
				t.Fatal(err)
			}
		})
	}
}

func TestMalformedWatchIsAnErrorThatSaysWhere(t *testing.T) {
	const good = `{"type":"ADDED","object":{}}` // 28 bytes
	frame := func(msg string) string { return "\x00\x00\x00" + string(rune(len(msg))) + msg }
	const typ = "\x0a\x05ADDED"
	for name, tt := range map[string]struct {
		format wire.Format
		watch  string
		at     int64
		says   string
	}{
		"no type":               {wire.JSON, good + `{"object":{}}`, 41, `the watch after event 1 cannot be read: JSON at byte 41: the event has no type`},
		"no object":             {wire.JSON, `{"type":"ADDED"}`, 16, `the event has no object`},
		"an empty document":     {wire.JSON, `{}`, 2, `the event has no type`},
		"a type of no sense":    {wire.JSON, `{"type":"ADD","object":{}}`, 9, `"ADD" is no type of a watch event`},
		"a null type":           {wire.JSON, `{"type":null,"object":{}}`, 0, `"" is no type of a watch event`},
		"a type that is a list": {wire.JSON, `{"type":[],"object":{}}`, 8, `a string was expected`},
		"a null object":         {wire.JSON, `{"type":"ADDED","object":null}`, 25, `{ was expected, not "n"`},
		"two types":             {wire.JSON, `{"type":"ADDED","type":"ADDED","object":{}}`, 17, `a second time`},
		"two objects":           {wire.JSON, `{"type":"ADDED","object":{},"object":{}}`, 29, `a second time`},
		"text after an event":   {wire.JSON, good + ` x`, 29, `{ was expected, not "x"`},
		"an array":              {wire.JSON, `[` + good + `]`, 0, `{ was expected, not "["`},

		"an empty frame":               {wire.Protobuf, frame(""), 4, `the event has no object`},
		"a frame without object":       {wire.Protobuf, frame(typ), 11, `the event has no object`},
		"a frame without type":         {wire.Protobuf, frame("\x12\x08\x0a\x06k8s\x00\x12\x00"), 4, `"" is no type of a watch event`},
		"a frame of a senseless type":  {wire.Protobuf, frame("\x0a\x03ADD\x12\x08\x0a\x06k8s\x00\x12\x00"), 6, `"ADD" is no type of a watch event`},
		"two objects in a frame":       {wire.Protobuf, frame(typ + "\x12\x00\x12\x00"), 13, `a second object`},
		"an envelope without object":   {wire.Protobuf, frame(typ + "\x12\x06\x0a\x04k8s\x00"), 19, `the envelope holds no object`},
		"an envelope with two objects": {wire.Protobuf, frame(typ + "\x12\x0a\x0a\x08k8s\x00\x12\x00\x12\x00"), 21, `a second object`},
		"an object that is cut":        {wire.Protobuf, frame(typ + "\x12\x0a\x0a\x08k8s\x00\x12\x02\x0a\x05"), 23, `field 1 claims 5 bytes`},
		"a frame larger than any":      {wire.Protobuf, "\xff\xff\xff\xff", 0, `the event is of 4294967295 bytes`},
	} {
		t.Run(name, func(t *testing.T) {
			for _, chunked := range chunkings(1) {
				_, err := readWatch(chunked(strings.NewReader(tt.watch)), tt.format, wire.Options{})
				var syntax *wire.SyntaxError
				if !errors.As(err, &syntax) {
					t.Fatalf("got %v", err)
				}
				if syntax.Offset != tt.at || !strings.Contains(err.Error(), tt.says) {
					t.Fatalf("got %q at %d, want %q at %d", err, syntax.Offset, tt.says, tt.at)
				}
			}
		})
	}
}

func TestWatchEventInAnyOrder(t *testing.T) {
	const watch = ` {"x":[{}],"object":{"kind":"Foo","apiVersion":"x/v1","metadata":{"name":"a"}},"type":"ADDED"}
		{"type":"MODIFIED","object":{"metadata":{"name":"b"}},"y":1}` + "\n"
	events, err := readWatch(strings.NewReader(watch), wire.JSON, wire.Options{APIVersion: "d/v1", Kind: "Default"})
	if err != io.EOF || len(events) != 2 {
		t.Fatal(events, err)
	}
	if e := events[0]; e.Type != wire.Added || e.Object.Kind != "Foo" || e.Object.Meta.Name != "a" {
		t.Errorf("%+v", e)
	}
	if e := events[1]; e.Type != wire.Modified || e.Object.Kind != "Default" || e.Object.APIVersion != "d/v1" || e.Object.Meta.Name != "b" {
		t.Errorf("%+v", e)
	}
}

func TestCorruptWatchNeverPanics(t *testing.T) {
	for _, f := range formats {
		data := watchBody(t, f, smallEvents())
		for i := range data {
			for bit := range 8 {
				corrupt := bytes.Clone(data)
				corrupt[i] ^= 1 << bit
				events, _ := readWatch(bytes.NewReader(corrupt), f, wire.Options{})
				for _, e := range events {
					_ = wire.Decode(e.Object, new(corev1.Pod))
					_, _ = e.Status()
					_ = e.InitialEventsEnd()
				}
			}
		}
	}
}

func TestInitialEventsEnd(t *testing.T) {
	for _, tt := range []struct {
		wire.EventType
		annotations string
		want        bool
	}{
		{wire.Bookmark, `{"k8s.io/initial-events-end":"true"}`, true},
		{wire.Bookmark, `{"k8s.io/initial-events-end":"false"}`, false},
		{wire.Bookmark, `{}`, false},
		{wire.Added, `{"k8s.io/initial-events-end":"true"}`, false}, // anyone can annotate an object
	} {
		o, err := wire.ReadObject([]byte(`{"metadata":{"annotations":`+tt.annotations+`}}`), wire.JSON, wire.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := (wire.Event{Type: tt.EventType, Object: o}).InitialEventsEnd(); got != tt.want {
			t.Errorf("%s with %s: %v", tt.EventType, tt.annotations, got)
		}
	}
}

func TestStatusOfAnErrorEventThatIsNoStatus(t *testing.T) {
	o, err := wire.ReadObject([]byte(`{"kind":"Pod"}`), wire.JSON, wire.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if status, err := (wire.Event{Type: wire.Error, Object: o}).Status(); err == nil {
		t.Errorf("got %+v", status)
	}
	o, err = wire.ReadObject([]byte(`{"kind":"Status","apiVersion":"v1","code":410,"reason":"Expired"}`), wire.JSON, wire.Options{})
	if err != nil {
		t.Fatal(err)
	}
	status, err := wire.Event{Type: wire.Error, Object: o}.Status()
	if err != nil || status.Code != http.StatusGone || status.Reason != metav1.StatusReasonExpired {
		t.Errorf("got %+v, %v", status, err)
	}
}
