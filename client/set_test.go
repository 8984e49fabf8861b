package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
)

// things is a custom type with fields of each sort.
type things struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              thingsSpec   `json:"spec"`
	Status            thingsStatus `json:"status"`
}

type thingsSpec struct {
	thingsCommon `json:",inline"`
	Replicas     int32                 `json:"replicas"`
	Optional     int32                 `json:"optional,omitempty"`
	Pointer      *int32                `json:"pointer,omitempty"`
	Text         string                `json:"text"`
	Flag         bool                  `json:"flag,omitempty"`
	List         []thingsItem          `json:"list,omitempty"`
	Map          map[string]thingsItem `json:"map,omitempty"`
	Labels       map[string]string     `json:"labels,omitempty"`
	Inner        thingsItem            `json:"inner"`
	InnerPointer *thingsItem           `json:"innerPointer,omitempty"`
	Since        *metav1.Time          `json:"since,omitempty"`
	Raw          runtime.RawExtension  `json:"raw,omitempty"`
	Quoted       int64                 `json:"quoted,string,omitempty"`
}

type thingsCommon struct {
	Promoted int `json:"promoted"`
}

type thingsItem struct {
	A int    `json:"a,omitempty"`
	B string `json:"b"`
}

type thingsStatus struct {
	Ready int `json:"ready"`
}

func registerThings(t *testing.T) {
	t.Helper()
	err := kind.Register[things](kind.Info{Group: "example.com", Version: "v1", Kind: "Things", Resource: "things", Namespaced: true})
	if err != nil {
		t.Fatal(err)
	}
}

