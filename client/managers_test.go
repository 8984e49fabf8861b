package client_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/kind"
)

// entries returns the managers of an object, with their operations.
func entries(o metav1.Object) (all []string) {
	for _, e := range o.GetManagedFields() {
		all = append(all, e.Manager+" "+string(e.Operation)+" "+e.Subresource)
	}
	slices.Sort(all)
	return all
}

func TestAdoptFields(t *testing.T) {
	c, ctx := connect(t), soon(t)
	ns := namespace(t, c)
	maps := client.Of[corev1.ConfigMap](c, client.Manager("new")).In(ns)
	body := func(data map[string]string) *corev1.ConfigMap {
		return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Data: data}
	}
	created := body(map[string]string{"kept": "1", "dropped": "1"})
	created.Annotations = map[string]string{"kubectl.kubernetes.io/last-applied-configuration": "{}", "x.io/y": "1"}
	m := must(maps.Create(ctx, created, metav1.CreateOptions{FieldManager: "old"}))(t)
	m.Data["later"] = "1"
	m = must(maps.Update(ctx, m, metav1.UpdateOptions{FieldManager: "other"}))(t)
	stale := m.DeepCopy()
	must(maps.Apply(ctx, body(map[string]string{"kept": "1", "mine": "1"}), metav1.ApplyOptions{Force: true}))(t)

	// Before: what new does not apply any more stays.
	m = must(maps.Apply(ctx, body(map[string]string{"kept": "1"}), metav1.ApplyOptions{}))(t)
	if m.Data["mine"] != "" || m.Data["dropped"] != "1" {
		t.Errorf("%v", m.Data)
	}
	listed := must(maps.List(ctx, metav1.ListOptions{}))(t) // without managedFields
	i := slices.IndexFunc(listed.Items, func(m corev1.ConfigMap) bool { return m.Name == "a" })
	dry := must(maps.AdoptFields(ctx, &listed.Items[i], "old", "new", client.DryRun()))(t)
	for _, m := range []*corev1.ConfigMap{dry, must(maps.AdoptFields(ctx, stale, "old", "new"))(t)} {
		if got := entries(m); !slices.Equal(got, []string{"new Apply ", "other Update "}) {
			t.Errorf("the managers are %q", got)
		}
		want := []string{"data/.", "data/dropped", "data/kept", "metadata/annotations/.", "metadata/annotations/x.io/y"}
		if got := owned(t, m, "new"); !slices.Equal(got, want) {
			t.Errorf("new owns %q, want %q", got, want)
		}
	}
	now := must(maps.Get(ctx, "a", metav1.GetOptions{}))(t)
	for _, o := range []*corev1.ConfigMap{now, stale, &listed.Items[i]} {
		if again := must(maps.AdoptFields(ctx, o, "old", "new"))(t); again.ResourceVersion != now.ResourceVersion && o != stale {
			t.Error("adopting again has changed the object")
		}
	}
	m = must(maps.Apply(ctx, body(map[string]string{"kept": "2"}), metav1.ApplyOptions{}))(t)
	if asJSON(t, m.Data) != `{"kept":"2","later":"1"}` || m.Annotations["x.io/y"] != "" {
		t.Errorf("after Apply: %v, %v", m.Data, m.Annotations)
	}
}

func TestAdoptFieldsBeforeTheFirstApply(t *testing.T) {
	c, ctx := connect(t), soon(t)
	maps := client.Of[corev1.ConfigMap](c).In(namespace(t, c))
	m := must(maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Data: map[string]string{"a": "1"}}, metav1.CreateOptions{FieldManager: "old"}))(t)
	m = must(maps.AdoptFields(ctx, m, "old", "new"))(t)
	if got := entries(m); !slices.Equal(got, []string{"new Apply "}) {
		t.Errorf("the managers are %q", got)
	}
	m = must(maps.Apply(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Data: map[string]string{"b": "1"}}, metav1.ApplyOptions{FieldManager: "new"}))(t)
	if asJSON(t, m.Data) != `{"b":"1"}` {
		t.Errorf("%v", m.Data)
	}
}

