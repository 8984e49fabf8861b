package wire_test

import (
	"bytes"
	"io"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/wire"
)

// repeated reads the same bytes over and over.
type repeated struct {
	data []byte
	at   int
}

func (r *repeated) Read(p []byte) (int, error) {
	n := copy(p, r.data[r.at:])
	r.at = (r.at + n) % len(r.data)
	return n, nil
}

// One event of a watch of pods: what a quiet core costs when a busy cluster is watched. With memory of
// its own for each object, and in an arena.
func BenchmarkWatch(b *testing.B) {
	for _, f := range formats {
		arena := wire.NewArena(1 << 20)
		for _, where := range []struct {
			name  string
			arena func() *wire.Arena
		}{
			{"own", nil},
			{"arena", func() *wire.Arena {
				if arena.Full() {
					arena.Reset()
				}
				return arena
			}},
		} {
			b.Run(f.String()+"/"+where.name, func(b *testing.B) {
				watch, size := largeWatch(b, f)
				w := wire.NewWatchReader(watch, f, wire.Options{Arena: where.arena})
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := w.Next(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// One item of a list of pods.
func BenchmarkList(b *testing.B) {
	for _, f := range formats {
		b.Run(f.String(), func(b *testing.B) {
			pod := largePod(1)
			const n = 1000
			var whole bytes.Buffer
			if _, err := io.Copy(&whole, longList(b, f, pod, n)); err != nil {
				b.Fatal(err)
			}
			l := wire.NewListReader(bytes.NewReader(whole.Bytes()), f, wire.Options{})
			b.SetBytes(int64(whole.Len() / n))
			b.ReportAllocs()
			for b.Loop() {
				_, err := l.Next()
				if err == io.EOF {
					l = wire.NewListReader(bytes.NewReader(whole.Bytes()), f, wire.Options{})
					continue
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkReadObject(b *testing.B) {
	for _, f := range formats {
		b.Run(f.String(), func(b *testing.B) {
			data := body(b, f, largePod(1))
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := wire.ReadObject(data, f, wire.Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// What reading an object without decoding it is to be compared with.
func BenchmarkDecode(b *testing.B) {
	for _, f := range formats {
		b.Run(f.String(), func(b *testing.B) {
			o, err := wire.ReadObject(body(b, f, largePod(1)), f, wire.Options{})
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(o.Data)))
			b.ReportAllocs()
			for b.Loop() {
				if err := wire.Decode(o, new(corev1.Pod)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAnnotation(b *testing.B) {
	for _, f := range formats {
		b.Run(f.String(), func(b *testing.B) {
			o, err := wire.ReadObject(body(b, f, largePod(1)), f, wire.Options{})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := o.Annotation("prometheus.io/scrape"); !ok {
					b.Fatal("no annotation")
				}
			}
		})
	}
}
