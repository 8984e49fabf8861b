package compare

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/kind"
)

// seed makes the cases. Another one makes others; docs/differences.md is of this one.
const seed = 37

// variants is how many cases are made of each verb, on each resource, by each layer.
const variants = 4

// The values of which a case picks.
var (
	names = []string{
		"web-0", "web-0", "web-0", "a", strings.Repeat("n", 63), strings.Repeat("n", 253), strings.Repeat("n", 300), "with.dots",
		"system:node", "100%", "per%2fcent", "a space", "ünï", "UPPER_case", "a+b", "a&b=c", "semi;colon", "tilde~", "[x]", "q?x", "h#x",
		"a/b", "..", ".", "", " ", "\"quoted\"", "new\nline", "\x00",
	}
	namespaces = []string{"default", "default", "kube-system", "", "a/b", "..", "x%2e", "ns ns"}

	labelSelectors = []string{"", "", "app=web", "app in (a,b),!gone", "x notin (y)", "app==web", "a=,b", "ünï=x", "a=b=c", "n>5", " ", "a b"}
	fieldSelectors = []string{"", "", "metadata.name=x", "spec.nodeName!=n,status.phase=Running", "a=b\\,c", "=", "ü=ü"}
	tokens         = []string{"", "", "eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ", "a+b/c=", "per%"}
	versions       = []string{"", "", "0", "7", "-1", "18446744073709551616", "x"}
	matches        = []metav1.ResourceVersionMatch{"", "", metav1.ResourceVersionMatchExact, metav1.ResourceVersionMatchNotOlderThan, "Odd"}
	limits         = []int64{0, 0, 1, 500, 1 << 40, -1}
	managers       = []string{"", "", "me", "me & you", strings.Repeat("m", 128), strings.Repeat("m", 129), "tab\t"}
	validations    = []string{"", "", "Strict", "Warn", "Ignore", "Odd"}
	dryRuns        = [][]string{nil, nil, {}, {"All"}, {"All", "All"}, {"Odd"}}
	patchTypes     = []types.PatchType{types.JSONPatchType, types.MergePatchType, types.StrategicMergePatchType, types.ApplyYAMLPatchType}
	policies       = []*metav1.DeletionPropagation{nil, new(metav1.DeletePropagationBackground), new(metav1.DeletePropagationForeground),
		new(metav1.DeletePropagationOrphan), new(metav1.DeletionPropagation("Odd"))}
	seconds  = []*int64{nil, nil, new(int64(0)), new(int64(1)), new(int64(3600)), new(int64(-1))}
	booleans = []*bool{nil, nil, nil, new(true), new(false)}
	patches  = map[types.PatchType]string{
		types.JSONPatchType:           `[{"op":"add","path":"/metadata/labels","value":{"a":"b"}}]`,
		types.MergePatchType:          `{"metadata":{"labels":{"a":null}}}`,
		types.StrategicMergePatchType: `{"metadata":{"labels":{"a":"b"},"$patch":"merge"}}`,
		types.ApplyYAMLPatchType:      `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web-0"}}`,
	}
)

// verbsOf are the verbs of each layer in both libraries.
var verbsOf = map[layer][]verb{
	typed:    {get, list, watching, create, update, updateStatus, patch, remove, deleteCollection},
	untyped:  {get, list, watching, create, update, updateStatus, patch, apply, remove, deleteCollection},
	metadata: {get, list, watching, patch, remove, deleteCollection},
	raw:      {get, list, create, update, patch, remove, deleteCollection},
}

// operations makes the cases of the tables above.
func operations() []operation {
	var all []operation
	for _, l := range []layer{typed, untyped, metadata, raw} {
		for _, v := range verbsOf[l] {
			for i, k := range resources {
				if k == cronTabs && (l == typed || l == raw) || v == updateStatus && (k == configMaps || k == clusterRoles) {
					continue // has no type, or no status
				}
				r := rand.New(rand.NewPCG(seed, uint64(len(all))))
				for n := range variants {
					all = append(all, random(r, l, v, k, n == 0 && i == 0))
				}
			}
		}
	}
	return all
}

func pick[T any](r *rand.Rand, of []T) T { return of[r.IntN(len(of))] }

