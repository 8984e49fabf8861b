package workload

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// listKeys are the lists whose elements server-side apply tracks separately, with the keys of the
// elements. All other lists belong to a manager as a whole.
var listKeys = map[string][]string{
	"conditions":                {"type"},
	"containers":                {"name"},
	"env":                       {"name"},
	"ownerReferences":           {"uid"},
	"podIPs":                    {"ip"},
	"ports":                     {"containerPort", "protocol"},
	"topologySpreadConstraints": {"topologyKey", "whenUnsatisfiable"},
	"volumeMounts":              {"mountPath"},
	"volumes":                   {"name"},
	"addresses":                 {"type"},
}

// undotted are the fields that no manager owns as such, because they always exist.
var undotted = map[string]bool{"metadata": true, "spec": true, "status": true, "containers": true, "conditions": true}

// managed returns the entry of a manager that set these fields of an object.
func managed(manager, apiVersion, subresource string, at int64, fields map[string]any) metav1.ManagedFieldsEntry {
	entry := metav1.ManagedFieldsEntry{
		Manager: manager, Operation: metav1.ManagedFieldsOperationUpdate, APIVersion: apiVersion,
		Time: new(timeOf(at)), FieldsType: "FieldsV1", FieldsV1: &metav1.FieldsV1{}, Subresource: subresource,
	}
	entry.FieldsV1.SetRawBytes(appendFields(nil, "metadata", fields))
	return entry
}

// appendFields appends the set of fields that value has, in the encoding of FieldsV1. name is the
// field that value is of.
func appendFields(dst []byte, name string, value any) []byte {
	dst = append(dst, '{')
	empty := true
	member := func(key string) {
		if !empty {
			dst = append(dst, ',')
		}
		empty = false
		dst = strconv.AppendQuote(dst, key)
		dst = append(dst, ':')
	}
	dot := func() {
		if !undotted[name] {
			member(".")
			dst = append(dst, "{}"...)
		}
	}
	switch value := value.(type) {
	case map[string]any:
		if len(value) > 0 {
			dot()
		}
		for _, key := range slices.Sorted(maps.Keys(value)) {
			member("f:" + key)
			dst = appendFields(dst, key, value[key])
		}
	case []any:
		keys := listKeys[name]
		if keys == nil {
			break
		}
		dot()
		elements := make(map[string]map[string]any)
		for _, element := range value {
			element := element.(map[string]any)
			id := make(map[string]any, len(keys))
			for _, key := range keys {
				id[key] = element[key]
			}
			elements["k:"+string(mustMarshal(id))] = element
		}
		for _, id := range slices.Sorted(maps.Keys(elements)) {
			member(id)
			if name == "ownerReferences" {
				dst = append(dst, "{}"...)
			} else {
				dst = appendFields(dst, "", elements[id])
			}
		}
	}
	return append(dst, '}')
}

// tree returns a value as decoded from its JSON.
func tree(value any) map[string]any {
	var m map[string]any
	if err := json.Unmarshal(mustMarshal(value), &m); err != nil {
		panic(err)
	}
	return m
}

func mustMarshal(value any) []byte {
	data, err := json.Marshal(value)
	if err != nil {
		panic(err) // of types that can always be marshalled
	}
	return data
}
