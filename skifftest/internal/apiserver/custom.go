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
	if c.at.Subresource == "status" {
		return c.res.custom.ValidateStatus(next, was)
	}
	return c.res.custom.Validate(next, was)
}
