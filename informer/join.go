package informer

import (
	"sync"
	"sync/atomic"
)

// wishes are the options of all users of a shared informer that do not decide which informer it is.
type wishes struct {
	check atomic.Bool // CheckViews

	mu     sync.Mutex
	budget int64 // of decoded objects; 0 keeps none
	chosen bool  // an option set the budget
}

// join adds the options of one more user. If one user sets CheckViews, it holds for all. The
// largest DecodedBudget that was set holds for all.
func (s *shared) join(c config) {
	w := &s.wishes
	if c.checkViews {
		w.check.Store(true)
	}
	if !c.budgetChosen {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.chosen && c.decodedBudget <= w.budget {
		return
	}
	w.budget, w.chosen = c.decodedBudget, true
	s.store().SetDecodedBytes(w.budget)
}
