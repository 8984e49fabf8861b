package crd

// typeName names a Go type without linking its package.
type typeName struct{ pkg, name string }

const (
	metaPackage          = "k8s.io/apimachinery/pkg/apis/meta/v1"
	runtimePackage       = "k8s.io/apimachinery/pkg/runtime"
	corePackage          = "k8s.io/api/core/v1"
	unstructuredPackage  = metaPackage + "/unstructured"
	extensionsPackage    = "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	oldExtensionsPackage = "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1beta1"
)

// knownTypes are the types whose JSON says more or something else than their Go syntax.
var knownTypes = map[typeName]func() schema{
	{metaPackage, "Time"}:                                  func() schema { return schema{"type": "string", "format": "date-time"} },
	{metaPackage, "MicroTime"}:                             func() schema { return schema{"type": "string", "format": "date-time"} },
	{"time", "Time"}:                                       func() schema { return schema{"type": "string", "format": "date-time"} },
	{metaPackage, "Duration"}:                              func() schema { return schema{"type": "string"} },
	{metaPackage, "ObjectMeta"}:                            embeddedMetadata,
	{metaPackage, "FieldsV1"}:                              anyObject,
	{runtimePackage, "RawExtension"}:                       anyObject,
	{unstructuredPackage, "Unstructured"}:                  anyObject,
	{extensionsPackage, "JSON"}:                            anyValue,
	{oldExtensionsPackage, "JSON"}:                         anyValue,
	{"encoding/json", "RawMessage"}:                        anyValue,
	{"encoding/json", "Number"}:                            func() schema { return schema{"type": "number"} },
	{"k8s.io/apimachinery/pkg/util/intstr", "IntOrString"}: intOrString,
	{"k8s.io/apimachinery/pkg/api/resource", "Quantity"}:   quantity,
	{corePackage, "Protocol"}:                              func() schema { return schema{"type": "string", "default": "TCP"} },
}

func anyValue() schema { return schema{"x-kubernetes-preserve-unknown-fields": true} }

func anyObject() schema {
	return schema{"type": "object", "x-kubernetes-preserve-unknown-fields": true}
}

func intOrString() schema {
	return schema{"x-kubernetes-int-or-string": true,
		"anyOf": []any{schema{"type": "integer"}, schema{"type": "string"}}}
}

// quantity is a number with a unit. The pattern is apimachinery's grammar of it.
// (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/)
func quantity() schema {
	s := intOrString()
	s["pattern"] = `^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$`
	return s
}

// embeddedMetadata is the metadata of a template in an object: the fields that a template may set.
// Without them the server would drop a template's labels.
func embeddedMetadata() schema {
	text := func() schema { return schema{"type": "string"} }
	return schema{"type": "object", "properties": schema{
		"name":        text(),
		"namespace":   text(),
		"labels":      schema{"type": "object", "additionalProperties": text()},
		"annotations": schema{"type": "object", "additionalProperties": text()},
		"finalizers":  schema{"type": "array", "items": text()},
	}}
}
