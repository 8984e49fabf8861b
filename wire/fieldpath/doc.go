// Package fieldpath chooses fields of Kubernetes objects by their paths: to keep nothing else of an
// object, to read single values, and to leave fields out. It works on an object's bytes, in JSON
// and in protobuf; nothing is decoded.
//
// A path names fields as JSON does:
//
//	spec.containers[*].env    of each element of a list
//	metadata.labels['app']    one value of a map; in the key, \' is a quote and \\ a backslash
//	spec.nodeSelector[*]      each value of a map
//
// [New] makes paths ready for a Go type once, and finds those that the type does not have. Package
// wire takes the [Set] that it returns: its Object.Keep and Object.Values work on an object, and
// its NewDrop takes paths too. Below that, a Set is a tree for each format ([Names], [Numbers]),
// for who goes over the bytes.
package fieldpath
