package wire_test

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/wire"
)

// What reading may take of memory and time, whatever the input is or claims to be.

// endless is a list of n items that are made while they are read.
type endless struct {
	head, item, between, tail []byte
	n                         int
	rest                      []byte
}

func (e *endless) Read(p []byte) (int, error) {
	if len(e.rest) == 0 {
		switch {
		case e.head != nil:
			e.rest, e.head = e.head, nil
		case e.n > 0:
			e.rest = e.item
			if e.n--; e.n > 0 {
				e.rest = append(bytes.Clone(e.item), e.between...)
			}
		case e.tail != nil:
			e.rest, e.tail = e.tail, nil
		default:
			return 0, io.EOF
		}
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

// longList is a list of n times the same pod.
func longList(t testing.TB, f wire.Format, pod *corev1.Pod, n int) *endless {
	o, err := wire.ReadObject(body(t, f, pod), f, wire.Options{KeepManagedFields: true})
	if err != nil {
		t.Fatal(err)
	}
	if f == wire.JSON {
		return &endless{head: []byte(`{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[`),
			item: o.Data, between: []byte(","), tail: []byte("]}"), n: n}
	}
	item := protobufField(2, o.Data)
	head := append([]byte("k8s\x00"), protobufField(1, append(protobufField(1, []byte("v1")), protobufField(2, []byte("PodList"))...))...)
	list := protobufField(1, protobufField(2, []byte("1")))
	length := protobufField(2, make([]byte, len(list)+n*len(item)))
	head = append(head, length[:len(length)-len(list)-n*len(item)]...)
	return &endless{head: append(head, list...), item: item, n: n}
}

func TestListIsNeverWholeInMemory(t *testing.T) {
	pod := samplePod()
	const n = 20000
	for _, f := range formats {
		l := wire.NewListReader(longList(t, f, pod, n), f, wire.Options{})
		before := heap()
		items, most := 0, uint64(0)
		for {
			_, err := l.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if items++; items%(n/8) == 0 {
				most = max(most, heap()-min(before, heap()))
			}
		}
		if items != n {
			t.Fatalf("%v: %d items", f, items)
		}
		if most > 1<<20 {
			t.Errorf("%v: the heap grew by %d bytes while a list of %d pods was read", f, most, n)
		}
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A length is only a claim: memory is taken as bytes come, not as they are announced.
func TestClaimedLengthTakesNoMemory(t *testing.T) {
	const claim = 60 << 20
	head := "k8s\x00\x12\xff\xff\xff\xff\x7f\x12\x80\x80\x80\x1e" // an item of 60 MiB
	frame := "\x03\xc0\x00\x00\x0a\x05ADDED"                      // an event of 60 MiB
	for name, read := range map[string]func() error{
		"list": func() error {
			_, _, err := readList(strings.NewReader(head+"x"), wire.Protobuf, wire.Options{})
			return err
		},
		"watch": func() error {
			_, err := readWatch(strings.NewReader(frame), wire.Protobuf, wire.Options{})
			return err
		},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := read()
		runtime.ReadMemStats(&after)
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: %v", name, err)
		}
		if taken := after.TotalAlloc - before.TotalAlloc; taken > claim/100 {
			t.Errorf("%s: %d bytes were allocated for the claim of %d", name, taken, claim)
		}
	}
}

func TestObjectOverTheLimitIsAnError(t *testing.T) {
	const limit = 100_000
	for _, f := range formats {
		pod := samplePod()
		pod.Annotations["large"] = strings.Repeat("x", limit-10*len(body(t, f, samplePod())))
		if _, _, err := readList(longList(t, f, pod, 3), f, wire.Options{MaxObjectBytes: limit}); err != io.EOF {
			t.Errorf("%v: %v", f, err)
		}
		pod.Annotations["large"] = strings.Repeat("x", limit)
		data := body(t, f, pod)
		_, _, listErr := readList(longList(t, f, pod, 3), f, wire.Options{MaxObjectBytes: limit})
		_, watchErr := readWatch(bytes.NewReader(watchBody(t, f, []event{{"ADDED", pod}})), f, wire.Options{MaxObjectBytes: limit})
		_, objectErr := wire.ReadObject(data, f, wire.Options{MaxObjectBytes: limit})
		for _, err := range []error{listErr, watchErr, objectErr} {
			var syntax *wire.SyntaxError
			if !errors.Is(err, wire.ErrTooLarge) || !errors.As(err, &syntax) {
				t.Errorf("%v: %v", f, err)
			}
		}
		// An object within the limit is read, though a small one: whether it has come already when
		// it is asked for does not matter.
		for _, tt := range []struct {
			limit int
			good  bool
		}{{len(`{"metadata":{"name":"a"}}`), true}, {len(`{"metadata":{"name":"a"}}`) - 1, false}} {
			_, _, err := readList(strings.NewReader(`{"items":[{"metadata":{"name":"a"}}]}`), wire.JSON, wire.Options{MaxObjectBytes: tt.limit})
			if (err == io.EOF) != tt.good || !tt.good && !errors.Is(err, wire.ErrTooLarge) {
				t.Errorf("limit %d: %v", tt.limit, err)
			}
		}
	}
}

// A stream without an end is given up at the limit, wherever in it the end is missing.
func TestRunawayStreamIsGivenUpAtTheLimit(t *testing.T) {
	const limit = 1 << 20
	for _, tt := range []struct {
		begins string
		then   byte
	}{
		{``, ' '}, {`{"items":[`, ' '}, {`{"items":[{"a":"`, 'x'}, {`{"items":[{"a":`, '1'}, {`{"items":[{"`, 'x'}, {`{"a":"`, 'x'}, {`{"items":[]}`, ' '},
	} {
		runaway := &endless{head: []byte(tt.begins), item: bytes.Repeat([]byte{tt.then}, 1024), n: 100 * limit / 1024}
		_, _, err := readList(runaway, wire.JSON, wire.Options{MaxObjectBytes: limit})
		if !errors.Is(err, wire.ErrTooLarge) || runaway.n < 97*limit/1024 {
			t.Errorf("%s%c: %v with %d KiB left", tt.begins, tt.then, err, runaway.n)
		}
	}
}

// Time is in proportion to the input, however it is made up: here each label stands between two
// managedFields. Were each to look at all the others, it would take minutes.
func TestHostileObjectTakesNoMoreThanItsShareOfTime(t *testing.T) {
	const n = 500_000
	metadata := bytes.Repeat([]byte("\x5a\x03\x0a\x01a\x8a\x01\x00"), n)
	json := `{"metadata":{` + strings.Repeat(`"labels":{"a":"b"},"managedFields":0,`, n) + `"name":"x"}}`
	done := make(chan error, 2)
	go func() {
		_, err := wire.ReadObject(protobufField(1, metadata), wire.Protobuf, wire.Options{})
		done <- err
		_, err = wire.ReadObject([]byte(json), wire.JSON, wire.Options{})
		done <- err
	}()
	deadline := time.After(30 * time.Second)
	for range 2 {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
		case <-deadline:
			t.Fatal("it takes too long")
		}
	}
}
