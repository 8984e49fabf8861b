// Package crd makes a CustomResourceDefinition from a Go struct, without generated code, and installs
// it without losing what is stored.
//
//	type BackupSpec struct {
//		Bucket   string          `json:"bucket" crd:"minLength=3,pattern='^[a-z0-9.-]+$'"`
//		Schedule string          `json:"schedule,omitempty" crd:"default='0 3 * * *'"`
//		Keep     int32           `json:"keep,omitempty" crd:"min=1,max=100,default=7"`
//		Mode     string          `json:"mode,omitempty" crd:"enum=Full|Incremental"`
//		Rules    []Rule          `json:"rules,omitempty" crd:"maxItems=10,listType=map,listMapKey=name"`
//	}
//
//	backups, err := crd.Of[v1.Backup](crd.Status(), crd.ShortNames("bk"),
//		crd.Columns(crd.Column{Name: "Phase", Path: ".status.phase"}))
//	err = crd.Install(ctx, c, backups)
//
// Group, version, kind, plural name and scope are those that the type is registered with
// (kind.Register). [YAML] writes a definition for kubectl and charts, and [Into] fills the type of
// other libraries.
//
// # What the Go type says
//
// The JSON tags give names; fields of embedded structs without a name count as the struct's own; "-"
// leaves a field out. A field with omitempty or omitzero is optional, and so is one of an embedded
// pointer; every other one is required. A required pointer is nullable, because Go writes null for
// nil. Beside Go's own types:
//
//   - []byte is base64, [N]T a list of N elements; keys of maps are strings;
//   - Quantity and IntOrString are numbers or strings; Time, MicroTime and time.Time are RFC 3339;
//     metav1.Duration is a string, time.Duration a number of nanoseconds;
//   - RawExtension and Unstructured keep all their fields; json.RawMessage and the JSON of
//     apiextensions are any value;
//   - ObjectMeta within an object, of a template, has name, namespace, labels, annotations and
//     finalizers. The object's own metadata is the server's;
//   - a type with MarshalText is a string.
//
// A type with MarshalJSON has to give its type, since its fields say nothing: by a tag, by the methods
// OpenAPISchemaType and OpenAPISchemaFormat of kube-openapi, by CRDSchema, or by [ForType].
// Interfaces, functions, channels and recursive types are refused, and the error names the path.
// A recursive type ends at a field with the tag crd:"type=object,preserveUnknownFields".
//
// # Tags
//
// The tag crd has words, separated by commas. A word is a name, or a name, an equals sign and a value.
// A value goes up to the next comma or bar, or stands in single quotes; two single quotes in it are
// one. A bar separates several values. As in any Go struct tag, a backslash is written twice and a
// double quote as \".
//
//	crd:"min=1,max=10"
//	crd:"pattern='^[a-z]{1,63}$',enum=a|b|'c,d'"
//	crd:"rule='self >= oldSelf',message='it can''t shrink',reason=FieldValueInvalid"
//
// Unknown words, words that do not fit the type, and words that are there twice are errors of [Of].
// The words:
//
//	min max exclusiveMin exclusiveMax multipleOf   of numbers
//	minLength maxLength pattern format             of strings; format also of numbers
//	minItems maxItems listType listMapKey          of lists: atomic, set, map; the keys of map
//	minProperties maxProperties mapType            of maps and structs: granular, atomic
//	preserveUnknownFields embeddedResource         of objects: unknown fields stay; a whole object
//	enum                                           the values, separated by bars
//	default                                        a string as it is, anything else as JSON
//	nullable optional required                     null is valid; optional and required go before omitempty
//	type                                           any, string, integer, number, boolean, object or
//	                                               int-or-string, in place of what the Go type says
//	rule                                           a rule in CEL; the words that follow belong to it:
//	message messageExpression reason fieldPath optionalOldSelf
//	doc title                                      what kubectl explain shows
//
// With items: before its name a word is said of a list's elements or a map's values:
// crd:"maxItems=5,items:pattern='^[a-z]+$'". A field's words go before those of its type.
//
// # Methods
//
// None of them makes the package of an API import this one.
//
//	func (BackupSpec) CRDSchema() string            // words of the type, wherever it is used
//	func (Mode) Enum() []Mode                       // the values
//	func (Backup) SwaggerDoc() map[string]string    // documentation by JSON name; "" is the type's
//
// # What differs from controller-gen
//
// Comments are not in the program, so markers and documentation in them count for nothing. Of the
// types of other modules only Go's syntax is known, except of k8s.io/api/core/v1 and metav1: a table has
// what their markers say of lists, bounds and defaults. Which of their fields are required follows from
// omitempty only.
//
// A RawExtension keeps its fields, and the metadata of a template keeps its labels; controller-gen
// needs a marker and a flag for that. A required pointer is nullable.
//
// # A change that loses something
//
// [Install] compares a definition with the one that the server has. It refuses a changed type, a
// removed field, enum value or stored version, a tightened bound, a field that is now required and has
// no default, and a changed scope. The error has all of them, each with its version and path.
// [Installer] has a function that accepts what is meant. [Losses] compares two definitions without a
// server: in a test, the one of the last release with the one of today.
package crd
