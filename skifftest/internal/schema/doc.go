// Package schema holds the types that skifftest's API server knows: the Go types of k8s.io/api.
package schema
