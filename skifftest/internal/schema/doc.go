// Package schema holds the types that skifftest's API server knows: the Go types of k8s.io/api, the
// types by which objects of all built-in kinds are merged, and those of custom kinds from their
// CustomResourceDefinitions, with defaults, pruning and validation.
//
// The embedded types have few of the defaults that kube-apiserver sets: it sets most in Go code, which
// is not in its OpenAPI. So none are set in objects of built-in kinds, beside the keys of lists.
//
// CEL rules are not evaluated.
package schema
