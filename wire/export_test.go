package wire

// For tests outside the package.

var HasObjectMeta = hasObjectMeta

// Slice is the memory of the labels.
func (l Labels) Slice() []Label { return l.sorted }
