package apiserver

import (
	"encoding/json"
)

// toStored returns an object of the request's version in the form of the store. It may change o.
func (r *Resource) toStored(o content) content {
	if r.GVK() == r.stored {
		return o
	}
	switch r.GVK() {
	case hpa1:
		hpaToV2(o)
	case eventsV1:
		rename(o, eventFields, true)
	}
	o["apiVersion"] = r.stored.GroupVersion().String()
	return o
}

// fromStored returns an object of the store in the form of this version. It may change o.
func (r *Resource) fromStored(o content) content {
	if r.GVK() != r.stored {
		switch r.GVK() {
		case hpa1:
			hpaToV1(o)
		case eventsV1:
			rename(o, eventFields, false)
		}
		o["apiVersion"] = r.apiVersion()
	}
	if r.isCustom() {
		r.custom.Default(o)
	}
	return o
}

// eventFields are the fields of an Event of v1 and their names in events.k8s.io/v1.
var eventFields = [][2]string{
	{"message", "note"}, {"involvedObject", "regarding"}, {"source", "deprecatedSource"},
	{"firstTimestamp", "deprecatedFirstTimestamp"}, {"lastTimestamp", "deprecatedLastTimestamp"},
	{"count", "deprecatedCount"}, {"reportingComponent", "reportingController"},
}

func rename(o content, fields [][2]string, back bool) {
	for _, f := range fields {
		from, to := f[0], f[1]
		if back {
			from, to = to, from
		}
		if v, ok := o[from]; ok {
			delete(o, from)
			o[to] = v
		}
	}
}

// The annotations in which a HorizontalPodAutoscaler of autoscaling/v1 keeps what only v2 has. The
// values are v2's JSON.
const (
	metricsAnnotation  = "autoscaling.alpha.kubernetes.io/metrics"
	behaviorAnnotation = "autoscaling.alpha.kubernetes.io/behavior"
)

func child(o content, name string) content {
	m, ok := o[name].(content)
	if !ok {
		m = content{}
		o[name] = m
	}
	return m
}

// isCPU reports whether a metric is the one that autoscaling/v1 has a field for.
func isCPU(metric any) bool {
	m, _ := metric.(content)
	return str(m, "type") == "Resource" && at(m, "resource", "name") == "cpu" &&
		at(m, "resource", "target", "averageUtilization") != nil
}

func hpaToV1(o content) {
	spec := child(o, "spec")
	var others []any
	metrics, _ := spec["metrics"].([]any)
	for _, m := range metrics {
		if isCPU(m) && spec["targetCPUUtilizationPercentage"] == nil {
			spec["targetCPUUtilizationPercentage"] = at(m.(content), "resource", "target", "averageUtilization")
		} else {
			others = append(others, m)
		}
	}
	delete(spec, "metrics")
	annotate(o, metricsAnnotation, others, len(others) > 0)
	annotate(o, behaviorAnnotation, spec["behavior"], spec["behavior"] != nil)
	delete(spec, "behavior")
	if status, ok := o["status"].(content); ok {
		current, _ := status["currentMetrics"].([]any)
		for _, m := range current {
			m, _ := m.(content)
			if v := at(m, "resource", "current", "averageUtilization"); at(m, "resource", "name") == "cpu" && v != nil {
				status["currentCPUUtilizationPercentage"] = v
			}
		}
		delete(status, "currentMetrics")
		delete(status, "conditions")
		if status["currentReplicas"] == nil {
			status["currentReplicas"] = int64(0)
		}
	}
}

func annotate(o content, name string, v any, has bool) {
	if has {
		child(metadata(o), "annotations")[name] = string(encodeJSON(v))
	}
}

func hpaToV2(o content) {
	spec := child(o, "spec")
	var metrics []any
	if v := spec["targetCPUUtilizationPercentage"]; v != nil {
		metrics = append(metrics, content{"type": "Resource", "resource": content{
			"name": "cpu", "target": content{"type": "Utilization", "averageUtilization": v},
		}})
		delete(spec, "targetCPUUtilizationPercentage")
	}
	var others []any
	if unannotate(o, metricsAnnotation, &others) {
		metrics = append(metrics, others...)
	}
	if len(metrics) > 0 {
		spec["metrics"] = metrics
	}
	var behavior content
	if unannotate(o, behaviorAnnotation, &behavior) {
		spec["behavior"] = behavior
	}
	if status, ok := o["status"].(content); ok {
		if v := status["currentCPUUtilizationPercentage"]; v != nil {
			status["currentMetrics"] = []any{content{"type": "Resource", "resource": content{
				"name": "cpu", "current": content{"averageUtilization": v},
			}}}
			delete(status, "currentCPUUtilizationPercentage")
		}
	}
}

func unannotate(o content, name string, into any) bool {
	annotations, _ := metadata(o)["annotations"].(content)
	text, ok := annotations[name].(string)
	if !ok || json.Unmarshal([]byte(text), into) != nil {
		return false
	}
	if delete(annotations, name); len(annotations) == 0 {
		delete(metadata(o), "annotations")
	}
	return true
}
