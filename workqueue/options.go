package workqueue

// Option changes how New makes a queue. None is needed.
type Option func(*settings)

type settings struct {
	name    string
	metrics Metrics
}

// WithName names the queue in its errors, usually by the controller that it
// works for. Default: empty.
func WithName(name string) Option {
	return func(s *settings) { s.name = name }
}

// WithMetrics has the queue tell m what happens in it. Default: nobody.
func WithMetrics(m Metrics) Option {
	return func(s *settings) { s.metrics = m }
}
