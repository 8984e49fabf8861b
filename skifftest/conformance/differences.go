package conformance

// Differences are the cases that skifftest's server fails. A test that depends on one of them runs on
// the control plane.
var Differences = []Difference{}
