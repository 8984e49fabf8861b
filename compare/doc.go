// Package compare makes the same calls with skiff and with client-go, against the same server, and
// compares what they send, what they return, and what they read from kubeconfig files. It makes its
// cases from tables and a seed. docs/differences.md is its output:
//
//	make differences
package compare
