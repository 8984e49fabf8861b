// Package skifftest is a Kubernetes API server in memory for unit tests, and what a test of a
// controller needs beside it. The real client, informer and controller run on it, over real HTTP.
package skifftest

import (
	_ "k8s.io/apimachinery/pkg/util/managedfields"
	_ "k8s.io/apimachinery/pkg/util/strategicpatch"

	_ "github.com/skiff-k8s/skiff/faults"
)
