package compare

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/kind"
)

// step is a call to the control plane. The steps of a kind and a layer follow one another on the same
// objects, each library in a namespace of its own. In their texts NS is that namespace, and SIDE a word
// of the library's own, for what is cluster-scoped.
type step struct {
	name string
	operation
	as string // the user to impersonate; "" means the administrator
}

func (s step) line() string { return fmt.Sprintf("%s %s: %s", s.layer, s.on.Resource, s.name) }

// other is a custom resource without a status subresource.
var other = kind.Info{Group: cronTabs.Group, Version: "v1", Kind: "Plain", Resource: "plains", Namespaced: true}

// bodies are the objects that the steps create, without their metadata.
var bodies = map[kind.Info]string{
	configMaps:   `"data":{"k":"v","empty":""}`,
	pods:         `"spec":{"terminationGracePeriodSeconds":0,"containers":[{"name":"c","image":"i"}]}`,
	nodes:        `"spec":{"unschedulable":true}`,
	deployments:  `"spec":{"replicas":2,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}`,
	clusterRoles: `"rules":[{"verbs":["get"],"apiGroups":[""],"resources":["pods"]}]`,
	cronTabs:     `"spec":{"schedule":"* * * * *","replicas":1}`,
	other:        `"spec":{"schedule":"* * * * *"}`,
}

// changes are merge patches that the kind's validation accepts, and one that it does not.
var changes = map[kind.Info][2]string{
	configMaps:   {`{"data":{"k":"w"}}`, `{"data":{"not a key":"w"}}`},
	pods:         {`{"spec":{"activeDeadlineSeconds":3600}}`, `{"spec":{"nodeName":"n"}}`},
	nodes:        {`{"spec":{"unschedulable":false}}`, `{"spec":{"podCIDR":"no address"}}`},
	deployments:  {`{"spec":{"replicas":3}}`, `{"spec":{"selector":{"matchLabels":{"a":"c"}}}}`},
	clusterRoles: {`{"rules":null}`, `{"rules":[{"verbs":[]}]}`},
	cronTabs:     {`{"spec":{"schedule":"1 * * * *"}}`, `{"spec":{"schedule":7}}`},
	other:        {`{"spec":{"schedule":"1 * * * *"}}`, `{"spec":{"schedule":7}}`},
}

// steps makes the calls.
func steps() []step {
	var all []step
	for _, l := range []layer{typed, untyped} {
		for _, k := range []kind.Info{configMaps, pods, nodes, deployments, clusterRoles, cronTabs, other} {
			if l == untyped || k.Group != cronTabs.Group {
				all = append(all, lifeOf(l, k)...)
			}
		}
	}
	for _, k := range []kind.Info{configMaps, nodes, cronTabs} {
		all = append(all, metadataOf(k)...)
	}
	return append(all, restOf(deployments)...)
}

// placedObject is an object of a kind, as JSON.
func placedObject(k kind.Info, name, meta, body string) string {
	ns := ""
	if k.Namespaced {
		ns = `,"namespace":"NS"`
	}
	return fmt.Sprintf(`{"apiVersion":%q,"kind":%q,"metadata":{"name":%q%s%s},%s}`, k.APIVersion(), k.Kind, name, ns, meta, body)
}

