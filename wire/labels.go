package wire

import (
	"slices"
	"strings"
)

// Labels are an object's labels, sorted by key, each key once. They implement labels.Labels of
// k8s.io/apimachinery, so that its selectors match them.
type Labels []Label

// Label is one label.
type Label struct{ Key, Value string }

// Has says whether there is a label with that key.
func (l Labels) Has(key string) bool {
	_, ok := l.Lookup(key)
	return ok
}

// Get returns the value of the label with that key, "" if there is none.
func (l Labels) Get(key string) string {
	value, _ := l.Lookup(key)
	return value
}

// Lookup returns the value of the label with that key, and whether there is one.
func (l Labels) Lookup(key string) (value string, ok bool) {
	i, ok := slices.BinarySearchFunc(l, key, func(label Label, key string) int {
		return strings.Compare(label.Key, key)
	})
	if !ok {
		return "", false
	}
	return l[i].Value, true
}

// sorted brings labels, in the order they were written in, into the order of their keys; of equal
// keys the last one counts. API servers write them in order, so there is nothing to do as a rule.
func sorted(l Labels) Labels {
	inOrder := true
	for i := 1; i < len(l) && inOrder; i++ {
		inOrder = l[i-1].Key < l[i].Key
	}
	if inOrder {
		return l
	}
	slices.SortStableFunc(l, func(a, b Label) int { return strings.Compare(a.Key, b.Key) })
	kept := l[:0]
	for i, label := range l {
		if i+1 == len(l) || l[i+1].Key != label.Key {
			kept = append(kept, label)
		}
	}
	return slices.Clip(kept)
}
