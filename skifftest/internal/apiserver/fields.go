package apiserver

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/fields"

	"github.com/skiff-k8s/skiff/internal/storage"
)

// fieldLabels are the fields that objects of built-in kinds are selected by, besides metadata.name and
// metadata.namespace: https://kubernetes.io/docs/concepts/overview/working-with-objects/field-selectors/
var fieldLabels = map[string][]string{
	"pods": {"spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName",
		"spec.hostNetwork", "status.phase", "status.podIP", "status.podIPs", "status.nominatedNodeName"},
	"events": {"involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
		"involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason",
		"reportingComponent", "source", "type"},
	"events.events.k8s.io": {"involvedObject.kind", "involvedObject.namespace", "involvedObject.name",
		"involvedObject.uid", "involvedObject.apiVersion", "involvedObject.resourceVersion",
		"involvedObject.fieldPath", "regarding.kind", "regarding.namespace", "regarding.name", "regarding.uid",
		"regarding.apiVersion", "regarding.resourceVersion", "regarding.fieldPath", "reason",
		"reportingComponent", "reportingController", "source", "type"},
	"secrets":                {"type"},
	"namespaces":             {"status.phase", "name"},
	"nodes":                  {"spec.unschedulable"},
	"replicationcontrollers": {"status.replicas"},
	"replicasets.apps":       {"status.replicas"},
	"services":               {"spec.clusterIP", "spec.type"},
	"persistentvolumes":      {"name"},
	"jobs.batch":             {"status.successful"},
	"certificatesigningrequests.certificates.k8s.io": {"spec.signerName"},
	"clustertrustbundles.certificates.k8s.io":        {"spec.signerName"},
	"podcertificaterequests.certificates.k8s.io":     {"spec.signerName", "spec.podName", "spec.nodeName"},
	"resourceslices.resource.k8s.io":                 {"spec.nodeName", "spec.driver"},
}

// renamed are the fields whose label is not their path.
var renamed = map[string]string{
	"name": "metadata.name", "status.successful": "status.succeeded",
	"regarding.kind": "involvedObject.kind", "regarding.namespace": "involvedObject.namespace",
	"regarding.name": "involvedObject.name", "regarding.uid": "involvedObject.uid",
	"regarding.apiVersion": "involvedObject.apiVersion", "regarding.fieldPath": "involvedObject.fieldPath",
	"regarding.resourceVersion": "involvedObject.resourceVersion", "reportingController": "reportingComponent",
}

// defaulted are the fields that are never empty.
var defaulted = map[string]string{
	"spec.restartPolicy": "Always", "spec.schedulerName": "default-scheduler", "spec.hostNetwork": "false",
	"spec.unschedulable": "false", "status.replicas": "0", "status.succeeded": "0",
}

// fieldSelector returns the fieldSelector as a function, nil if it selects all objects.
func (c *call) fieldSelector() (func(*storage.Object) bool, error) {
	selector, err := fields.ParseSelector(c.q.Get("fieldSelector"))
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	if selector.Empty() {
		return nil, nil
	}
	known := append(slices.Clone(fieldLabels[c.res.gr().String()]), c.res.fields...)
	deep := false
	for _, r := range selector.Requirements() {
		if r.Field == "metadata.name" || r.Field == "metadata.namespace" {
			continue
		}
		deep = true
		if !slices.Contains(known, r.Field) {
			return nil, c.unknownField(r.Field, known)
		}
	}
	return func(o *storage.Object) bool {
		set := fields.Set{"metadata.name": o.Meta.Name, "metadata.namespace": o.Meta.Namespace}
		if deep {
			object := thaw(o)
			if c.res.isCustom() {
				object = c.res.fromStored(object)
			}
			for _, r := range selector.Requirements() {
				if set[r.Field] == "" {
					set[r.Field] = fieldValue(object, r.Field)
				}
			}
		}
		return selector.Matches(set)
	}, nil
}

func (c *call) unknownField(name string, known []string) error {
	if len(known) == 0 {
		return apierrors.NewBadRequest(fmt.Sprintf(
			"%q is not a known field selector: only %q, %q", name, "metadata.name", "metadata.namespace"))
	}
	return apierrors.NewBadRequest("field label not supported: " + name)
}

// fieldValue returns a field as a selector compares it.
func fieldValue(object content, name string) string {
	if path, ok := renamed[name]; ok {
		name = path
	}
	var v any = object
	for part := range strings.SplitSeq(name, ".") {
		m, _ := v.(content)
		v = m[part]
	}
	switch v := v.(type) {
	case nil:
		if name == "source" {
			return fieldValue(object, "reportingComponent")
		}
		return defaulted[name]
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int64, float64:
		return fmt.Sprint(v)
	case content: // of an Event: its source is a component
		component, _ := v["component"].(string)
		return component
	case []any: // of a Pod: the first of its addresses
		if len(v) > 0 {
			first, _ := v[0].(content)
			ip, _ := first["ip"].(string)
			return ip
		}
	}
	return ""
}
