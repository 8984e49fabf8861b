package informer

import (
	"fmt"
	"math/bits"
	"reflect"
	"sync"
	"time"
)

// footprint returns how many bytes of memory a decoded object takes: the object and everything that
// it points to, as Go's allocator rounds it up. It walks the object by reflection, so it is called
// only for objects that are to be kept.
//
// It also prepares the object for sharing. Some types compute a value when they are first read and
// store it in themselves. footprint makes them compute it, so that later reads do not write.
func footprint(object any) int64 {
	return hanging(reflect.ValueOf(object), shapeOf(reflect.TypeOf(object)))
}

// shape describes a type: where its values point to further memory.
type shape struct {
	kind   reflect.Kind
	size   int64
	flat   bool   // its values point to nothing
	settle bool   // it is a resource.Quantity, which caches its text
	elem   *shape // of arrays, slices, pointers and maps
	key    *shape // of maps
	fields []fieldShape
}

// fieldShape is a field whose value may point to further memory.
type fieldShape struct {
	index int
	shape *shape
}

// shapes are the shapes by reflect.Type. There are as many as types of API objects are in use.
var shapes = struct {
	sync.Mutex
	of map[reflect.Type]*shape
}{of: make(map[reflect.Type]*shape)}

func shapeOf(t reflect.Type) *shape {
	shapes.Lock()
	defer shapes.Unlock()
	return newShape(t)
}

// newShape returns the shape of t, which is made if there is none. shapes is locked.
func newShape(t reflect.Type) *shape {
	if s, ok := shapes.of[t]; ok {
		return s
	}
	s := &shape{kind: t.Kind(), size: int64(t.Size())}
	shapes.of[t] = s // before its parts, because a type may contain itself
	switch s.kind {
	case reflect.String, reflect.Interface:
	case reflect.Pointer, reflect.Slice:
		s.elem = newShape(t.Elem())
	case reflect.Map:
		s.key, s.elem = newShape(t.Key()), newShape(t.Elem())
	case reflect.Array:
		s.elem = newShape(t.Elem())
		s.flat = s.elem.flat
	case reflect.Struct:
		s.settle = t.Name() == "Quantity" && t.PkgPath() == "k8s.io/apimachinery/pkg/api/resource"
		if t != reflect.TypeFor[time.Time]() { // its location belongs to package time
			for i := range t.NumField() {
				if f := newShape(t.Field(i).Type); !f.flat {
					s.fields = append(s.fields, fieldShape{i, f})
				}
			}
		}
		s.flat = len(s.fields) == 0
	default: // numbers; and functions and channels, which no API object has
		s.flat = true
	}
	return s
}

// hanging returns the bytes that v points to, v itself not counted.
func hanging(v reflect.Value, s *shape) (bytes int64) {
	switch s.kind {
	case reflect.String:
		return block(int64(v.Len()), false)
	case reflect.Pointer:
		if !v.IsNil() {
			bytes = block(s.elem.size, !s.elem.flat) + hanging(v.Elem(), s.elem)
		}
	case reflect.Interface:
		if !v.IsNil() {
			in := v.Elem()
			is := shapeOf(in.Type())
			switch is.kind {
			case reflect.Pointer, reflect.Map, reflect.Func, reflect.Chan, reflect.UnsafePointer:
				// The interface holds it without a block of its own.
			case reflect.Bool: // the runtime has both values, shared
			default:
				bytes = block(is.size, !is.flat)
			}
			bytes += hanging(in, is)
		}
	case reflect.Slice:
		if bytes = block(int64(v.Cap())*s.elem.size, !s.elem.flat); !s.elem.flat {
			for i := range v.Len() {
				bytes += hanging(v.Index(i), s.elem)
			}
		}
	case reflect.Array:
		for i := 0; i < v.Len() && !s.flat; i++ {
			bytes += hanging(v.Index(i), s.elem)
		}
	case reflect.Map:
		if v.IsNil() {
			return 0
		}
		bytes = mapBytes(int64(v.Len()), s.key, s.elem)
		if s.key.flat && s.elem.flat {
			return bytes
		}
		for m := v.MapRange(); m.Next(); {
			bytes += hanging(m.Key(), s.key) + hanging(m.Value(), s.elem)
		}
	case reflect.Struct:
		// The elements of a map are copies and cannot be addressed.
		if s.settle && v.CanAddr() && v.Addr().CanInterface() {
			_ = v.Addr().Interface().(fmt.Stringer).String()
		}
		for _, f := range s.fields {
			bytes += hanging(v.Field(f.index), f.shape)
		}
	}
	return bytes
}

// mapBytes returns the size of a Go map of n elements, without the memory that they point to: a
// header and groups of eight places (internal/runtime/maps). More than eight elements make tables,
// of which at most seven eighths are in use, and which double.
func mapBytes(n int64, key, elem *shape) int64 {
	const header, table, group = 48, 32, 8
	pointers := !key.flat || !elem.flat
	slot := (key.size + elem.size + 7) &^ 7
	oneGroup := 8 + group*slot
	switch {
	case n == 0:
		return header
	case n <= group:
		return header + block(oneGroup, pointers)
	}
	places := int64(1) << bits.Len64(uint64(n*8/7))
	return header + table + 8 + block(places/group*oneGroup, pointers)
}

// block returns the size of an allocation of n bytes. The allocator's sizes are 16 bytes apart up
// to 256, and about eight to each power of two beyond. Large blocks with pointers have a header of
// 8 bytes. Tiny ones without pointers share one block.
//
//go:noinline // to keep programs small
func block(n int64, pointers bool) int64 {
	switch {
	case n <= 8 && pointers:
		return (n + 7) &^ 7
	case n < 16 && !pointers:
		return n
	case n <= 256:
		return (n + 15) &^ 15
	case n > 512 && pointers:
		n += 8
	}
	step := int64(1) << (bits.Len64(uint64(n-1)) - 4)
	if n > 32<<10 {
		step = 8 << 10 // pages
	}
	return (n + step - 1) &^ (step - 1)
}
