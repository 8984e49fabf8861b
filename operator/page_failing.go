package operator

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/skiff-k8s/skiff/controller"
)

// Failing is a key whose last reconcile failed.
type Failing struct {
	Controller string    `json:"controller"`
	Key        string    `json:"key"`
	Since      time.Time `json:"since"` // the first failure in a row that the metrics or its history know
	Times      int       `json:"times"` // how many in a row its history knows
	Step                 // the last one: its error and its next try
}

// failing returns the keys whose last reconcile failed: at most n, those that fail for the longest
// time first, and the number of all of them by controller. since are those that the metrics know,
// some of which may have no history.
func (h *histories) failing(n int, since map[keyOf]time.Time) (keys []Failing, count map[string]int) {
	keys, count = []Failing{}, map[string]int{}
	h.mu.Lock()
	defer h.mu.Unlock()
	for of := range since {
		if h.byKey[of] == nil {
			count[of.controller]++
		}
	}
	first := map[*history]time.Time{}
	var all []*history // and not of Failing: a sort of pointers is linked already
	for e := h.order.Front(); e != nil; e = e.Next() {
		k := e.Value.(*history)
		if k.failures == 0 {
			continue
		}
		count[k.of.controller]++
		all, first[k] = append(all, k), k.since
		if at, ok := since[k.of]; ok && at.Before(k.since) {
			first[k] = at
		}
	}
	slices.SortFunc(all, func(a, b *history) int {
		return cmp.Or(first[a].Compare(first[b]), cmp.Compare(a.of.controller, b.of.controller),
			cmp.Compare(a.of.key, b.of.key))
	})
	for _, k := range all[:min(n, len(all))] {
		keys = append(keys, Failing{Controller: k.of.controller, Key: k.of.key, Since: first[k],
			Times: k.failures, Step: k.failed})
	}
	return keys, count
}

// failingSince returns the keys of these controllers that fail, and since when, for the page.
func (m *Metrics) failingSince(controllers []*controller.Controller) map[keyOf]time.Time {
	all := map[keyOf]time.Time{}
	for _, c := range controllers {
		m.mu.Lock()
		f := m.failing[c]
		m.mu.Unlock()
		f.mu.Lock()
		for key, since := range f.since {
			all[keyOf{c.Name(), short(fmt.Sprint(key))}] = since
		}
		f.mu.Unlock()
	}
	return all
}
