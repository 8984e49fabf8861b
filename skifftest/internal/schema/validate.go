package schema

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation/field"
	openapierrors "k8s.io/kube-openapi/pkg/validation/errors"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"k8s.io/kube-openapi/pkg/validation/strfmt"
	"k8s.io/kube-openapi/pkg/validation/validate"
)

// validator checks values against a schema. Its zero value allows everything.
type validator struct{ v *validate.SchemaValidator }

func newValidator(document map[string]any) (validator, error) {
	data, err := json.Marshal(checkable(document))
	if err != nil {
		return validator{}, err
	}
	s := &spec.Schema{}
	if err := json.Unmarshal(data, s); err != nil {
		return validator{}, fmt.Errorf("read the schema: %w", err)
	}
	return validator{validate.NewSchemaValidator(s, nil, "", strfmt.Default)}, nil
}

// formats are the formats of strings that kube-apiserver checks, without hyphens. It ignores others.
var formats = []string{
	"bsonobjectid", "uri", "email", "hostname", "ipv4", "ipv6", "cidr", "mac", "uuid", "uuid3", "uuid4", "uuid5",
	"isbn", "isbn10", "isbn13", "creditcard", "ssn", "hexcolor", "rgbcolor", "byte", "password", "date", "duration",
	"datetime", "k8sshortname", "k8slongname",
}

// checkable returns a copy of a schema as the validator needs it: int-or-string is two types, and
// formats that are not checked are gone.
func checkable(schema map[string]any) map[string]any {
	out := make(map[string]any, len(schema))
	for key, v := range schema {
		switch key {
		case "description", "title", "example", "default", "x-kubernetes-validations":
			continue
		case "properties":
			properties, _ := v.(map[string]any)
			all := make(map[string]any, len(properties))
			for name, p := range properties {
				p, _ := p.(map[string]any)
				all[name] = checkable(p)
			}
			v = all
		case "items", "not", "additionalProperties":
			if sub, ok := v.(map[string]any); ok {
				v = checkable(sub)
			}
		case "allOf", "anyOf", "oneOf":
			parts, _ := v.([]any)
			all := make([]any, len(parts))
			for i, p := range parts {
				p, _ := p.(map[string]any)
				all[i] = checkable(p)
			}
			v = all
		}
		out[key] = v
	}
	if out["x-kubernetes-int-or-string"] == true {
		out["type"] = []any{"integer", "string"}
	}
	if format, ok := out["format"].(string); ok && !checks(out["type"], format) {
		delete(out, "format")
	}
	return out
}

func checks(typ any, format string) bool {
	switch typ {
	case nil, "", "string":
		return slices.Contains(formats, strings.ReplaceAll(format, "-", ""))
	case "integer":
		return format == "int32" || format == "int64"
	case "number":
		return format == "float" || format == "double"
	}
	return false
}

// Validate returns what is wrong with the values of object, in the words of kube-apiserver. The
// object is decoded; its names and metadata are not checked. old is the object before an update, or
// nil: a value that was wrong before and has not changed is not an error.
func (c *Custom) Validate(object, old map[string]any) field.ErrorList {
	errs := c.validator.errors(nil, object)
	errs = append(errs, c.scale.validateSpec(object)...)
	errs = append(errs, c.scale.validateStatus(object)...)
	if old == nil {
		errs = append(errs, embeddedErrors(nil, object, c.root, true)...)
	}
	return c.ratchet(append(errs, c.duplicates(object, old)...), object, old)
}

// ValidateStatus returns what is wrong with the status of object, after an update of the status.
func (c *Custom) ValidateStatus(object, old map[string]any) field.ErrorList {
	var errs field.ErrorList
	if status, ok := object["status"]; ok && c.status != nil {
		errs = c.status.errors(field.NewPath("status"), status)
	}
	errs = append(errs, c.scale.validateStatus(object)...)
	return c.ratchet(append(errs, c.duplicates(object, old)...), object, old)
}