// random makes one case: the verb with options of every kind that it has, or none if plain is set.
func random(r *rand.Rand, l layer, v verb, k kind.Info, plain bool) operation {
	o := operation{layer: l, verb: v, on: k, name: "web-0", patchType: pick(r, patchTypes)}
	if k.Namespaced {
		o.namespace = "default"
	}
	if !plain {
		o.name = pick(r, names)
		if k.Namespaced {
			o.namespace = pick(r, namespaces)
		}
		o.get.ResourceVersion = pick(r, versions)
		o.list = metav1.ListOptions{
			LabelSelector: pick(r, labelSelectors), FieldSelector: pick(r, fieldSelectors), Limit: pick(r, limits),
			Continue: pick(r, tokens), ResourceVersion: pick(r, versions), ResourceVersionMatch: pick(r, matches),
			TimeoutSeconds: pick(r, seconds), AllowWatchBookmarks: r.IntN(2) == 0, SendInitialEvents: pick(r, booleans),
			Watch: r.IntN(6) == 0,
		}
		o.create = metav1.CreateOptions{DryRun: pick(r, dryRuns), FieldManager: pick(r, managers), FieldValidation: pick(r, validations)}
		o.update = metav1.UpdateOptions(o.create)
		o.patchO = metav1.PatchOptions{DryRun: pick(r, dryRuns), FieldManager: pick(r, managers), FieldValidation: pick(r, validations),
			Force: pick(r, booleans)}
		o.apply = metav1.ApplyOptions{DryRun: pick(r, dryRuns), FieldManager: pick(r, managers), Force: r.IntN(2) == 0}
		o.remove = metav1.DeleteOptions{
			GracePeriodSeconds: pick(r, seconds), PropagationPolicy: pick(r, policies), DryRun: pick(r, dryRuns),
			IgnoreStoreReadErrorWithClusterBreakingPotential: pick(r, booleans),
		}
		//lint:ignore SA1019 servers still read it
		o.remove.OrphanDependents = pick(r, []*bool{nil, nil, nil, nil, new(true)})
		if r.IntN(3) == 0 {
			o.remove.Preconditions = &metav1.Preconditions{UID: new(types.UID("u")), ResourceVersion: new("5")}
		}
	}
	if v == apply && o.apply.FieldManager == "" && r.IntN(3) > 0 {
		o.apply.FieldManager = "me"
	}
	o.patch = patches[o.patchType]
	if (v == get || v == patch || v == update) && l != typed && !plain && r.IntN(4) == 0 {
		o.sub = pick(r, [][]string{{"status"}, {"scale"}, {"a", "b"}, {"a/b"}, {""}, {".."}})
	}
	o.object = object(r, o, plain)
	return o
}

// object makes an object of the operation's kind, as JSON.
func object(r *rand.Rand, o operation, plain bool) string {
	meta := map[string]any{"name": o.name}
	if o.on.Namespaced {
		meta["namespace"] = o.namespace
	}
	if !plain {
		switch r.IntN(6) {
		case 0:
			delete(meta, "namespace")
		case 1:
			if o.verb == create {
				delete(meta, "name")
				meta["generateName"] = "web-"
			}
		case 2:
			meta["namespace"] = "another"
		case 3:
			meta["resourceVersion"], meta["uid"] = "5", "u"
		case 4:
			meta["labels"] = map[string]string{"app": "web", "ünï": "<&>"}
			meta["managedFields"] = []map[string]any{{"manager": "me", "operation": "Apply", "fieldsV1": map[string]any{}}}
		}
	}
	obj := map[string]any{"apiVersion": o.on.APIVersion(), "kind": o.on.Kind, "metadata": meta}
	switch o.on {
	case pods:
		obj["spec"] = map[string]any{"containers": []map[string]any{{"name": "c", "image": "i", "args": []string{}}}}
		obj["status"] = map[string]any{"phase": "Running"}
	case configMaps:
		obj["data"] = map[string]string{"k": "v", "empty": ""}
		obj["binaryData"] = map[string]string{"b": "AAEC"}
	case nodes:
		obj["spec"] = map[string]any{"unschedulable": true}
		obj["status"] = map[string]any{"conditions": []map[string]any{{"type": "Ready", "status": "True"}}}
	case deployments:
		obj["spec"] = map[string]any{"replicas": 0, "selector": map[string]any{"matchLabels": map[string]string{"a": "b"}},
			"template": map[string]any{"metadata": map[string]any{"labels": map[string]string{"a": "b"}},
				"spec": map[string]any{"containers": []map[string]any{{"name": "c", "image": "i",
					"resources": map[string]any{"limits": map[string]string{"cpu": "1500m"}}}}}}}
		obj["status"] = map[string]any{"replicas": 3}
	case clusterRoles:
		obj["rules"] = []map[string]any{{"verbs": []string{"get"}, "apiGroups": []string{""}, "resources": []string{"pods"}}}
	case cronTabs:
		obj["spec"] = map[string]any{"schedule": "* * * * *", "big": 1 << 53, "float": 1.5, "nothing": nil}
		obj["status"] = map[string]any{"ran": 1}
	}
	text, err := json.Marshal(obj)
	if err != nil {
		panic(err) // maps of values that JSON has
	}
	return string(text)
}

// line returns the case with what is special about it.
func (o operation) line() string {
	text, err := json.Marshal([]any{o.namespace, o.name, o.sub})
	if err != nil {
		panic(err) // strings
	}
	return fmt.Sprintf("%s %s", o, text)
}
