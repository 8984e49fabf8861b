package apiserver

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// customFields prunes an object of a custom kind and sets its defaults. It returns an error for each
// field that is not in the schema, and one of metadata of a wrong type.
func (c *call) customFields(res *Resource, o content) (unknown []error, err error) {
	paths, err := res.custom.Decode(o)
	for _, path := range paths {
		unknown = append(unknown, fmt.Errorf("unknown field %q", path))
	}
	return unknown, err
}

// customErrors returns what is wrong with an object by its schema; was is nil if it is created.
func (c *call) customErrors(next, was content) field.ErrorList {
	if c.at.Subresource == "status" {
		return c.res.custom.ValidateStatus(next, was)
	}
	return c.res.custom.Validate(next, was)
}
