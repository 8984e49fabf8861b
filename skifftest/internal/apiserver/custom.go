package apiserver

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// customFields prunes an object of a custom kind and sets its defaults. It returns an error for each
// field that is not in the schema.
func (c *call) customFields(res *Resource, o content) (unknown []error) {
	for _, path := range res.custom.Prune(o) {
		unknown = append(unknown, fmt.Errorf("unknown field %q", path))
	}
	res.custom.Default(o)
	return unknown
}

// customErrors returns what is wrong with an object by its schema; was is nil if it is created.
func (c *call) customErrors(next, was content) field.ErrorList {
	if v, ok := any(c.res.custom).(interface {
		Validate(next, was map[string]any) field.ErrorList
	}); ok {
		return v.Validate(next, was)
	}
	return nil
}
