package schema

import "sigs.k8s.io/structured-merge-diff/v6/typed"

// Custom is the schema of one version of a custom kind.
type Custom struct {
	merge func() (*typed.ParseableType, error)
}

// Prune removes from object the fields that the schema has not, and returns their paths. The caller
// owns object.
func (c *Custom) Prune(object map[string]any) []string { return nil }

// Default sets the defaults of the schema in object. The caller owns object.
func (c *Custom) Default(object map[string]any) {}

// Status reports whether the kind has the subresource status.
func (c *Custom) Status() bool { return false }
