package command_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestExplain(t *testing.T) {
	r := newTool(t)
	for _, c := range []struct {
		args string
		want []string
	}{
		{"pods", []string{"KIND:       Pod\nVERSION:    v1\n\nDESCRIPTION:\n    Pod is ", "\nFIELDS:\n", "  spec\t<PodSpec>\n", "  metadata\t<ObjectMeta>\n"}},
		{"deploy.spec", []string{"GROUP:      apps\nKIND:       Deployment\n", "FIELD: spec <DeploymentSpec>\n", "  selector\t<LabelSelector> -required-\n", "  replicas\t<integer>\n"}},
		{"pods.spec.containers", []string{"FIELD: containers <[]Container>\n", "  name\t<string> -required-\n"}},
		{"pods.spec.containers.resources.limits", []string{"FIELD: limits <map[string]Quantity>"}},
		{"pods.spec.nodeSelector", []string{"FIELD: nodeSelector <map[string]string>"}},
		{"pods.spec.restartPolicy", []string{"\nENUM:\n    Always\n    Never\n    OnFailure\n"}},
		{"po.spec --recursive", []string{"  containers\t<[]Container> -required-\n", "      valueFrom\t<EnvVarSource>\n        configMapKeyRef\t<ConfigMapKeySelector>\n"}},
		{"crd.spec.versions.schema --recursive", []string{"  openAPIV3Schema\t<JSONSchemaProps>\n", "    allOf\t<[]JSONSchemaProps>\n"}},
		{"events --api-version events.k8s.io/v1", []string{"GROUP:      events.k8s.io\n", "  regarding\t<ObjectReference>\n"}},
	} {
		got := r.ok(append([]string{"explain"}, strings.Fields(c.args)...)...)
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("explain %s lacks %q:\n%.2000s", c.args, want, got)
			}
		}
		for line := range strings.Lines(got) {
			if len(line) > 81 && strings.Contains(strings.TrimSpace(line), " ") {
				t.Errorf("explain %s has a line of %d characters: %s", c.args, len(line), line)
			}
		}
	}
	r.fails(1, []string{`skiff: explain pods.spec: there is no field "contaners"`}, "explain", "pods.spec.contaners")
	r.fails(1, []string{`find resource "flowers"`}, "explain", "flowers.spec")
	r.fails(1, []string{`find resource "pods" in apps/v1`}, "explain", "pods", "--api-version", "apps/v1")
	r.fails(2, []string{"--api-version"}, "explain", "pods", "--api-version", "a/b/c")
	r.fails(2, nil, "explain")
}

// A custom resource is described once the server has its document, also with its group behind it.
func TestExplainCustomResource(t *testing.T) {
	r := newTool(t)
	group := strings.ReplaceAll(r.namespace, "-", "") + ".example.org"
	r.create(fmt.Sprintf(`apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: kites.%[1]s}
spec:
  group: %[1]s
  scope: Namespaced
  names: {plural: kites, singular: kite, kind: Kite, listKind: KiteList}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, description: A kite flies., properties: {spec: {type: object, required: [tail], properties: {
      tail: {type: array, items: {type: object, properties: {colour: {type: string, description: Of one ribbon.}}}},
      port: {x-kubernetes-int-or-string: true}}}}}}
`, group))
	if got := r.await("explain", "kites."+group); !strings.Contains(got, "A kite flies.") {
		t.Errorf("with its group: %s", got)
	}
	got := r.ok("explain", "kites.spec")
	if !strings.Contains(got, "  tail\t<[]Object> -required-\n") || !strings.Contains(got, "  port\t<IntOrString>\n") {
		t.Errorf("kites.spec: %s", got)
	}
	if got := r.ok("explain", "kites.spec.tail.colour"); !strings.Contains(got, "    Of one ribbon.\n") {
		t.Errorf("kites.spec.tail.colour: %s", got)
	}
}
