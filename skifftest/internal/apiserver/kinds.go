package apiserver

import (
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/skiff-k8s/skiff/skifftest/internal/schema"
)

// initialize sets what kube-apiserver sets in a new object of some built-in kinds, and what objects of
// these kinds are not read without.
func (r *Resource) initialize(o content) {
	if r.isDefinition() {
		initializeDefinition(o)
	}
	if r.Group != "" {
		return
	}
	switch r.Kind {
	case "Namespace":
		labels, _ := metadata(o)["labels"].(content)
		if labels == nil {
			labels = content{}
			metadata(o)["labels"] = labels
		}
		labels["kubernetes.io/metadata.name"] = str(metadata(o), "name")
		spec, _ := o["spec"].(content)
		if spec == nil {
			spec = content{}
			o["spec"] = spec
		}
		finalizers, _ := spec["finalizers"].([]any)
		if !slices.Contains(finalizers, any("kubernetes")) {
			spec["finalizers"] = append(finalizers, "kubernetes")
		}
		o["status"] = content{"phase": "Active"}
	case "Pod":
		o["status"] = content{"phase": "Pending", "qosClass": qosClass(o)}
	case "PersistentVolumeClaim", "PersistentVolume":
		o["status"] = content{"phase": "Pending"}
	case "Secret":
		mergeStringData(o)
		if str(o, "type") == "" {
			o["type"] = "Opaque"
		}
	}
}

// resetStatus sets the status to that of an object whose controller has not seen it.
func (r *Resource) resetStatus(o content) {
	delete(o, "status")
	if !r.typed() {
		return
	}
	if empty, _, err := schema.Convert(r.GVK(), o); err == nil && empty["status"] != nil {
		o["status"] = empty["status"]
	}
}

// qosClass returns the class of a Pod without the resources of its containers.
func qosClass(o content) string {
	spec, _ := o["spec"].(content)
	containers, _ := spec["containers"].([]any)
	initial, _ := spec["initContainers"].([]any)
	guaranteed, any := len(containers) > 0, false
	for _, each := range slices.Concat(containers, initial) {
		container, _ := each.(content)
		resources, _ := container["resources"].(content)
		limits, _ := resources["limits"].(content)
		requests, _ := resources["requests"].(content)
		for _, name := range []string{"cpu", "memory"} {
			limit, request := limits[name], requests[name]
			any = any || limit != nil || request != nil
			if limit == nil || request != nil && request != limit {
				guaranteed = false
			}
		}
	}
	switch {
	case !any:
		return "BestEffort"
	case guaranteed:
		return "Guaranteed"
	}
	return "Burstable"
}

// changeGeneration counts the changes outside of metadata and status.
func (r *Resource) changeGeneration(next, was content) {
	if !r.generation && !r.isCustom() {
		return
	}
	changed := false
	for _, o := range []content{next, was} {
		for name := range o {
			switch name {
			case "metadata", "apiVersion", "kind":
				continue
			case "status":
				if r.has("status") {
					continue
				}
			}
			changed = changed || !equal(next[name], was[name])
		}
	}
	if r.Plural == "endpointslices" {
		changed = changed || !equal(metadata(next)["labels"], metadata(was)["labels"])
	}
	generation, _ := metadata(was)["generation"].(int64)
	if changed {
		generation++
	}
	if generation != 0 {
		metadata(next)["generation"] = generation
	}
}

// equal compares values of JSON.
func equal(a, b any) bool { return string(encodeJSON(a)) == string(encodeJSON(b)) }

// validate returns what is wrong with an object besides its metadata: of a custom kind, by its schema;
// of built-in kinds it checks what must not change.
func (c *call) validate(next, was content) field.ErrorList {
	if c.res.isCustom() {
		return c.customErrors(next, was)
	}
	if was == nil {
		return nil
	}
	var errs field.ErrorList
	for _, path := range immutable[c.res.gr().String()] {
		a, b := at(next, path...), at(was, path...)
		if !equal(a, b) {
			p := field.NewPath(path[0], path[1:]...)
			errs = append(errs, field.Invalid(p, a, "field is immutable"))
		}
	}
	if (c.res.Plural == "configmaps" || c.res.Plural == "secrets") && c.res.Group == "" && was["immutable"] == true {
		for _, name := range []string{"immutable", "data", "binaryData"} {
			if !equal(next[name], was[name]) {
				errs = append(errs, field.Forbidden(field.NewPath(name), "field is immutable when `immutable` is set"))
			}
		}
	}
	return errs
}

// immutable are the fields that cannot be changed.
var immutable = map[string][][]string{
	"deployments.apps":                       {{"spec", "selector"}},
	"replicasets.apps":                       {{"spec", "selector"}},
	"daemonsets.apps":                        {{"spec", "selector"}},
	"jobs.batch":                             {{"spec", "template"}, {"spec", "completionMode"}},
	"secrets":                                {{"type"}},
	"storageclasses.storage.k8s.io":          {{"provisioner"}, {"parameters"}, {"reclaimPolicy"}},
	"rolebindings.rbac.authorization.k8s.io": {{"roleRef"}},
	"clusterrolebindings.rbac.authorization.k8s.io": {{"roleRef"}},
	"ingressclasses.networking.k8s.io":              {{"spec", "controller"}},
}

// at returns the value at a path, nil if there is none.
func at(o content, path ...string) any {
	var v any = o
	for _, name := range path {
		m, _ := v.(content)
		v = m[name]
	}
	return v
}
