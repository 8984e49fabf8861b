package command_test

import (
	"fmt"
	"strings"
	"testing"
)

const podTemplate = `template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}`

// uid returns the UID of an object.
func (r *tool) uid(args ...string) string {
	r.t.Helper()
	return r.ok(append(append([]string{"get"}, args...), "-o", "jsonpath={.metadata.uid}")...)
}

func owner(apiVersion, kind, name, uid string) string {
	return fmt.Sprintf("ownerReferences: [{apiVersion: %s, kind: %s, name: %s, uid: %s, controller: true}]", apiVersion, kind, name, uid)
}

func TestDescribe(t *testing.T) {
	r := newTool(t)
	r.create("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, labels: {app: web, tier: x}, annotations: {note: hello}}\n" +
		"spec:\n  replicas: 0\n  selector: {matchLabels: {a: b}}\n  " + podTemplate)
	r.create("apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {name: web-1, " + owner("apps/v1", "Deployment", "web", r.uid("deploy/web")) + "}\n" +
		"spec:\n  replicas: 0\n  selector: {matchLabels: {a: b}}\n  " + podTemplate)
	set := r.uid("rs/web-1")
	r.create("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: below, " + owner("apps/v1", "ReplicaSet", "web-1", set) + "}")
	r.create("apiVersion: v1\nkind: Event\nmetadata: {name: e1}\ntype: Warning\nreason: Tired\nmessage: needs a rest\ncount: 7\n" +
		"lastTimestamp: 2020-01-02T03:04:05Z\nsource: {component: tester}\n" +
		"involvedObject: {apiVersion: apps/v1, kind: ReplicaSet, name: web-1, namespace: " + r.namespace + ", uid: " + set + "}")

	got := r.ok("describe", "rs", "web-1")
	for _, want := range []string{
		"Name:          web-1\n", "Namespace:     " + r.namespace + "\n", "Kind:          ReplicaSet (apps/v1)\n", "Labels:        <none>\n",
		"Created:       20", "Spec:\n", "\n  replicas: 0\n", "\nOwners:\n  deployment.apps/web\n  └─ replicaset.apps/web-1 (this)\n     └─ configmap/below\n",
		"\nEvents:\n  TYPE      REASON   AGE", "\n  Warning   Tired ", "   7       tester   needs a rest\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the description lacks %q:\n%s", want, got)
		}
	}
	got = r.ok("describe", "deploy/web")
	for _, want := range []string{"Labels:        app=web\n               tier=x\n", "Annotations:   note=hello\n", "  deployment.apps/web (this)\n  └─ replicaset.apps/web-1\n     └─ configmap/below\n", "Events:\n  <none>\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("the description lacks %q:\n%s", want, got)
		}
	}
	if got := r.ok("describe", "rs,cm", "--tree=false", "--show-events=false"); strings.Contains(got, "Owners:") || strings.Contains(got, "Events:") || !strings.Contains(got, "\n\nName:          below\n") {
		t.Errorf("of all objects, in short:\n%s", got)
	}
}

// An owner that is gone is told as such, and what may not be read too.
func TestDescribeWithoutEverything(t *testing.T) {
	r := newTool(t)
	r.create("apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: hunter2}")
	got := r.ok("describe", "secret/s")
	if strings.Contains(got, "hunter2") || strings.Contains(got, "aHVudGVyMg") || !strings.Contains(got, "password: 7 bytes") {
		t.Errorf("a Secret:\n%s", got)
	}
	if got := r.ok("describe", "ns", r.namespace); !strings.Contains(got, "Status:\n  phase: Active\n") || strings.Contains(got, "Namespace: ") {
		t.Errorf("a cluster-scoped object:\n%s", got)
	}
	if got := r.ok("describe", "ns", "--tree=false", "--show-events=false"); strings.Count(got, "Kind: ") < 2 {
		t.Errorf("all namespaces:\n%s", got)
	}
	r.fails(1, []string{`skiff: get pods/nope: pods "nope" not found`}, "describe", "pod", "nope")
	r.fails(2, []string{"names exclude"}, "describe", "pod", "nope", "-A")
	if got := r.run("describe", "deploy"); got.code != 0 || !strings.Contains(got.err, "No resources found in namespace") {
		t.Errorf("of nothing: %+v", got)
	}
	r.create("apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: only-maps}\n" +
		"rules: [{apiGroups: [''], resources: [configmaps], verbs: [get, list]}]")
	r.create("apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: only-maps}\n" +
		"roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: only-maps}\nsubjects: [{kind: User, name: reader, apiGroup: rbac.authorization.k8s.io}]")
	r.create("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}")
	got = r.await("describe", "cm/m", "--as", "reader")
	if !strings.Contains(got, "not looked at: ") || !strings.Contains(got, "pods") || !strings.Contains(got, "Events:\n  <unknown>: list events: ") {
		t.Errorf("for a user with few rights:\n%s", got)
	}
}
