package crd

// foreignWords are the words of types of Kubernetes, by the JSON names of their fields; "" is the type
// itself. They say what markers in the sources of k8s.io/api and k8s.io/apimachinery say, which are not
// in the program.
var foreignWords = map[typeName]map[string]string{
	{metaPackage, "Condition"}: {
		"type":               "maxLength=316,pattern='" + `^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$` + "'",
		"status":             "enum=True|False|Unknown",
		"observedGeneration": "min=0",
		"reason":             "minLength=1,maxLength=1024,pattern='^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$'",
		"message":            "maxLength=32768",
	},
	{metaPackage, "LabelSelector"}:            {"": "mapType=atomic", "matchExpressions": "listType=atomic"},
	{metaPackage, "LabelSelectorRequirement"}: {"values": "listType=atomic"},

	{corePackage, "LocalObjectReference"}:      {"": "mapType=atomic", "name": "default=''"},
	{corePackage, "TypedLocalObjectReference"}: {"": "mapType=atomic"},
	{corePackage, "ObjectReference"}:           {"": "mapType=atomic"},
	{corePackage, "SecretReference"}:           {"": "mapType=atomic"},
	{corePackage, "SecretKeySelector"}:         {"": "mapType=atomic"},
	{corePackage, "ConfigMapKeySelector"}:      {"": "mapType=atomic"},
	{corePackage, "ResourceRequirements"}:      {"claims": "listType=map,listMapKey=name"},
}
