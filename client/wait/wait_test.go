package wait_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	kjson "sigs.k8s.io/json"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/client/wait"
)

func seen(t *testing.T, object string) client.Seen {
	t.Helper()
	var s client.Seen
	if object == "" {
		return s
	}
	if !json.Valid([]byte(object)) {
		t.Fatalf("%s is no JSON", object)
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts([]byte(object), &s.Object); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConditions(t *testing.T) {
	const (
		yes   = "met"
		no    = "not met"
		never = "never"
	)
	deployment := func(generation, spec, status string) string {
		return `{"kind":"Deployment","metadata":{"generation":` + generation + `},"spec":{"replicas":` + spec + `},"status":{"observedGeneration":2,` + status + `}}`
	}
	stateful := func(spec, status string) string {
		return `{"kind":"StatefulSet","metadata":{"generation":2},"spec":{"replicas":3,"updateStrategy":` + spec + `},"status":{"observedGeneration":2,` + status + `}}`
	}
	daemon := func(strategy, status string) string {
		return `{"kind":"DaemonSet","metadata":{"generation":2},"spec":{"updateStrategy":{"type":"` + strategy + `"}},"status":{"observedGeneration":2,` + status + `}}`
	}
	job := func(conditions string) string {
		return `{"kind":"Job","status":{"active":1,"conditions":[` + conditions + `]}}`
	}
	ready := wait.Condition("Ready", "True")
	for _, c := range []struct {
		condition    client.Condition
		object, want string
		says         string
	}{
		{wait.Exists(), ``, no, "does not exist"},
		{wait.Exists(), `{}`, yes, "exists"},
		{wait.Not(wait.Exists()), ``, yes, "does not exist"},
		{wait.Deleted("u"), ``, yes, "does not exist"},
		{wait.Deleted("u"), `{"metadata":{"uid":"v"}}`, yes, "another object"},
		{wait.Deleted("u"), `{"metadata":{"uid":"u"}}`, no, "it exists"},
		{wait.Deleted(""), `{"metadata":{"uid":"u","deletionTimestamp":"x","finalizers":["f"]}}`, no, "finalizers [f]"},

		{ready, ``, no, "does not exist"},
		{ready, `{"status":{}}`, no, "no condition Ready"},
		{ready, `{"status":{"conditions":[{"type":"Ready","status":"False","reason":"R","message":"M"}]}}`, no, "Ready=False: R M"},
		{ready, `{"status":{"conditions":["x",{"type":"ready","status":"true"}]}}`, yes, "Ready=true"},
		{ready, `{"metadata":{"generation":3},"status":{"observedGeneration":2,"conditions":[{"type":"Ready","status":"True"}]}}`, no, "of generation 2 and not 3"},
		{ready, `{"metadata":{"generation":3},"status":{"observedGeneration":2,"conditions":[{"type":"Ready","status":"True","observedGeneration":3}]}}`, yes, ""},
		{ready, `{"metadata":{"generation":3},"status":{"observedGeneration":3,"conditions":[{"type":"Ready","status":"True","observedGeneration":2}]}}`, no, ""},

		{wait.JobDone(), ``, no, "does not exist"},
		{wait.JobDone(), job(``), no, "1 pods are active"},
		{wait.JobDone(), job(`{"type":"Complete","status":"True"}`), yes, ""},
		{wait.JobDone(), job(`{"type":"Failed","status":"False"},{"type":"Complete","status":"False"}`), no, ""},
		{wait.JobDone(), job(`{"type":"Failed","status":"True","reason":"R"}`), never, "the Job has failed: R"},
		{wait.JobDone(), `{"kind":"Pod"}`, never, "a Pod cannot be complete"},

		{wait.PodReady(), `{"kind":"Pod","status":{"phase":"Pending","conditions":[{"type":"Ready","status":"False","reason":"ContainersNotReady","message":"m"}]}}`, no, "phase Pending, not ready: ContainersNotReady m"},
		{wait.PodReady(), `{"kind":"Pod","status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}}`, yes, ""},
		{wait.PodReady(), `{"kind":"Pod","status":{"phase":"Succeeded"}}`, never, "phase Succeeded"},
		{wait.PodReady(), `{"kind":"Pod","status":{"phase":"Failed"}}`, never, "phase Failed"},

		{wait.Established(), `{"kind":"CustomResourceDefinition"}`, no, "Established=false"},
		{wait.Established(), `{"kind":"CustomResourceDefinition","status":{"conditions":[{"type":"Established","status":"True"}]}}`, yes, ""},
		{wait.Established(), `{"kind":"CustomResourceDefinition","status":{"conditions":[{"type":"NamesAccepted","status":"False","message":"taken"}]}}`, no, "taken"},

		{wait.LoadBalancer(), `{"kind":"Service","spec":{"type":"LoadBalancer"},"status":{"loadBalancer":{"ingress":[{}]}}}`, no, "no address"},
		{wait.LoadBalancer(), `{"kind":"Service","spec":{"type":"LoadBalancer"},"status":{"loadBalancer":{"ingress":[{"ip":"1.2.3.4"}]}}}`, yes, "1.2.3.4"},
		{wait.LoadBalancer(), `{"kind":"Ingress","status":{"loadBalancer":{"ingress":[{"hostname":"a.example.com"}]}}}`, yes, "a.example.com"},
		{wait.LoadBalancer(), `{"kind":"Service","spec":{"type":"ClusterIP"}}`, never, "of type ClusterIP"},

		// The rules of kubectl rollout status, and the numbers at, below and above them.
		{wait.RolledOut(), deployment("2", "3", `"replicas":3,"updatedReplicas":3,"availableReplicas":3`), yes, "3 of 3"},
		{wait.RolledOut(), deployment("3", "3", `"replicas":3,"updatedReplicas":3,"availableReplicas":3`), no, "generation 2 and not 3"},
		{wait.RolledOut(), deployment("1", "3", `"replicas":3,"updatedReplicas":3,"availableReplicas":3`), yes, ""},
		{wait.RolledOut(), deployment("2", "3", `"replicas":2,"updatedReplicas":2,"availableReplicas":2`), no, "2 of 3 replicas are updated"},
		{wait.RolledOut(), deployment("2", "3", `"replicas":4,"updatedReplicas":3,"availableReplicas":3`), no, "1 are old"},
		{wait.RolledOut(), deployment("2", "3", `"replicas":3,"updatedReplicas":3,"availableReplicas":2`), no, "2 are available"},
		{wait.RolledOut(), deployment("2", "3", `"replicas":4,"updatedReplicas":4,"availableReplicas":4`), yes, ""},
		{wait.RolledOut(), deployment("2", "0", `"x":0`), yes, ""},
		{wait.RolledOut(), deployment("2", "3", `"conditions":[{"type":"Progressing","status":"False","reason":"ProgressDeadlineExceeded","message":"m"}]`), never, "progress deadline: m"},
		{wait.RolledOut(), stateful(`{"type":"RollingUpdate"}`, `"readyReplicas":3,"updateRevision":"b","currentRevision":"b"`), yes, ""},
		{wait.RolledOut(), stateful(`{"type":"RollingUpdate"}`, `"readyReplicas":3,"updateRevision":"b","currentRevision":"a"`), no, ""},
		{wait.RolledOut(), stateful(`{"type":"RollingUpdate"}`, `"readyReplicas":2,"updateRevision":"b","currentRevision":"b"`), no, "2 are ready"},
		{wait.RolledOut(), stateful(`{"type":"RollingUpdate","rollingUpdate":{"partition":2}}`, `"readyReplicas":3,"updatedReplicas":1,"updateRevision":"b","currentRevision":"a"`), yes, "the partition is 2"},
		{wait.RolledOut(), stateful(`{"type":"RollingUpdate","rollingUpdate":{"partition":1}}`, `"readyReplicas":3,"updatedReplicas":1`), no, ""},
		{wait.RolledOut(), stateful(`{"type":"RollingUpdate","rollingUpdate":{"partition":2}}`, `"readyReplicas":2,"updatedReplicas":1`), no, ""},
		{wait.RolledOut(), stateful(`{"type":"OnDelete"}`, `"readyReplicas":3`), never, "OnDelete"},
		{wait.RolledOut(), daemon("RollingUpdate", `"desiredNumberScheduled":2,"updatedNumberScheduled":2,"numberAvailable":2`), yes, ""},
		{wait.RolledOut(), daemon("RollingUpdate", `"desiredNumberScheduled":2,"updatedNumberScheduled":1,"numberAvailable":2`), no, "1 of 2 pods are updated"},
		{wait.RolledOut(), daemon("RollingUpdate", `"desiredNumberScheduled":2,"updatedNumberScheduled":2,"numberAvailable":1`), no, "1 are available"},
		{wait.RolledOut(), daemon("OnDelete", `"desiredNumberScheduled":0`), never, "OnDelete"},
		{wait.RolledOut(), `{"kind":"Pod"}`, never, "a Pod cannot be rolled out"},

		{wait.And(wait.Exists(), ready), `{"status":{}}`, no, "it exists; it has no condition Ready"},
		{wait.And(wait.Exists(), ready), `{"status":{"conditions":[{"type":"Ready","status":"True"}]}}`, yes, ""},
		{wait.And(wait.Exists(), wait.JobDone()), `{"kind":"Pod"}`, never, ""},
		{wait.And(), ``, yes, ""},
		{wait.Or(), ``, no, ""},
		{wait.Or(ready, wait.Exists()), `{}`, yes, ""},
		{wait.Or(ready, wait.Exists()), ``, no, ""},
		{wait.Or(ready, wait.JobDone()), job(`{"type":"Failed","status":"True"}`), no, ""},
		{wait.Or(wait.PodReady(), wait.JobDone()), job(`{"type":"Failed","status":"True"}`), never, ""},
		{wait.Not(ready), `{"status":{"conditions":[{"type":"Ready","status":"True"}]}}`, no, ""},
		{wait.Not(ready), ``, yes, ""},
		{wait.Not(wait.JobDone()), job(`{"type":"Failed","status":"True"}`), yes, ""},
	} {
		met, says, err := c.condition.Met(seen(t, c.object))
		got := no
		switch {
		case err != nil:
			got, says = never, err.Error()
		case met:
			got = yes
		}
		if got != c.want || !strings.Contains(says, c.says) {
			t.Errorf("%s, of %s: %s, %q; want %s, %q", c.condition.Name, c.object, got, says, c.want, c.says)
		}
	}
}

func TestNamesOfConditions(t *testing.T) {
	for want, c := range map[string]client.Condition{
		"exist and have the condition Ready=True": wait.And(wait.Exists(), wait.Condition("Ready", "True")),
		"be complete or not be deleted":           wait.Or(wait.JobDone(), wait.Not(wait.Deleted("u"))),
		"be blue":                                 wait.When("be blue", func(*struct{}) bool { return true }),
	} {
		if c.Name != want {
			t.Errorf("%q, want %q", c.Name, want)
		}
	}
	if met, seen, err := wait.When("be blue", func(*struct{}) bool { return true }).Met(client.Seen{}); met || err != nil || seen != "it does not exist" {
		t.Errorf("%t, %q, %v", met, seen, err)
	}
	if err := (client.Seen{}).Decode(new(struct{})); err == nil || errors.Unwrap(err) != nil {
		t.Errorf("%v", err)
	}
}
