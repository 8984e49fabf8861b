package wire

import (
	"iter"
	"slices"
	"sort"
	"strings"
)

// Labels are an object's labels. They are an immutable value: copies share memory, and no method
// gives access to it, so that all objects with the same labels can share one. They are safe for
// concurrent use. The zero Labels has no label. Labels implements labels.Labels of
// k8s.io/apimachinery, so that its selectors match it.
type Labels struct {
	sorted []Label // by key, each key once
}

// Label is one label.
type Label struct{ Key, Value string }

// NewLabels returns the given labels, in any order. Of equal keys the last one counts. NewLabels
// takes ownership of the slice: a caller that passes one does not use it afterwards. The strings
// are kept and not copied.
func NewLabels(labels ...Label) Labels {
	if len(labels) == 0 {
		return Labels{}
	}
	return Labels{sorted(labels)}
}

// Len returns the number of labels.
func (l Labels) Len() int { return len(l.sorted) }

// Has reports whether there is a label with that key.
func (l Labels) Has(key string) bool {
	_, ok := l.Lookup(key)
	return ok
}

// Get returns the value of the label with that key, "" if there is none.
func (l Labels) Get(key string) string {
	value, _ := l.Lookup(key)
	return value
}

// Lookup returns the value of the label with that key and reports whether there is one.
func (l Labels) Lookup(key string) (value string, ok bool) {
	i, ok := slices.BinarySearchFunc(l.sorted, key, func(label Label, key string) int {
		return strings.Compare(label.Key, key)
	})
	if !ok {
		return "", false
	}
	return l.sorted[i].Value, true
}

// All returns an iterator over the keys and values, sorted by key.
func (l Labels) All() iter.Seq2[string, string] {
	return func(yield func(key, value string) bool) {
		for i := range l.sorted {
			if !yield(l.sorted[i].Key, l.sorted[i].Value) {
				return
			}
		}
	}
}

// Equal reports whether both have the same keys with the same values.
func (l Labels) Equal(other Labels) bool { return slices.Equal(l.sorted, other.sorted) }

// String returns the labels as a selector that matches them: "app=web,tier=db".
func (l Labels) String() string {
	var b strings.Builder
	for key, value := range l.All() {
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(key)
		b.WriteByte('=')
		b.WriteString(value)
	}
	return b.String()
}

// sorted sorts labels by key, in place; of equal keys the last one counts. API servers write them
// sorted, so there is rarely anything to do.
func sorted(l []Label) []Label {
	inOrder := true
	for i := 1; i < len(l) && inOrder; i++ {
		inOrder = l[i-1].Key < l[i].Key
	}
	if inOrder {
		return l
	}
	order := &labelOrder{l, make([]int, len(l))}
	for i := range order.place {
		order.place[i] = i
	}
	sort.Sort(order)
	kept := l[:0]
	for i, label := range l {
		if i+1 == len(l) || l[i+1].Key != label.Key {
			kept = append(kept, label)
		}
	}
	return slices.Clip(kept)
}

// labelOrder sorts labels by key, and equal keys by their places. (A generic stable sort adds 6 KB to
// the smallest program.)
type labelOrder struct {
	labels []Label
	place  []int
}

func (o *labelOrder) Len() int { return len(o.labels) }

func (o *labelOrder) Less(i, j int) bool {
	if o.labels[i].Key != o.labels[j].Key {
		return o.labels[i].Key < o.labels[j].Key
	}
	return o.place[i] < o.place[j]
}

func (o *labelOrder) Swap(i, j int) {
	o.labels[i], o.labels[j] = o.labels[j], o.labels[i]
	o.place[i], o.place[j] = o.place[j], o.place[i]
}
