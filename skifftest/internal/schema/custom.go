package schema

// Custom is the schema of one version of a custom kind.
type Custom struct{}

// Prune removes from object the fields that the schema has not, and returns their paths. The caller
// owns object.
func (c *Custom) Prune(object map[string]any) []string { return nil }
