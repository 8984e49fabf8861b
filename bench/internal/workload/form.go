package workload

import (
	"bytes"
	"fmt"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/runtime"
)

// form is an encoded pod of a ReplicaSet, and where in it the slots are.
type form struct {
	data  []byte
	holes []hole
}

type hole struct {
	at   int
	slot slot
}

// newForm encodes a pod with the markers as its values, and finds their places.
func newForm(b *blueprint, phase Phase, f Format) *form {
	marks := markers()
	result := &form{data: appendMarshalled(nil, f, b.pod(marks, phase))}
	for s := range slots {
		var mark []byte
		if s < texts {
			mark = marks.slot(s)
		} else {
			mark = appendTime(nil, f, marks.seconds(s))
		}
		for at := 0; ; at += len(mark) {
			next := bytes.Index(result.data[at:], mark)
			if next < 0 {
				break
			}
			at += next
			result.holes = append(result.holes, hole{at, s})
		}
	}
	slices.SortFunc(result.holes, func(a, b hole) int { return a.at - b.at })
	return result
}

// append appends the form, filled in.
func (fm *form) append(dst []byte, f Format, v *values) []byte {
	at := len(dst)
	dst = append(dst, fm.data...)
	var buffer [int(times) * timeLenJSON]byte
	moments, width := buffer[:0], timeLenProtobuf
	if f == JSON {
		width = timeLenJSON
	}
	for _, seconds := range v.times {
		moments = appendTime(moments, f, seconds)
	}
	if len(moments) != int(times)*width {
		panic(fmt.Sprintf("workload: times %v do not have the length that all times have", v.times))
	}
	for _, h := range fm.holes {
		if h.slot < texts {
			copy(dst[at+h.at:], v.slot(h.slot))
		} else {
			k := int(h.slot-texts) * width
			copy(dst[at+h.at:], moments[k:k+width])
		}
	}
	return dst
}

// formKey identifies a form.
type formKey struct {
	deployment int
	generation uint32
	phase      Phase
	format     Format
}

// formCache holds the forms that were used recently. Not all fit: a million pods have twenty
// thousand ReplicaSets.
type formCache struct {
	mu         sync.RWMutex
	young, old map[formKey]*form // when young is full it becomes old, and what was old is forgotten
}

const maxForms = 4096 // in each of the two: 50 MB, if all are JSON

func (p *Pods) form(d int, s State, f Format) *form {
	key := formKey{d, s.Generation, s.Phase, f}
	c := &p.forms
	c.mu.RLock()
	fm := c.young[key]
	c.mu.RUnlock()
	if fm != nil {
		return fm
	}
	c.mu.Lock()
	fm = c.old[key]
	c.mu.Unlock()
	if fm == nil {
		fm = newForm(newBlueprint(p.seed, d, p.deployments[d], s.Generation), s.Phase, f)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.young) >= maxForms {
		c.young, c.old = nil, c.young
	}
	if c.young == nil {
		c.young = make(map[formKey]*form)
	}
	c.young[key] = fm
	return fm
}

// appendMarshalled appends an object as a list contains it.
func appendMarshalled(dst []byte, f Format, object runtime.Object) []byte {
	if f == JSON {
		return append(dst, marshalJSON(object)...)
	}
	return append(dst, marshalProtobuf(object)...)
}

func marshalJSON(object runtime.Object) []byte { return mustMarshal(object) }

func marshalProtobuf(object runtime.Object) []byte {
	data, err := object.(interface{ Marshal() ([]byte, error) }).Marshal()
	if err != nil {
		panic(err) // the sources make no object that cannot be marshalled
	}
	return data
}
