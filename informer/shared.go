package informer

type shared struct{}

func (s *shared) base() *shared { return s }