func TestExtract(t *testing.T) {
	c, ctx := connect(t), soon(t)
	ns := namespace(t, c)
	deployments := client.Of[appsv1.Deployment](c, client.Manager("mine")).In(ns)
	d := deploymentOf("web", "a", "b")
	d.Spec.Replicas = new(int32(2))
	d.Spec.Template.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 53, Protocol: "UDP"}, {ContainerPort: 53, Protocol: "TCP", Name: "t"}}
	d.Spec.Template.Spec.Containers[0].Args = []string{"x", "y"}
	d.Spec.Template.Spec.Containers[0].ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromString("t")}}}
	d.Finalizers = []string{"x.io/mine"}
	must(deployments.Apply(ctx, d, metav1.ApplyOptions{}))(t)
	all := must(deployments.Modify(ctx, "web", func(d *appsv1.Deployment) error {
		d.Labels = map[string]string{"others": "1"}
		d.Spec.Template.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "OTHERS", Value: "1"}}
		d.Spec.Template.Spec.Containers = append(d.Spec.Template.Spec.Containers, corev1.Container{Name: "others", Image: "example.com/others:1"})
		d.Finalizers = append(d.Finalizers, "x.io/others")
		return nil
	}, client.Manager("others")))(t)

	before := asJSON(t, all)
	mine := must(client.Extract(all, "mine", ""))(t)
	want := d.DeepCopy()
	want.TypeMeta, want.Namespace = all.TypeMeta, ns
	if got, want := asJSON(t, mine), asJSON(t, want); got != want {
		t.Errorf("extracted is\n%s, want\n%s", got, want)
	}
	mine.Spec.Template.Spec.Containers[0].Args[0] = "z"
	if asJSON(t, all) != before {
		t.Error("what was extracted shares memory with the object")
	}
	mine.Spec.Template.Spec.Containers[0].Args[0] = "x"
	if same := must(deployments.Apply(ctx, mine, metav1.ApplyOptions{}))(t); same.ResourceVersion != all.ResourceVersion {
		t.Error("applying what was extracted has changed the object")
	}

	none := must(client.Extract(all, "nobody", ""))(t)
	if got, want := asJSON(t, none), asJSON(t, &appsv1.Deployment{TypeMeta: all.TypeMeta, ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "web"}}); got != want {
		t.Errorf("of a manager that has applied nothing: %s", got)
	}
	if others := must(client.Extract(all, "others", ""))(t); len(others.Labels) != 0 {
		t.Errorf("what others wrote otherwise than by Apply was extracted: %+v", others.Labels)
	}

	status := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Status: appsv1.DeploymentStatus{Conditions: []appsv1.DeploymentCondition{
		{Type: "Mine", Status: "True", Reason: "R", Message: "M"}}}}
	all = must(deployments.ApplyStatus(ctx, status, metav1.ApplyOptions{}))(t)
	s := must(client.Extract(all, "mine", "status"))(t)
	if len(s.Status.Conditions) != 1 || s.Status.Conditions[0].Type != "Mine" || s.Status.Conditions[0].Message != "M" || s.Spec.Replicas != nil {
		t.Errorf("of the status: %s", asJSON(t, s))
	}
}

func TestExtractErrors(t *testing.T) {
	o := &corev1.ConfigMap{ObjectMeta: objectMeta("n", "a", "u")}
	if _, err := client.Extract(o, "m", ""); !errors.As(err, new(*kind.MisuseError)) || !strings.Contains(err.Error(), "no managedFields") {
		t.Errorf("%v", err)
	}
	entry := metav1.ManagedFieldsEntry{Manager: "m", Operation: "Apply", APIVersion: "v1beta1", FieldsV1: metav1.NewFieldsV1(`{"f:data":{}}`)}
	o.ManagedFields = []metav1.ManagedFieldsEntry{entry}
	if _, err := client.Extract(o, "m", ""); err == nil || !strings.Contains(err.Error(), "as v1beta1") {
		t.Errorf("%v", err)
	}
	for _, bad := range []string{`[]`, `"x"`, ``} {
		o.ManagedFields[0].FieldsV1, o.ManagedFields[0].APIVersion = metav1.NewFieldsV1(bad), "v1"
		if _, err := client.Extract(o, "m", ""); err == nil || !strings.Contains(err.Error(), `read the fields of manager "m"`) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