// lifeOf is the life of one object, with what goes wrong in it.
func lifeOf(l layer, k kind.Info) []step {
	var all []step
	name := "SIDE-" + string(l)
	add := func(what string, v verb, change func(o *operation)) {
		o := operation{layer: l, verb: v, on: k, name: name, object: placedObject(k, name, `,"labels":{"app":"SIDE"}`, bodies[k]), patchType: types.MergePatchType}
		if k.Namespaced {
			o.namespace = "NS"
		}
		if change != nil {
			change(&o)
		}
		all = append(all, step{name: what, operation: o})
	}
	mine := metav1.ListOptions{LabelSelector: "app=SIDE"}
	add("get what is not there", get, nil)
	add("create for a dry run", create, func(o *operation) { o.create.DryRun = []string{"All"} })
	add("create", create, nil)
	add("create again", create, nil)
	add("create with a bad name", create, func(o *operation) { o.object = placedObject(k, "Bad SIDE", "", bodies[k]) })
	add("create with a generated name", create, func(o *operation) {
		o.object = placedObject(k, "", `,"generateName":"gen-SIDE-","labels":{"app":"SIDE"}`, bodies[k])
	})
	add("create with a field that nobody knows, strictly", create, func(o *operation) {
		o.object, o.create.FieldValidation = placedObject(k, name+"-odd", "", bodies[k]+`,"odd":1`), "Strict"
	})
	add("create with a field that nobody knows, for a dry run", create, func(o *operation) {
		o.object, o.create.DryRun = placedObject(k, name+"-odd", "", bodies[k]+`,"odd":1`), []string{"All"}
	})
	add("create with an odd validation", create, func(o *operation) { o.create.FieldValidation = "Odd" })
	if k.Namespaced {
		add("create in a namespace that does not exist", create, func(o *operation) {
			o.namespace, o.object = "none", `{"apiVersion":"`+k.APIVersion()+`","kind":"`+k.Kind+`","metadata":{"name":"x"},`+bodies[k]+`}`
		})
	}
	add("get", get, nil)
	add("get from version 0", get, func(o *operation) { o.get.ResourceVersion = "0" })
	add("list", list, func(o *operation) { o.list = mine })
	add("list one of two", list, func(o *operation) { o.list = mine; o.list.Limit = 1 })
	add("list none", list, func(o *operation) { o.list.LabelSelector = "app=none" })
	add("list by a field", list, func(o *operation) { o.list.FieldSelector = "metadata.name=" + name })
	add("list by a field that does not exist", list, func(o *operation) { o.list.FieldSelector = "spec.none=x" })
	add("list by a selector that is none", list, func(o *operation) { o.list.LabelSelector = "a b" })
	add("list with a token that is none", list, func(o *operation) { o.list.Continue = "none" })
	add("list from a version that is none", list, func(o *operation) { o.list.ResourceVersion = "none" })
	add("list with an odd match", list, func(o *operation) { o.list.ResourceVersion, o.list.ResourceVersionMatch = "1", "Odd" })
	add("list with a negative limit", list, func(o *operation) { o.list = mine; o.list.Limit = -1 })
	add("watch from a version that is none", watching, func(o *operation) { o.list.ResourceVersion = "none" })
	add("patch", patch, func(o *operation) { o.patch = changes[k][0] })
	add("patch for a dry run", patch, func(o *operation) { o.patch, o.patchO.DryRun = changes[k][0], []string{"All"} })
	add("patch what is not valid", patch, func(o *operation) { o.patch = changes[k][1] })
	add("patch that is no JSON", patch, func(o *operation) { o.patch = "{" })
	add("patch of JSON", patch, func(o *operation) {
		o.patchType, o.patch = types.JSONPatchType, `[{"op":"add","path":"/metadata/annotations","value":{"a":"b"}}]`
	})
	add("patch of JSON whose test fails", patch, func(o *operation) {
		o.patchType, o.patch = types.JSONPatchType, `[{"op":"test","path":"/metadata/name","value":"x"}]`
	})
	add("patch that is strategic", patch, func(o *operation) {
		o.patchType, o.patch = types.StrategicMergePatchType, `{"metadata":{"annotations":{"c":"d"}}}`
	})
	add("patch with an old version", patch, func(o *operation) { o.patch = `{"metadata":{"resourceVersion":"1","annotations":{"x":"y"}}}` })
	add("patch of a type that is none", patch, func(o *operation) { o.patchType, o.patch = "application/odd", "{}" })
	add("patch what is not there", patch, func(o *operation) { o.name, o.patch = "none-SIDE", "{}" })
	add("update", update, func(o *operation) { o.object = placedObject(k, name, `,"labels":{"app":"SIDE","n":"m"}`, bodies[k]) })
	add("update with an old version", update, func(o *operation) { o.object = placedObject(k, name, `,"resourceVersion":"1"`, bodies[k]) })
	add("update with another uid", update, func(o *operation) { o.object = placedObject(k, name, `,"uid":"other"`, bodies[k]) })
	add("update what is not there", update, func(o *operation) { o.object = placedObject(k, "none-SIDE", "", bodies[k]) })
	if l == untyped {
		add("apply", apply, func(o *operation) { o.apply = metav1.ApplyOptions{FieldManager: "a"} })
		add("apply with force", apply, func(o *operation) { o.apply = metav1.ApplyOptions{FieldManager: "b", Force: true} })
		add("apply with a status", apply, func(o *operation) {
			o.object = placedObject(k, name, "", bodies[k]+`,"status":{"observed":"here"}`)
			o.apply = metav1.ApplyOptions{FieldManager: "b", Force: true}
		})
		add("apply without a manager", apply, nil)
		add("read the scale", get, func(o *operation) { o.sub = []string{"scale"} })
		add("patch the scale", patch, func(o *operation) { o.sub, o.patch = []string{"scale"}, `{"spec":{"replicas":5}}` })
		add("read a subresource that is none", get, func(o *operation) { o.sub = []string{"none"} })
	}
	if l == untyped || k != configMaps && k != clusterRoles {
		add("update the status", updateStatus, nil)
	}
	add("delete for a dry run", remove, func(o *operation) { o.remove.DryRun = []string{"All"} })
	add("delete with another uid", remove, func(o *operation) {
		o.remove.Preconditions = &metav1.Preconditions{UID: new(types.UID("other"))}
	})
	add("delete with an odd policy", remove, func(o *operation) { o.remove.PropagationPolicy = new(metav1.DeletionPropagation("Odd")) })
	add("delete", remove, func(o *operation) { o.remove.PropagationPolicy = new(metav1.DeletePropagationBackground) })
	add("delete again", remove, nil)
	add("delete with a negative grace period", remove, func(o *operation) { o.remove.GracePeriodSeconds = new(int64(-1)) })
	add("delete all of a label", deleteCollection, func(o *operation) { o.list = mine })
	add("list after that", list, func(o *operation) { o.list = mine })
	add("get without the right", get, nil)
	all[len(all)-1].as = "nobody"
	add("create without the right", create, nil)
	all[len(all)-1].as = "nobody"
	return all
}

