package main

// Index adds an index of the pods by the Node that they run on.
func (s *subject[T]) Index(name string) error {
	return s.informer.AddFieldIndex(name, "spec.nodeName")
}
