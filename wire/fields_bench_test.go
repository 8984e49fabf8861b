package wire_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/wire"
)

// To read a pod with and without dropping what is a third of it.
func BenchmarkDrop(b *testing.B) {
	drop := mustDrop(b, podType, "spec.containers[*].env")
	for _, f := range formats {
		data := body(b, f, samplePod())
		for _, tt := range []struct {
			name string
			drop *wire.Drop
		}{{"nothing", nil}, {"env", drop}} {
			b.Run(f.String()+"/"+tt.name, func(b *testing.B) {
				b.SetBytes(int64(len(data)))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := wire.ReadObject(data, f, wire.Options{Drop: tt.drop}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// What one field of a pod costs: to keep it alone, to decode what was kept, to look up its value.
// BenchmarkDecode is what to compare it with.
func BenchmarkKeep(b *testing.B) {
	fields := mustFields(b, podType, "status.phase")
	for _, f := range formats {
		o, err := wire.ReadObject(body(b, f, samplePod()), f, wire.Options{})
		if err != nil {
			b.Fatal(err)
		}
		var buf []byte
		keep := func(b *testing.B) wire.Object {
			kept, err := o.Keep(fields, buf)
			if err != nil {
				b.Fatal(err)
			}
			buf = kept.Data
			return kept
		}
		b.Run(f.String()+"/Keep", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				keep(b)
			}
		})
		b.Run(f.String()+"/KeepAndDecode", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := wire.Decode(keep(b), new(corev1.Pod)); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(f.String()+"/Values", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for range o.Values(fields) {
				}
			}
		})
	}
}