// capturing returns a client whose server answers with what it was sent, and keeps it.
func capturing(t *testing.T, body *string) *rest.Client {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		*body = string(data)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(data)
	}))
	t.Cleanup(s.Close)
	c, err := rest.NewClient(&rest.Config{Host: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// sorted returns JSON with the members of its objects sorted.
func sorted(t *testing.T, text string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return asJSON(t, v)
}

func TestSetSendsZeros(t *testing.T) {
	registerThings(t)
	item := map[string]thingsItem{"k": {B: "x"}, "l": {A: 1, B: "y"}}
	for _, tt := range []struct {
		name   string
		spec   thingsSpec
		status thingsStatus
		paths  []string
		want   string // beside apiVersion, kind and metadata
	}{
		{"nothing", thingsSpec{}, thingsStatus{}, nil, ``},
		{"a number", thingsSpec{}, thingsStatus{}, []string{"spec.replicas"}, `"spec":{"replicas":0}`},
		{"an optional number", thingsSpec{}, thingsStatus{}, []string{"spec.optional"}, `"spec":{"optional":0}`},
		{"a number that is not zero", thingsSpec{Replicas: 3}, thingsStatus{}, []string{"spec.replicas"}, `"spec":{"replicas":3}`},
		{"a nil pointer", thingsSpec{}, thingsStatus{}, []string{"spec.pointer"}, `"spec":{"pointer":0}`},
		{"a pointer", thingsSpec{Pointer: new(int32)}, thingsStatus{}, nil, `"spec":{"pointer":0}`},
		{"a text and a flag", thingsSpec{}, thingsStatus{}, []string{"spec.text", "spec.flag"}, `"spec":{"text":"","flag":false}`},
		{"a list and a map", thingsSpec{}, thingsStatus{}, []string{"spec.list", "spec.map"}, `"spec":{"list":[],"map":{}}`},
		{"a list that is empty", thingsSpec{List: []thingsItem{}}, thingsStatus{}, []string{"spec.list"}, `"spec":{"list":[]}`},
		{"each element of a list", thingsSpec{List: []thingsItem{{B: "x"}, {A: 1}}}, thingsStatus{}, []string{"spec.list[*].a"},
			`"spec":{"list":[{"a":0,"b":"x"},{"a":1,"b":""}]}`},
		{"each element of no list", thingsSpec{Replicas: 1}, thingsStatus{}, []string{"spec.list[*].a", "spec.map[*].a"}, `"spec":{"replicas":1}`},
		{"each value of a map", thingsSpec{Map: item}, thingsStatus{}, []string{"spec.map[*].a"},
			`"spec":{"map":{"k":{"a":0,"b":"x"},"l":{"a":1,"b":"y"}}}`},
		{"one value of a map", thingsSpec{Map: item}, thingsStatus{}, []string{"spec.map['k'].a"},
			`"spec":{"map":{"k":{"a":0,"b":"x"},"l":{"a":1,"b":"y"}}}`},
		{"a value that the map does not have", thingsSpec{}, thingsStatus{}, []string{"spec.labels['app']", "spec.map['k'].a"},
			`"spec":{"labels":{"app":""},"map":{"k":{"a":0}}}`},
		{"a struct", thingsSpec{}, thingsStatus{}, []string{"spec.inner"}, `"spec":{"inner":{}}`},
		{"a field of a struct", thingsSpec{}, thingsStatus{}, []string{"spec.inner.a"}, `"spec":{"inner":{"a":0}}`},
		{"a struct behind a nil pointer", thingsSpec{}, thingsStatus{}, []string{"spec.innerPointer"}, `"spec":{"innerPointer":{}}`},
		{"a field behind a nil pointer", thingsSpec{}, thingsStatus{}, []string{"spec.innerPointer.a"}, `"spec":{"innerPointer":{"a":0}}`},
		{"a field behind a pointer", thingsSpec{InnerPointer: &thingsItem{}}, thingsStatus{}, []string{"spec.innerPointer.a"},
			`"spec":{"innerPointer":{"a":0,"b":""}}`},
		{"the whole spec", thingsSpec{}, thingsStatus{}, []string{"spec"}, `"spec":{}`},
		{"an embedded field", thingsSpec{}, thingsStatus{}, []string{"spec.promoted"}, `"spec":{"promoted":0}`},
		{"a number that is text", thingsSpec{}, thingsStatus{}, []string{"spec.quoted"}, `"spec":{"quoted":"0"}`},
		{"a field and what is around it", thingsSpec{}, thingsStatus{}, []string{"spec.inner", "spec.inner.b"}, `"spec":{"inner":{"b":""}}`},
		{"the status", thingsSpec{}, thingsStatus{}, []string{"status.ready"}, `"status":{"ready":0}`},
		{"the whole status", thingsSpec{}, thingsStatus{}, []string{"status"}, `"status":{}`},
		{"the status, without a name", thingsSpec{Replicas: 1}, thingsStatus{Ready: 1}, []string{"status.ready"}, `"status":{"ready":1}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var body string
			c := client.Of[things](capturing(t, &body)).In("n")
			obj := &things{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Spec: tt.spec, Status: tt.status}
			apply := c.Apply
			if len(tt.paths) > 0 && strings.HasPrefix(tt.paths[0], "status") {
				apply = c.ApplyStatus
			}
			var options []client.ApplyOption
			for _, path := range tt.paths {
				options = append(options, client.Set(path))
			}
			if _, err := apply(t.Context(), obj, metav1.ApplyOptions{FieldManager: "m"}, options...); err != nil {
				t.Fatal(err)
			}
			want := strings.TrimSuffix(`{"apiVersion":"example.com/v1","kind":"Things","metadata":{"name":"a"},`+tt.want, ",") + "}"
			if got, wanted := sorted(t, body), sorted(t, want); got != wanted {
				t.Errorf("it sends\n%s\nwant\n%s", body, want)
			}
		})
	}
}

func TestSetOfLabelsAndAnnotations(t *testing.T) {
	var body string
	c := client.Of[corev1.ConfigMap](capturing(t, &body)).In("n")
	_, err := c.Apply(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a", Labels: map[string]string{"x": "y"}}},
		metav1.ApplyOptions{FieldManager: "m"}, client.Set("metadata.labels['app']", "metadata.annotations", "data"))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","labels":{"app":"","x":"y"},"annotations":{}},"data":{}}`
	if got, wanted := sorted(t, body), sorted(t, want); got != wanted {
		t.Errorf("it sends\n%s\nwant\n%s", body, want)
	}
}

// A path that cannot be sent is a mistake, which is found before anything is sent.
func TestSetOfAPathThatCannotBeSent(t *testing.T) {
	registerThings(t)
	c := client.Of[things](untouched(t)).In("n")
	obj := &things{ObjectMeta: metav1.ObjectMeta{Name: "a"}}
	for _, tt := range []struct {
		path  string
		apply func(context.Context, *things, metav1.ApplyOptions, ...client.ApplyOption) (*things, error)
		says  string
	}{
		{"spec.replica", c.Apply, "has no field replica"},
		{"spec.Replicas", c.Apply, "there is replicas"},
		{"Spec.replicas", c.Apply, "there is spec"},
		{"replicas", c.Apply, "has no field replicas"},
		{"", c.Apply, "a path begins with the name of a field"},
		{"spec..replicas", c.Apply, "the name of a field was expected"},
		{"spec.replicas.x", c.Apply, "one value"},
		{"spec.list.a", c.Apply, "is a list"},
		{"spec.list[0].a", c.Apply, "between brackets"},
		{"spec.labels.app", c.Apply, "is a map"},
		{"spec.since", c.Apply, "has no zero that can be sent"},
		{"spec.raw", c.Apply, "has no zero that can be sent"},
		{"spec.raw.x", c.Apply, "set the zero in it"},
		{"metadata.creationTimestamp", c.Apply, "the server writes this field"},
		{"metadata.managedFields", c.Apply, "the server writes this field"},
		{"metadata.managedFields[*].manager", c.Apply, "the server writes this field"},
		{"metadata.uid", c.Apply, "the server writes this field"},
		{"metadata.resourceVersion", c.Apply, "the server writes this field"},
		{"status.ready", c.Apply, "use ApplyStatus"},
		{"status", c.Apply, "use ApplyStatus"},
		{"spec.replicas", c.ApplyStatus, "sends the status only"},
		{"metadata.labels", c.ApplyStatus, "sends the status only"},
		{"status.redy", c.ApplyStatus, "has no field redy"},
	} {
		_, err := tt.apply(t.Context(), obj, metav1.ApplyOptions{FieldManager: "m"}, client.Set("spec.replicas"), client.Set(tt.path))
		if tt.path == "status.redy" {
			_, err = tt.apply(t.Context(), obj, metav1.ApplyOptions{FieldManager: "m"}, client.Set(tt.path))
		}
		var misuse *kind.MisuseError
		if !errors.As(err, &misuse) || misuse.Verb != "apply" || misuse.Name != "a" || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%q: %v, want a MisuseError that says %q", tt.path, err, tt.says)
		}
	}
}

// applied is what a second manager may change of an object that a first one has applied.
func applied[T any, P kind.Object[T]](t *testing.T, ctx context.Context, c *client.Client[T], first, second *T, want ...string) *T {
	t.Helper()
	before := must(c.Apply(ctx, first, metav1.ApplyOptions{FieldManager: "first"}))(t)
	after := must(c.Apply(ctx, second, metav1.ApplyOptions{FieldManager: "second", Force: true}))(t)
	had, has := owned(t, P(before), "first"), owned(t, P(after), "first")
	if !slices.Equal(had, has) {
		t.Errorf("%T: the first manager owned\n%s\nand owns\n%s", first, strings.Join(had, "\n"), strings.Join(has, "\n"))
	}
	if got := owned(t, P(after), "second"); !slices.Equal(got, want) {
		t.Errorf("%T: the second manager owns %q, want %q", first, got, want)
	}
	return after
}

// R14: a second manager that applies one field of an object by force takes no other from the first.
func TestApplyOfOneFieldTakesNoOther(t *testing.T) {
	c, ctx := connect(t), soon(t)
	ns := namespace(t, c)
	meta := metav1.ObjectMeta{Name: "a"}
	db := map[string]string{"app": "db"}
	selector := &metav1.LabelSelector{MatchLabels: db}
	pod := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: db},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "example.com/i"}}}}

	policy := applied(t, ctx, client.Of[networkingv1.NetworkPolicy](c).In(ns),
		&networkingv1.NetworkPolicy{ObjectMeta: meta, Spec: networkingv1.NetworkPolicySpec{PodSelector: *selector}},
		&networkingv1.NetworkPolicy{ObjectMeta: meta, Spec: networkingv1.NetworkPolicySpec{
			Ingress: []networkingv1.NetworkPolicyIngressRule{{}}}}, "spec/ingress")
	if policy.Spec.PodSelector.MatchLabels["app"] != "db" {
		t.Errorf("the policy selects %v", policy.Spec.PodSelector)
	}

	// To select every pod is said by name.
	policies := client.Of[networkingv1.NetworkPolicy](c).In(ns)
	policy = must(policies.Apply(ctx, &networkingv1.NetworkPolicy{ObjectMeta: meta},
		metav1.ApplyOptions{FieldManager: "second", Force: true}, client.Set("spec.podSelector")))(t)
	if len(policy.Spec.PodSelector.MatchLabels) != 0 || !slices.Equal(owned(t, policy, "second"), []string{"spec/podSelector"}) {
		t.Errorf("the policy selects %v, the second manager owns %q", policy.Spec.PodSelector, owned(t, policy, "second"))
	}

	scaler := applied(t, ctx, client.Of[autoscalingv2.HorizontalPodAutoscaler](c).In(ns),
		&autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: meta, Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			MaxReplicas: 9, ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{Kind: "Deployment", Name: "d", APIVersion: "apps/v1"}}},
		&autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: meta, Spec: autoscalingv2.HorizontalPodAutoscalerSpec{MinReplicas: new(int32(2))}},
		"spec/minReplicas")
	if scaler.Spec.MaxReplicas != 9 || scaler.Spec.ScaleTargetRef.Name != "d" {
		t.Errorf("the autoscaler is %+v", scaler.Spec)
	}

	applied(t, ctx, client.Of[appsv1.Deployment](c).In(ns),
		&appsv1.Deployment{ObjectMeta: meta, Spec: appsv1.DeploymentSpec{Selector: selector, Template: pod}},
		&appsv1.Deployment{ObjectMeta: meta, Spec: appsv1.DeploymentSpec{Replicas: new(int32)}}, "spec/replicas")
	applied(t, ctx, client.Of[appsv1.StatefulSet](c).In(ns),
		&appsv1.StatefulSet{ObjectMeta: meta, Spec: appsv1.StatefulSetSpec{Selector: selector, Template: pod, ServiceName: "s"}},
		&appsv1.StatefulSet{ObjectMeta: meta, Spec: appsv1.StatefulSetSpec{MinReadySeconds: 3}}, "spec/minReadySeconds")
	applied(t, ctx, client.Of[batchv1.CronJob](c).In(ns),
		&batchv1.CronJob{ObjectMeta: meta, Spec: batchv1.CronJobSpec{Schedule: "0 0 1 1 *", JobTemplate: batchv1.JobTemplateSpec{
			Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
				RestartPolicy: corev1.RestartPolicyNever, Containers: pod.Spec.Containers}}}}}},
		&batchv1.CronJob{ObjectMeta: meta, Spec: batchv1.CronJobSpec{Suspend: new(true)}}, "spec/suspend")
	applied(t, ctx, client.Of[rbacv1.RoleBinding](c).In(ns),
		&rbacv1.RoleBinding{ObjectMeta: meta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "r"}},
		&rbacv1.RoleBinding{ObjectMeta: meta, Subjects: []rbacv1.Subject{{Kind: "User", APIGroup: rbacv1.GroupName, Name: "u"}}}, "subjects")
	applied(t, ctx, client.Of[discoveryv1.EndpointSlice](c).In(ns),
		&discoveryv1.EndpointSlice{ObjectMeta: meta, AddressType: discoveryv1.AddressTypeIPv4, Endpoints: []discoveryv1.Endpoint{{Addresses: []string{"10.1.2.3"}}}},
		&discoveryv1.EndpointSlice{ObjectMeta: meta, Ports: []discoveryv1.EndpointPort{{Port: new(int32(80))}}}, "ports")
	applied(t, ctx, client.Of[corev1.PersistentVolumeClaim](c).In(ns),
		&corev1.PersistentVolumeClaim{ObjectMeta: meta, Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, StorageClassName: new("none"),
			Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{"storage": resource.MustParse("1Gi")}}}},
		&corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: "a", Labels: map[string]string{"x": "y"}}}, "metadata/labels/x")
}

