package wire

import "sort"

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
	i := sort.Search(len(l), func(i int) bool { return l[i].Key >= key })
	if i < len(l) && l[i].Key == key {
		return l[i].Value, true
	}
	return "", false
}
