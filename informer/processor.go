package informer

// Handler is told what happens to the objects of an informer. Any of its functions may be nil.
//
// For each key they are called in order: one OnAdd, any number of OnUpdate, one OnDelete.
type Handler[T any] struct {
	// OnAdd is called for an object that is new to this handler.
	OnAdd func(item Item[T])
	// OnUpdate is called for a change of an object. old is what this handler was told before. In a
	// resync, old and new are the same.
	OnUpdate func(old, new Item[T])
	// OnDelete is called for an object that is gone, with its last known state: the final one if
	// the informer saw the deletion, the cached one if it came to know of it by a relist.
	OnDelete func(last Item[T])
}

// Registration is one handler's place at an informer.
type Registration struct{}

// HasSynced says whether the handler has been given the whole initial list: its OnAdd has returned
// for each object of it.
func (r *Registration) HasSynced() bool { panic("not built yet") }

// Synced is closed when HasSynced turns true.
func (r *Registration) Synced() <-chan struct{} { panic("not built yet") }

// Remove ends the handler: no call begins after Remove returns, but for one that was about to.
// It does not wait for a call in progress, so it may be called from the handler itself. Done says
// when that has ended.
func (r *Registration) Remove() { panic("not built yet") }

// Done is closed when the handler will not be called any more: after Remove, or after the end of
// the informer's context.
func (r *Registration) Done() <-chan struct{} { panic("not built yet") }