// metadataOf are the calls of the metadata client.
func metadataOf(k kind.Info) []step {
	name := "SIDE-metadata"
	base := operation{layer: metadata, on: k, name: name}
	if k.Namespaced {
		base.namespace = "NS"
	}
	var all []step
	add := func(what string, v verb, change func(o *operation)) {
		o := base
		o.verb, o.patchType = v, types.MergePatchType
		if change != nil {
			change(&o)
		}
		all = append(all, step{name: what, operation: o})
	}
	add("create, by the dynamic client", create, func(o *operation) {
		o.layer, o.object = untyped, placedObject(k, name, `,"labels":{"app":"SIDE"},"finalizers":["example.com/f"]`, bodies[k])
	})
	mine := metav1.ListOptions{LabelSelector: "app=SIDE"}
	add("get", get, nil)
	add("get what is not there", get, func(o *operation) { o.name = "none" })
	add("list", list, func(o *operation) { o.list = mine })
	add("list none", list, func(o *operation) { o.list.LabelSelector = "app=none" })
	add("list with a token that is none", list, func(o *operation) { o.list.Continue = "none" })
	add("patch", patch, func(o *operation) { o.patch = `{"metadata":{"annotations":{"a":"b"}}}` })
	add("patch what is not there", patch, func(o *operation) { o.name, o.patch = "none", `{}` })
	add("delete with another uid", remove, func(o *operation) {
		o.remove.Preconditions = &metav1.Preconditions{UID: new(types.UID("other"))}
	})
	add("delete what has a finalizer", remove, nil)
	add("get what is being deleted", get, nil)
	add("remove the finalizer", patch, func(o *operation) { o.patch = `{"metadata":{"finalizers":null}}` })
	add("delete again", remove, nil)
	add("delete all of a label", deleteCollection, func(o *operation) { o.list = mine })
	return all
}

// restOf are the calls of the REST client.
func restOf(k kind.Info) []step {
	name := "SIDE-rest"
	var all []step
	add := func(what string, v verb, change func(o *operation)) {
		o := operation{layer: raw, verb: v, on: k, name: name, namespace: "NS", patchType: types.MergePatchType,
			object: placedObject(k, name, `,"labels":{"app":"SIDE"}`, bodies[k])}
		if change != nil {
			change(&o)
		}
		all = append(all, step{name: what, operation: o})
	}
	add("create", create, nil)
	add("create again", create, nil)
	add("get what is not there", get, func(o *operation) { o.name = "none" })
	add("update", update, nil)
	add("update with an old version", update, func(o *operation) { o.object = placedObject(k, name, `,"resourceVersion":"1"`, bodies[k]) })
	add("patch", patch, func(o *operation) { o.patch = `{"spec":{"paused":true}}` })
	add("delete with another uid", remove, func(o *operation) {
		o.remove.Preconditions = &metav1.Preconditions{UID: new(types.UID("other"))}
	})
	add("delete", remove, func(o *operation) { o.remove.PropagationPolicy = new(metav1.DeletePropagationBackground) })
	add("delete again", remove, nil)
	add("delete all of a label", deleteCollection, func(o *operation) {
		o.list.LabelSelector, o.remove.GracePeriodSeconds = "app=SIDE", new(int64(0))
	})
	return all
}
