package wire_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/rand"
	"reflect"
	"testing"
	"testing/iotest"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/wire"
)

// Whatever the input is: no panic, no look at bytes beside it, the same result however the bytes arrive
// and wherever it is put, every error but io.EOF a SyntaxError whose offset lies in the input, and what
// is taken is as good as promised.

// fuzzLimit keeps what the fuzzer makes up small.
var fuzzOptions = wire.Options{MaxObjectBytes: 1 << 20}

func checkError(t *testing.T, size int, err error) {
	t.Helper()
	if err == io.EOF {
		return
	}
	var syntax *wire.SyntaxError
	if !errors.As(err, &syntax) {
		t.Fatalf("no SyntaxError: %v", err)
	}
	if syntax.Offset < 0 || syntax.Offset > int64(size) || syntax.Reading == "" || syntax.Err == nil {
		t.Fatalf("the error is %+v, of %d bytes", syntax, size)
	}
}

// checkObject checks what is promised of every object.
func checkObject(t *testing.T, o wire.Object) {
	t.Helper()
	if len(o.Data) != cap(o.Data) {
		t.Fatalf("%d bytes in %d", len(o.Data), cap(o.Data))
	}
	if o.Format == wire.JSON && !json.Valid(o.Data) {
		t.Fatalf("Data is no JSON: %q", o.Data)
	}
	for i, labels := 1, o.Meta.Labels.Slice(); i < len(labels); i++ {
		if labels[i-1].Key >= labels[i].Key {
			t.Fatalf("the labels are not in order: %v", o.Meta.Labels)
		}
	}
	if !reflect.DeepEqual(o.Clone().Meta, o.Meta) {
		t.Fatalf("the clone of %+v is another", o.Meta)
	}
	if len(o.Data) > 0 {
		// Without managedFields there is nothing to leave out, so it is the same again.
		again, err := wire.ReadObject(o.Data, o.Format, wire.Options{APIVersion: o.APIVersion, Kind: o.Kind})
		if err != nil || !reflect.DeepEqual(again, o) {
			t.Fatalf("read again\n got %+v, %v\nwant %+v", again, err, o)
		}
	}
	annotations := map[string]string{}
	for key, value := range o.Annotations() {
		annotations[key] = value
	}
	for key, want := range annotations {
		if got, ok := o.Annotation(key); !ok || got != want {
			t.Fatalf("annotation %q: got %q, want %q", key, got, want)
		}
	}
	_ = wire.Decode(o, new(corev1.Pod))
	// What can be decoded has the same metadata then.
	var partial metav1.PartialObjectMetadata
	if err := wire.Decode(o, &partial); err == nil && wire.HasObjectMeta(o.Kind) {
		if want := metaOf(&partial); !reflect.DeepEqual(o.Meta, want) {
			t.Fatalf("Meta\n got %+v\nwant %+v\nof %q", o.Meta, want, o.Data)
		}
		if len(partial.Annotations)+len(annotations) > 0 && !reflect.DeepEqual(partial.Annotations, annotations) {
			t.Fatalf("annotations\n got %v\nwant %v", annotations, partial.Annotations)
		}
		if partial.ManagedFields != nil {
			t.Fatalf("managedFields are left in %q", o.Data)
		}
	}
}

// arrival is a way for bytes to arrive, and for what is read to be put somewhere.
type arrival struct {
	name string
	io.Reader
	wire.Options
}

func arrivals(data []byte) []arrival {
	rng := rand.New(rand.NewSource(int64(len(data))))
	inArenas := fuzzOptions
	inArenas.Arena = arenasOf(rng.Intn(2*len(data) + 100))
	return []arrival{
		{"byte by byte", iotest.OneByteReader(bytes.NewReader(data)), fuzzOptions},
		{"in pieces amid poison, into arenas,", inPieces(data, rng), inArenas},
	}
}

