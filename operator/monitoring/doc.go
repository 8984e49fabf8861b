// Package monitoring has the tests of docs/monitoring: the alert rules and the dashboard for
// operators that are built with skiff.
//
// Operators run, healthy and in trouble. What their /metrics answers is put into series, which
// Prometheus' own engine evaluates. Each alert has to fire in its situation, and no other one; each
// query of the dashboard has to have samples, a legend that its labels fill, and the unit of what it
// asks for. Most situations run by testing/synctest's clock, against an API server in memory, so that
// an alert that waits for minutes takes none. One runs on the real control plane.
//
// It is a module of its own, because nothing but these tests needs Prometheus' engine.
package monitoring
