package workload_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"reflect"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/skiff-k8s/skiff/bench/internal/workload"
)

func empty(object runtime.Object) { reflect.ValueOf(object).Elem().SetZero() }

// Objects by themselves, and watch events, are byte for byte what the API server's encoders write.
func TestEventsAreAsTheServerWritesThem(t *testing.T) {
	for _, src := range standard.Sources() {
		for _, i := range []int{0, 1, src.Len()} {
			s := workload.State{Version: workload.FirstVersion + 9}
			object := src.Object(i, s)
			object.GetObjectKind().SetGroupVersionKind(src.Info().GroupVersionKind)
			if src.Info().Protobuf {
				var alone bytes.Buffer
				if err := protobuf.NewSerializer(scheme.Scheme, scheme.Scheme).Encode(object, &alone); err != nil {
					t.Fatal(err)
				}
				if have := workload.AppendObject(nil, workload.Protobuf, src, i, s); !bytes.Equal(have, alone.Bytes()) {
					t.Errorf("%s %d in protobuf is\n%q\nand the server writes\n%q", src.Info().Resource, i, have, alone.Bytes())
				}
				event := metav1.WatchEvent{Type: "MODIFIED", Object: runtime.RawExtension{Raw: alone.Bytes()}}
				data, err := event.Marshal()
				if err != nil {
					t.Fatal(err)
				}
				want := append(binary.BigEndian.AppendUint32(nil, uint32(len(data))), data...)
				if have := workload.AppendEvent(nil, workload.Protobuf, src, "MODIFIED", i, s); !bytes.Equal(have, want) {
					t.Errorf("an event of %s %d in protobuf is\n%q\nand the server writes\n%q", src.Info().Resource, i, have, want)
				}
			}
			alone := mustJSON(object)
			if !src.Info().Protobuf {
				var asMap map[string]any
				if err := json.Unmarshal(alone, &asMap); err != nil {
					t.Fatal(err)
				}
				alone = mustJSON(asMap)
			}
			want := mustJSON(metav1.WatchEvent{Type: "ADDED", Object: runtime.RawExtension{Raw: alone}})
			if have := workload.AppendEvent([]byte("before"), workload.JSON, src, "ADDED", i, s); string(have) != "before"+string(want)+"\n" {
				t.Errorf("an event of %s %d in JSON is\n%s\nand the server writes\n%s", src.Info().Resource, i, have, want)
			}
		}
	}
}

// A bookmark says how far a watch is, and nothing else.
func TestBookmarks(t *testing.T) {
	for _, src := range standard.Sources() {
		var event struct {
			Type   string
			Object struct {
				metav1.TypeMeta
				Metadata metav1.ObjectMeta
			}
		}
		if err := json.Unmarshal(workload.AppendBookmark(nil, workload.JSON, src, 612345678, true), &event); err != nil {
			t.Fatal(err)
		}
		m := event.Object.Metadata
		if event.Type != "BOOKMARK" || m.ResourceVersion != "612345678" || m.Annotations[metav1.InitialEventsAnnotationKey] != "true" ||
			m.Name != "" || event.Object.GroupVersionKind() != src.Info().GroupVersionKind {
			t.Errorf("%s: the bookmark is %+v", src.Info().Resource, event)
		}
	}
}

// To encode an object costs a server little beside what it costs a client to take it in.
func BenchmarkAppendEvent(b *testing.B) {
	for _, src := range standard.Sources() {
		for _, f := range []workload.Format{workload.Protobuf, workload.JSON} {
			if f == workload.Protobuf && !src.Info().Protobuf {
				continue
			}
			b.Run(src.Info().Resource+"/"+f.String(), func(b *testing.B) {
				var buffer []byte
				for i := 0; b.Loop(); i++ {
					at := i % src.Len()
					buffer = workload.AppendEvent(buffer[:0], f, src, "ADDED", at, src.First(at))
				}
				b.SetBytes(int64(len(buffer)))
			})
		}
	}
}