// R14: a manager that applies one condition of a status takes no counter.
func TestApplyStatusOfOneConditionTakesNoCounter(t *testing.T) {
	c, ctx := connect(t), soon(t)
	budgets := client.Of[policyv1.PodDisruptionBudget](c).In(namespace(t, c))
	meta := metav1.ObjectMeta{Name: "a"}
	must(budgets.Apply(ctx, &policyv1.PodDisruptionBudget{ObjectMeta: meta, Spec: policyv1.PodDisruptionBudgetSpec{
		Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "none"}}}}, metav1.ApplyOptions{FieldManager: "first"}))(t)
	b := must(budgets.ApplyStatus(ctx, &policyv1.PodDisruptionBudget{ObjectMeta: meta, Status: policyv1.PodDisruptionBudgetStatus{
		CurrentHealthy: 1, DesiredHealthy: 2, DisruptionsAllowed: 3, ExpectedPods: 4}}, metav1.ApplyOptions{FieldManager: "counter", Force: true}))(t)
	if n := len(owned(t, b, "counter")); n != 4 {
		t.Errorf("the counter owns %q", owned(t, b, "counter"))
	}
	b = must(budgets.ApplyStatus(ctx, &policyv1.PodDisruptionBudget{ObjectMeta: meta, Status: policyv1.PodDisruptionBudgetStatus{
		Conditions: []metav1.Condition{{Type: "Mine", Status: metav1.ConditionTrue, Reason: "R", LastTransitionTime: metav1.Now()}}}},
		metav1.ApplyOptions{FieldManager: "second", Force: true}))(t)
	for _, path := range owned(t, b, "second") {
		if !strings.HasPrefix(path, `status/conditions/k:{"type":"Mine"}/`) {
			t.Errorf("the second manager owns %q", path)
		}
	}
	// A counter that is to be zero is named.
	b = must(budgets.ApplyStatus(ctx, &policyv1.PodDisruptionBudget{ObjectMeta: meta},
		metav1.ApplyOptions{FieldManager: "second", Force: true}, client.Set("status.expectedPods")))(t)
	if got := owned(t, b, "second"); !slices.Equal(got, []string{"status/expectedPods"}) || b.Status.ExpectedPods != 0 {
		t.Errorf("the second manager owns %q; %d expected pods", got, b.Status.ExpectedPods)
	}
}
