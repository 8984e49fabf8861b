// Package apiserver is the API server of skifftest: an http.Handler over internal/storage that speaks
// the Kubernetes API for the built-in kinds and for custom ones.
//
// A request passes these steps:
//
//   - serve.go routes it by its path to a verb and a resource (resources.go, builtin.go);
//   - codec.go and answer.go read the body and write the answer, in JSON, YAML and protobuf;
//   - create.go, update.go, delete.go and patch.go check and change objects in a transaction of the
//     store; list.go reads them and watches;
//   - conversion.go converts between a request's version and the stored one.
package apiserver
