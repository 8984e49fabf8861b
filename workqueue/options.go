package workqueue

import "time"

// Option configures a queue. None is needed.
type Option func(*settings)

type settings struct {
	name    string
	metrics Metrics
	lowWait time.Duration // 0 means one priority
}

// WithName sets the name of the queue in its errors. It is usually the name of the controller. The
// default is empty.
func WithName(name string) Option {
	return func(s *settings) { s.name = name }
}

// WithMetrics makes the queue call the functions of m. The default is none.
func WithMetrics(m Metrics) Option {
	return func(s *settings) { s.metrics = m }
}
