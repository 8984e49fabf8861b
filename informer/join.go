package informer

import (
	"sync"
	"sync/atomic"
)

// wishes are what those who share an informer want of it together, beyond what makes it theirs.
type wishes struct {
	check atomic.Bool // CheckViews

	mu     sync.Mutex
	budget int64 // of decoded objects; 0 keeps none
	chosen bool  // somebody has asked for that budget
}

// join takes in the wishes of one more who shares the informer. CheckViews is for all if one wants
// it; of budgets the largest holds that anybody has asked for.
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