func fuzzReadObject(f *testing.F, format wire.Format) {
	pods := smallPods()
	f.Add(body(f, format, &pods[0]))
	f.Add(body(f, format, &pods[1]))
	f.Add(body(f, format, samplePod()))
	f.Add(body(f, format, &metav1.Status{Message: "gone", Code: 410}))
	f.Fuzz(func(t *testing.T, data []byte) {
		rng := rand.New(rand.NewSource(int64(len(data))))
		for _, arena := range []func() *wire.Arena{nil, arenasOf(rng.Intn(2*len(data) + 100))} {
			objects, err := checkNoOverRead(t, data, rng, func(data []byte) ([]wire.Object, error) {
				options := fuzzOptions
				options.Arena = arena
				o, err := wire.ReadObject(data, format, options)
				return []wire.Object{o}, err
			})
			if err != nil {
				checkError(t, len(data), err)
				return
			}
			checkObject(t, objects[0])
		}
	})
}

func FuzzReadObjectJSON(f *testing.F) {
	f.Add([]byte(`{"kind":"A","metadata":{"n\u0061me":"\ud83d","labels":{"b":null,"a":"1"},"managedFields":[{}],"ownerReferences":[{"controller":true}],"generation":-7}}`))
	fuzzReadObject(f, wire.JSON)
}

func FuzzReadObjectProtobuf(f *testing.F) { fuzzReadObject(f, wire.Protobuf) }

func fuzzList(f *testing.F, format wire.Format) {
	f.Add(body(f, format, smallList()))
	f.Add(body(f, format, &corev1.PodList{}))
	f.Fuzz(func(t *testing.T, data []byte) {
		objects, meta, err := readList(bytes.NewReader(data), format, fuzzOptions)
		checkError(t, len(data), err)
		for _, o := range objects {
			checkObject(t, o)
		}
		for _, r := range arrivals(data) {
			objects2, meta2, err2 := readList(r.Reader, format, r.Options)
			if err.Error() != err2.Error() || !reflect.DeepEqual(meta, meta2) || !reflect.DeepEqual(objects, objects2) {
				t.Fatalf("%s it is another list: %d objects, %+v, %v; %d objects, %+v, %v",
					r.name, len(objects), meta, err, len(objects2), meta2, err2)
			}
		}
	})
}

func FuzzListJSON(f *testing.F) {
	f.Add([]byte(`{"items":[{},{"metadata":{"managedFields":0}}],"metadata":{"remainingItemCount":7}} `))
	fuzzList(f, wire.JSON)
}

func FuzzListProtobuf(f *testing.F) { fuzzList(f, wire.Protobuf) }

func fuzzWatch(f *testing.F, format wire.Format) {
	f.Add(watchBody(f, format, smallEvents()))
	f.Add(watchBody(f, format, smallEvents()[1:2]))
	f.Fuzz(func(t *testing.T, data []byte) {
		events, err := readWatch(bytes.NewReader(data), format, fuzzOptions)
		checkError(t, len(data), err)
		for _, e := range events {
			checkObject(t, e.Object)
			_, _ = e.Status()
			_ = e.InitialEventsEnd()
		}
		for _, r := range arrivals(data) {
			events2, err2 := readWatch(r.Reader, format, r.Options)
			if err.Error() != err2.Error() || !reflect.DeepEqual(events, events2) {
				t.Fatalf("%s it is another watch: %d events, %v; %d events, %v", r.name, len(events), err, len(events2), err2)
			}
		}
	})
}

func FuzzWatchJSON(f *testing.F)     { fuzzWatch(f, wire.JSON) }
func FuzzWatchProtobuf(f *testing.F) { fuzzWatch(f, wire.Protobuf) }

// The Data of an object may be anything when nobody has read it.
func FuzzAnnotation(f *testing.F) {
	for _, format := range formats {
		o, err := wire.ReadObject(body(f, format, samplePod()), format, wire.Options{})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(format), o.Data, "prometheus.io/scrape")
	}
	f.Fuzz(func(t *testing.T, format uint8, data []byte, key string) {
		o := wire.Object{Format: wire.Format(format), Data: data}
		value, ok := o.Annotation(key)
		last, has := "", false
		for k, v := range o.Annotations() {
			if k == key {
				last, has = v, true
			}
		}
		if value != last || ok != has {
			t.Errorf("got %q, %v; among all it is %q, %v", value, ok, last, has)
		}
	})
}
