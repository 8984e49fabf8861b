// Package replay serves a workload as a kube-apiserver would.
package replay