// duplicates returns the items that a list of type set or map has twice. Those that were there before
// allow others.
func (c *Custom) duplicates(object, old map[string]any) field.ErrorList {
	errs := duplicates(nil, object, c.root)
	if len(errs) > 0 && old != nil && len(duplicates(nil, old, c.root)) > 0 {
		return nil
	}
	return errs
}

// errors returns what is wrong with a value at a path.
func (v validator) errors(path *field.Path, value any) field.ErrorList {
	if v.v == nil {
		return nil
	}
	var errs field.ErrorList
	for _, err := range v.v.Validate(value).Errors {
		errs = append(errs, fieldError(path, err))
	}
	return errs
}

// fieldError returns a validator's error as kube-apiserver reports it.
func fieldError(path *field.Path, err error) *field.Error {
	v, ok := err.(*openapierrors.Validation)
	if !ok {
		return field.Invalid(path, "", err.Error())
	}
	if name := strings.TrimPrefix(v.Name, "."); name != "" {
		path = path.Child(name)
	}
	value := v.Value
	if value == nil {
		value = ""
	}
	limit, hasLimit := v.Valid.(int64)
	if !hasLimit {
		limit = -1
	}
	switch v.Code() {
	case openapierrors.RequiredFailCode:
		return field.Required(path, "")
	case openapierrors.EnumFailCode:
		allowed := make([]string, len(v.Values))
		for i, a := range v.Values {
			if s, ok := a.(string); ok {
				allowed[i] = s
			} else {
				data, _ := json.Marshal(a)
				allowed[i] = string(data)
			}
		}
		return field.NotSupported(path, v.Value, allowed)
	case openapierrors.TooLongFailCode:
		return field.TooLong(path, "", int(limit))
	case openapierrors.MaxItemsFailCode, openapierrors.TooManyPropertiesCode:
		has, ok := v.Value.(int64)
		if !ok {
			has = -1
		}
		return field.TooMany(path, int(has), int(limit))
	case openapierrors.InvalidTypeCode:
		return field.TypeInvalid(path, value, v.Error())
	default:
		return field.Invalid(path, value, v.Error())
	}
}

// scale has the paths of the subresource scale.
type scale struct {
	spec, status string
	selector     string // "" if there is none
}

func newScale(subresource map[string]any) *scale {
	if subresource == nil {
		return nil
	}
	s := &scale{}
	s.spec, _ = subresource["specReplicasPath"].(string)
	s.status, _ = subresource["statusReplicasPath"].(string)
	s.selector, _ = subresource["labelSelectorPath"].(string)
	return s
}

// ScalePaths returns the paths of the replicas in spec and status and of the label selector, such as
// .spec.replicas, and whether the kind has the subresource scale.
func (c *Custom) ScalePaths() (spec, status, selector string, ok bool) {
	if c.scale == nil {
		return "", "", "", false
	}
	return c.scale.spec, c.scale.status, c.scale.selector, true
}

func fieldsOf(path string) []string { return strings.Split(strings.TrimPrefix(path, "."), ".") }

func (s *scale) validateSpec(object map[string]any) field.ErrorList {
	if s == nil {
		return nil
	}
	return replicas(s.spec, object)
}

func (s *scale) validateStatus(object map[string]any) field.ErrorList {
	if s == nil {
		return nil
	}
	errs := replicas(s.status, object)
	if s.selector != "" {
		if v, _, err := unstructured.NestedString(object, fieldsOf(s.selector)...); err != nil {
			errs = append(errs, field.Invalid(field.NewPath(s.selector), v, err.Error()))
		}
	}
	return errs
}

func replicas(path string, object map[string]any) field.ErrorList {
	n, _, err := unstructured.NestedInt64(object, fieldsOf(path)...)
	switch {
	case err != nil:
		return field.ErrorList{field.Invalid(field.NewPath(path), n, err.Error())}
	case n < 0:
		return field.ErrorList{field.Invalid(field.NewPath(path), n, "should be a non-negative integer")}
	case n > math.MaxInt32:
		return field.ErrorList{field.Invalid(field.NewPath(path), n,
			fmt.Sprintf("should be less than or equal to %v", math.MaxInt32))}
	}
	return nil
}
