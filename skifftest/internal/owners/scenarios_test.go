package owners

import apischema "k8s.io/apimachinery/pkg/runtime/schema"

var (
	configMap  = apischema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}
	service    = apischema.GroupVersionKind{Version: "v1", Kind: "Service"}
	pod        = apischema.GroupVersionKind{Version: "v1", Kind: "Pod"}
	widget     = apischema.GroupVersionKind{Group: "owners.example.com", Version: "v1", Kind: "Widget"}
	deployment = apischema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}
	role       = apischema.GroupVersionKind{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "Role"}
)

const deploymentSpec = `
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: c, image: "one:1", env: [{name: A, value: "1"}], ports: [{containerPort: 80}]}
`

var scenarios = []scenario{
	{name: "configmap apply", gvk: configMap, resource: "configmaps", steps: []step{
		{verb: "apply", manager: "one", body: "{apiVersion: v1, kind: ConfigMap, metadata: {labels: {a: b}}, data: {x: '1', y: '1'}}"},
		{verb: "apply", manager: "one", body: "{apiVersion: v1, kind: ConfigMap, metadata: {labels: {a: b}}, data: {x: '1', y: '1'}}"},
		{verb: "apply", manager: "two", body: "{apiVersion: v1, kind: ConfigMap, data: {x: '2', z: '2'}}", code: 409},
		{verb: "apply", manager: "two", body: "{apiVersion: v1, kind: ConfigMap, data: {x: '2', y: '2'}}", code: 409},
		{verb: "apply", manager: "two", force: true, body: "{apiVersion: v1, kind: ConfigMap, data: {x: '2', z: '2'}}"},
		{verb: "apply", manager: "one", body: "{apiVersion: v1, kind: ConfigMap}"},
		{verb: "merge", manager: "three", body: "{data: {z: '3', w: '3'}}"},
		{verb: "apply", manager: "two", body: "{apiVersion: v1, kind: ConfigMap, data: {z: '2'}}", code: 409},
		{verb: "apply", manager: "two", body: "{apiVersion: v1, kind: Secret}", code: 400},
		{verb: "apply", manager: "two", body: "{apiVersion: v1, kind: ConfigMap, metadata: {managedFields: []}}", code: 400},
		{verb: "apply", manager: "two", body: "{apiVersion: v1, kind: ConfigMap, dat: {a: b}}", code: 500},
		{verb: "apply", manager: "two", body: "{apiVersion: v1, kind: ConfigMap, data: 1}", code: 500},
		{verb: "apply", manager: "two", body: "{apiVersion: v1, kind", code: 400},
		{verb: "apply", manager: "two", body: "[]", code: 400},
	}},
	{name: "configmap update", gvk: configMap, resource: "configmaps", steps: []step{
		{verb: "create", manager: "one", body: "{apiVersion: v1, kind: ConfigMap, metadata: {annotations: {k: m}}, data: {x: '1', y: '1'}}"},
		{verb: "update", manager: "two", body: "{apiVersion: v1, kind: ConfigMap, metadata: {}, data: {x: '1', y: '2'}}"},
		{verb: "update", manager: "one", body: "{apiVersion: v1, kind: ConfigMap, metadata: {}, data: {x: '1', y: '2'}}"},
		{verb: "json", manager: "three", body: "[{op: add, path: /data/z, value: '3'}]"},
		{verb: "json", manager: "three", body: "[{op: remove, path: /data/z}]"},
		{verb: "json", manager: "three", body: "[{op: remove, path: /data/z}]", code: 422},
		{verb: "update", manager: "four", body: "{apiVersion: v1, kind: ConfigMap, metadata: {managedFields: []}, data: {x: '1', y: '2'}}"},
		{verb: "update", manager: "five", body: "{apiVersion: v1, kind: ConfigMap, metadata: {}, data: {x: '9', y: '2'}}"},
		{verb: "apply", manager: "six", body: "{apiVersion: v1, kind: ConfigMap, data: {q: '1'}}"},
		{verb: "update", manager: "seven", body: "{apiVersion: v1, kind: ConfigMap, metadata: {managedFields: [{}]}, data: {x: '10', q: '1'}}"},
	}},
	{name: "configmap forgets", gvk: configMap, resource: "configmaps", steps: []step{
		{verb: "create", manager: "one", body: "{apiVersion: v1, kind: ConfigMap, metadata: {}, data: {x: '1'}}"},
		{verb: "merge", manager: "two", body: "{metadata: {managedFields: []}, data: {x: '1'}}"},
		{verb: "apply", manager: "one", force: true, body: "{apiVersion: v1, kind: ConfigMap, data: {x: '2'}}"},
		{verb: "strategic", manager: "two", body: "{metadata: {managedFields: [{}]}, data: {x: '3'}}"},
		{verb: "json", manager: "two", body: "[{op: add, path: /data/z, value: '1'}]"},
	}},
	{name: "configmap of many", gvk: configMap, resource: "configmaps", steps: append(many(13),
		step{verb: "apply", manager: "m3", body: "{apiVersion: v1, kind: ConfigMap, data: {kb: x}}", code: 409})},
	{name: "kubectl takes over", gvk: configMap, resource: "configmaps", steps: []step{
		{verb: "create", manager: "kubectl-client-side-apply", body: `
apiVersion: v1
kind: ConfigMap
metadata:
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"kubectl-takes-over"},"data":{"a":"1"}}'
data: {a: "1"}`},
		{verb: "apply", manager: "kubectl", body: "{apiVersion: v1, kind: ConfigMap, data: {a: '2'}}"},
		{verb: "apply", manager: "kubectl", body: "{apiVersion: v1, kind: ConfigMap, data: {a: '2', b: '3'}}"},
	}},
	{name: "deployment", gvk: deployment, resource: "deployments", path: ".spec.replicas", steps: []step{
		{verb: "create", manager: "one", body: "apiVersion: apps/v1\nkind: Deployment\nmetadata: {labels: {l: m}}" + deploymentSpec},
		{verb: "strategic", manager: "two", body: `spec: {template: {spec: {containers: [{name: c, env: [{name: B, value: "2"}]}]}}}`},
		{verb: "strategic", manager: "two", body: `spec: {template: {spec: {containers: [{name: c, env: [{name: B, $patch: delete}]}]}}}`},
		{verb: "strategic", manager: "two", body: `spec: {strategy: {$retainKeys: [type], type: Recreate}}`},
		{verb: "merge", manager: "three", subresource: "status", body: "{status: {observedGeneration: 1, conditions: [{type: Available, status: 'True'}]}, metadata: {labels: {s: t}, annotations: {u: v}}, spec: {replicas: 9}}"},
		{verb: "apply", manager: "four", subresource: "status", body: "{apiVersion: apps/v1, kind: Deployment, status: {conditions: [{type: Progressing, status: 'True'}]}}"},
		{verb: "apply", manager: "four", subresource: "status", body: "{apiVersion: apps/v1, kind: Deployment, status: {replicas: 1}}"},
		{verb: "merge", manager: "scaler", subresource: "scale", body: "{spec: {replicas: 3}}"},
		{verb: "apply", manager: "hpa", subresource: "scale", body: "{apiVersion: autoscaling/v1, kind: Scale, spec: {replicas: 4}}", code: 409},
		{verb: "apply", manager: "hpa", subresource: "scale", force: true, body: "{apiVersion: autoscaling/v1, kind: Scale, spec: {replicas: 4}}"},
		{verb: "apply", manager: "five", body: "{apiVersion: apps/v1, kind: Deployment, spec: {replicas: 5}}", code: 409},
		{verb: "apply", manager: "five", force: true, body: "{apiVersion: apps/v1, kind: Deployment, spec: {replicas: 5}}"},
		{verb: "merge", manager: "two", body: "{spec: {replica: 5}}"},
		{verb: "merge", manager: "two", body: "{spec: {replicas: five}}", code: 422},
		{verb: "strategic", manager: "two", body: "{spec: {replicas: five}}", code: 422},
	}},
	{name: "deployment apply", gvk: deployment, resource: "deployments", path: ".spec.replicas", steps: []step{
		{verb: "apply", manager: "one", body: "apiVersion: apps/v1\nkind: Deployment" + deploymentSpec},
		{verb: "apply", manager: "two", body: `{apiVersion: apps/v1, kind: Deployment, spec: {template: {spec: {containers: [{name: c, resources: {limits: {cpu: "0.5"}}}, {name: d, image: two, imagePullPolicy: Always, terminationMessagePath: /a, terminationMessagePolicy: File}]}}}}`},
		{verb: "apply", manager: "two", body: `{apiVersion: apps/v1, kind: Deployment, spec: {template: {spec: {containers: [{name: d, image: two, imagePullPolicy: Always, terminationMessagePath: /a, terminationMessagePolicy: File}]}}}}`},
		{verb: "apply", manager: "two", body: `{apiVersion: apps/v1, kind: Deployment}`},
		{verb: "apply", manager: "one", body: "apiVersion: apps/v1\nkind: Deployment\nmetadata: {finalizers: [example.com/a]}" + deploymentSpec},
		{verb: "apply", manager: "three", body: "{apiVersion: apps/v1, kind: Deployment, metadata: {finalizers: [example.com/b]}}"},
		{verb: "apply", manager: "one", body: "apiVersion: apps/v1\nkind: Deployment" + deploymentSpec},
		{verb: "apply", manager: "three", body: "{apiVersion: apps/v1, kind: Deployment, spec: {template: {spec: {containers: [{name: c, image: other, ports: [{containerPort: 80, protocol: UDP}]}]}}}}", code: 409},
		{verb: "apply", manager: "three", body: "{apiVersion: apps/v1, kind: Deployment, spec: {template: {spec: {containers: [{name: c}, {name: c}]}}}}", code: 500},
	}},
	{name: "service", gvk: service, resource: "services", steps: []step{
		{verb: "create", manager: "one", loose: true, body: "{apiVersion: v1, kind: Service, metadata: {}, spec: {ports: [{name: a, port: 80}, {name: b, port: 81}], selector: {x: z}}}"},
		{verb: "apply", manager: "two", body: "{apiVersion: v1, kind: Service, spec: {ports: [{name: c, port: 82, protocol: TCP, targetPort: 82}]}}"},
		{verb: "apply", manager: "two", body: "{apiVersion: v1, kind: Service, spec: {ports: [{name: c, port: 82, targetPort: 8082}], selector: {v: w}}}", code: 409},
		{verb: "strategic", manager: "three", body: "{spec: {ports: [{port: 81, $patch: delete}, {port: 83, name: d, protocol: TCP, targetPort: 83}]}}"},
		{verb: "apply", manager: "two", body: "{apiVersion: v1, kind: Service, spec: {ports: []}}"},
		{verb: "json", manager: "four", body: "[{op: test, path: /spec/ports/0/name, value: x}]", code: 422},
	}},
	{name: "pod", gvk: pod, resource: "pods", steps: []step{
		{verb: "create", manager: "one", loose: true, body: "{apiVersion: v1, kind: Pod, metadata: {labels: {a: b}}, spec: {terminationGracePeriodSeconds: 0, containers: [{name: c, image: one}]}}"},
		{verb: "strategic", manager: "kubelet", subresource: "status", body: "{status: {phase: Running, conditions: [{type: Ready, status: 'True'}], podIP: 10.0.0.1, podIPs: [{ip: 10.0.0.1}]}}"},
		{verb: "strategic", manager: "kubelet", subresource: "status", body: "{status: {conditions: [{type: Ready, status: 'False'}]}}"},
		{verb: "apply", manager: "two", body: "{apiVersion: v1, kind: Pod, spec: {containers: [{name: c, image: two}]}}", code: 409},
		{verb: "apply", manager: "two", force: true, body: "{apiVersion: v1, kind: Pod, metadata: {labels: {a: c}}, spec: {containers: [{name: c, image: two}]}}"},
		{verb: "apply", manager: "two", subresource: "status", body: "{apiVersion: v1, kind: Pod, metadata: {labels: {a: d}}, status: {conditions: [{type: Mine, status: 'True'}]}}", code: 409},
		{verb: "strategic", manager: "three", subresource: "ephemeralcontainers", body: "{spec: {ephemeralContainers: [{name: e, image: three, imagePullPolicy: Always, terminationMessagePath: /a, terminationMessagePolicy: File}]}}"},
	}},
	{name: "role", gvk: role, resource: "roles", steps: []step{
		{verb: "apply", manager: "one", body: "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]}"},
		{verb: "apply", manager: "two", body: "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, rules: [{apiGroups: [''], resources: [pods], verbs: [list]}]}", code: 409},
		{verb: "apply", manager: "two", force: true, body: "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, rules: [{apiGroups: [''], resources: [pods], verbs: [list]}]}"},
		{verb: "apply", manager: "two", body: "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role}"},
	}},
	{name: "finalizers", gvk: configMap, resource: "configmaps", steps: []step{
		{verb: "create", manager: "one", body: "{apiVersion: v1, kind: ConfigMap, metadata: {finalizers: [example.com/x]}}"},
		{verb: "strategic", manager: "two", body: "{metadata: {finalizers: [example.com/z]}}"},
		{verb: "strategic", manager: "two", body: "{metadata: {$deleteFromPrimitiveList/finalizers: [example.com/x]}}"},
		{verb: "apply", manager: "three", body: "{apiVersion: v1, kind: ConfigMap, metadata: {finalizers: [example.com/z, example.com/v]}}"},
		{verb: "merge", manager: "three", body: "{metadata: {finalizers: null}}"},
	}},
	{name: "widget", gvk: widget, resource: "widgets", path: ".spec.replicas", steps: []step{
		{verb: "create", manager: "one", body: w1 + "metadata: {labels: {a: b}}\nspec: {replicas: 1, tags: [a, b], list: [a], ports: [{port: 80}], whole: {a: b}, free: {x: {z: 1}}, limit: 5%}"},
		{verb: "apply", manager: "two", body: w1 + "spec: {tags: [c], ports: [{port: 81, name: x}], free: {x: {v: [1, 2.5]}}, limit: 6}", code: 409},
		{verb: "apply", manager: "two", force: true, body: w1 + "spec: {tags: [c], ports: [{port: 81, name: x}], free: {x: {v: [1, 2.5]}}, limit: 6}"},
		{verb: "apply", manager: "two", body: w1 + "spec: {tags: [d], ports: [{port: 81}], ratio: 0.5}"},
		{verb: "apply", manager: "two", body: w1 + "spec: {tags: [d], ports: [{port: 81}], ratio: 0.5}"},
		{verb: "apply", manager: "three", body: w1 + "spec: {whole: {c: d}, list: [b]}", code: 409},
		{verb: "apply", manager: "three", body: w1 + "spec: {what: 1}", code: 500},
		{verb: "apply", manager: "three", body: w1 + "spec: {tags: [a, a]}", code: 500},
		{verb: "merge", manager: "four", body: "{spec: {size: large, what: 1}}"},
		{verb: "json", manager: "four", body: "[{op: add, path: /spec/tags/-, value: q}]"},
		{verb: "strategic", manager: "four", body: "{spec: {size: small}}", code: 415},
		{verb: "merge", manager: "five", subresource: "status", body: "{status: {phase: x, conditions: [{type: A, status: z}]}, metadata: {labels: {c: d}}, spec: {size: huge}}"},
		{verb: "apply", manager: "six", subresource: "status", body: w1 + "status: {conditions: [{type: B, status: v}]}"},
		{verb: "apply", manager: "six", subresource: "status", body: w1 + "status: {conditions: [{type: B, status: w}, {type: A, status: w}]}", code: 409},
		{verb: "merge", manager: "seven", subresource: "scale", body: "{spec: {replicas: 3}}"},
		{verb: "merge", manager: "eight", version: "v2", body: "{spec: {size: larger}}"},
		{verb: "apply", manager: "two", version: "v2", body: w2 + "spec: {tags: [d, e]}"},
		{verb: "apply", manager: "two", body: w2 + "spec: {tags: [d, e]}", code: 400},
		{verb: "update", manager: "nine", body: w1 + "metadata: {managedFields: []}\nspec: {replicas: 1}"},
		{verb: "update", manager: "nine", body: w1 + "metadata: {managedFields: [{}]}\nspec: {replicas: 1}"},
		{verb: "apply", manager: "ten", body: w1 + "spec: {replicas: 2}", code: 409},
		{verb: "apply", manager: "ten", force: true, body: w1 + "spec: {replicas: 2}"},
	}},
	{name: "widget applied", gvk: widget, resource: "widgets", steps: []step{
		{verb: "apply", manager: "one", body: w1 + "spec: {ports: [{port: 80}, {port: 80, protocol: UDP}], maybe: null, free: {a: 1}}"},
		{verb: "apply", manager: "one", body: w1 + "spec: {ports: [{port: 80, protocol: UDP}], free: {b: 1}}"},
		{verb: "apply", manager: "one", body: w1},
	}},
}

const w1 = "apiVersion: owners.example.com/v1\nkind: Widget\n"
const w2 = "apiVersion: owners.example.com/v2\nkind: Widget\n"

// many returns the updates of n managers, each of a field of its own.
func many(n int) []step {
	steps := []step{{verb: "create", manager: "m0", body: "{apiVersion: v1, kind: ConfigMap, metadata: {}, data: {k0: v}}"}}
	for i := 1; i < n; i++ {
		name := string(rune('a' + i))
		steps = append(steps, step{verb: "merge", manager: "m" + name, body: "{data: {k" + name + ": v}}"})
	}
	return steps
}
