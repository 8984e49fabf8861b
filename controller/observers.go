package controller

import (
	"slices"
	"sync"
	"sync/atomic"
)

// observers is a list that is read without a lock.
type observers struct {
	mu   sync.Mutex // held by those who change the list
	list atomic.Pointer[[]*Observer]
}

// all returns the list, which is never changed.
func (o *observers) all() []*Observer {
	if list := o.list.Load(); list != nil {
		return *list
	}
	return nil
}

// change replaces the list by what f makes of a copy.
func (o *observers) change(f func([]*Observer) []*Observer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	list := f(slices.Clone(o.all()))
	o.list.Store(&list)
}
