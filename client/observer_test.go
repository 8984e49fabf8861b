package client_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/kind"
)

func TestTheObserverIsToldOfEveryWrite(t *testing.T) {
	c, base := connect(t), soon(t)
	ns := namespace(t, c)
	configMaps := client.Of[corev1.ConfigMap](c).In(ns)
	k, _ := kind.Of[corev1.ConfigMap]()

	var told []client.Write
	var outer int
	ctx := client.WithWriteObserver(base, func(client.Write) { outer++ })
	ctx = client.WithWriteObserver(ctx, func(w client.Write) { told = append(told, w) })

	var uid types.UID
	tells := func(what string, m *corev1.ConfigMap, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		want := client.Write{Kind: k, Namespace: ns, Name: "a", UID: string(m.UID), ResourceVersion: m.ResourceVersion}
		if len(told) != 1 || told[0] != want || outer != 1 {
			t.Errorf("of %s it was told\n%+v, want\n%+v", what, told, want)
		}
		told, outer, uid = nil, 0, m.UID
	}
	m, err := configMaps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a", Finalizers: []string{"example.com/f"}}}, metav1.CreateOptions{})
	tells("Create", m, err)
	m.Data = map[string]string{"k": "v"}
	m, err = configMaps.Update(ctx, m, metav1.UpdateOptions{})
	tells("Update", m, err)
	m, err = configMaps.Update(ctx, m, metav1.UpdateOptions{})
	tells("Update that changes nothing", m, err)
	m, err = configMaps.Patch(ctx, "a", types.MergePatchType, []byte(`{"data":{"k":"w"}}`), metav1.PatchOptions{})
	tells("Patch", m, err)
	m, err = configMaps.Apply(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Data: map[string]string{"l": "x"}}, metav1.ApplyOptions{FieldManager: "m"})
	tells("Apply", m, err)

	// What is no write, or none that succeeded.
	dry := []string{metav1.DryRunAll}
	_, _ = configMaps.Get(ctx, "a", metav1.GetOptions{})
	_, _ = configMaps.List(ctx, metav1.ListOptions{})
	_, _ = configMaps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, metav1.CreateOptions{})
	_, _ = configMaps.Update(ctx, m, metav1.UpdateOptions{DryRun: dry})
	_, _ = configMaps.Patch(ctx, "a", types.MergePatchType, []byte(`{"data":{"k":"x"}}`), metav1.PatchOptions{DryRun: dry})
	_, _ = configMaps.Apply(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, metav1.ApplyOptions{FieldManager: "n", DryRun: dry})
	_ = configMaps.Delete(ctx, "a", metav1.DeleteOptions{DryRun: dry})
	_ = configMaps.Delete(ctx, "b", metav1.DeleteOptions{})
	_ = configMaps.DeleteCollection(ctx, metav1.DeleteOptions{DryRun: dry}, metav1.ListOptions{})
	if len(told) != 0 {
		t.Errorf("of what is no write it was told %+v", told)
	}

	// A delete that only marks has a version; one that ends the object says its UID.
	if err := configMaps.Delete(ctx, "a", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	m = must(configMaps.Get(ctx, "a", metav1.GetOptions{}))(t)
	if want := (client.Write{Kind: k, Namespace: ns, Name: "a", UID: string(uid), ResourceVersion: m.ResourceVersion, Deleted: true}); !slices.Equal(told, []client.Write{want}) {
		t.Errorf("of Delete with a finalizer it was told\n%+v, want\n%+v", told, want)
	}
	told = nil
	must(configMaps.Patch(context.WithoutCancel(base), "a", types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{}))(t)
	for _, name := range []string{"b", "c"} {
		must(configMaps.Create(base, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"d": ""}}}, metav1.CreateOptions{}))(t)
	}
	b := must(configMaps.Get(ctx, "b", metav1.GetOptions{}))(t)
	if len(told) != 0 {
		t.Errorf("of writes under another context it was told %+v", told)
	}
	if err := configMaps.Delete(ctx, "b", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if want := (client.Write{Kind: k, Namespace: ns, Name: "b", UID: string(b.UID), Deleted: true}); !slices.Equal(told, []client.Write{want}) {
		t.Errorf("of Delete it was told\n%+v, want\n%+v", told, want)
	}

	told = nil
	for _, name := range []string{"b", "d"} {
		must(configMaps.Create(base, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"d": ""}}}, metav1.CreateOptions{}))(t)
	}
	uids := map[string]string{}
	for m, err := range configMaps.All(base, metav1.ListOptions{LabelSelector: "d"}) {
		if err != nil {
			t.Fatal(err)
		}
		uids[m.Name] = string(m.UID)
	}
	if err := configMaps.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "d"}); err != nil {
		t.Fatal(err)
	}
	var want []client.Write
	for _, name := range []string{"b", "c", "d"} {
		want = append(want, client.Write{Kind: k, Namespace: ns, Name: name, UID: uids[name], Deleted: true})
	}
	slices.SortFunc(told, func(x, y client.Write) int { return strings.Compare(x.Name, y.Name) })
	if !slices.Equal(told, want) {
		t.Errorf("of DeleteCollection it was told\n%+v, want\n%+v", told, want)
	}
}

// The paths are those of what was sent, and never a value; without WithFieldPaths there are none.
func TestTheObserverIsToldOfTheFieldsOfAWrite(t *testing.T) {
	c, base := connect(t), soon(t)
	ns := namespace(t, c)
	configMaps, secrets, deployments := client.Of[corev1.ConfigMap](c).In(ns), client.Of[corev1.Secret](c).In(ns), client.Of[appsv1.Deployment](c).In(ns)
	var told []client.Write
	observed := client.WithWriteObserver(base, func(w client.Write) { told = append(told, w) })
	ctx := client.WithFieldPaths(observed)
	tells := func(what, want string) {
		t.Helper()
		if len(told) != 1 || told[0].Fields != want {
			t.Errorf("of %s it was told\n%+v, want the fields\n%s", what, told, want)
		}
		told = nil
	}
	m := must(configMaps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a", Labels: map[string]string{"l": "x"}},
		Data: map[string]string{"k": "x"}}, metav1.CreateOptions{}))(t)
	tells("Create", "data, metadata.labels")
	m.Data["l"] = "x"
	must(configMaps.Update(ctx, m, metav1.UpdateOptions{}))(t)
	tells("Update", "")
	must(configMaps.Modify(ctx, "a", func(m *corev1.ConfigMap) error {
		m.Annotations = map[string]string{"example.com/hash": "x"}
		m.Data["tls.crt"] = "x"
		delete(m.Data, "k")
		return nil
	}))(t)
	tells("Modify", "data.k, data['tls.crt'], metadata.annotations['example.com/hash']")
	must(configMaps.Patch(ctx, "a", types.JSONPatchType, []byte(`[{"op": "add", "path": "/data/n", "value": "x"}]`), metav1.PatchOptions{}))(t)
	tells("a JSON patch", "data.n")
	must(configMaps.Apply(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Data: map[string]string{"o": "x"}},
		metav1.ApplyOptions{FieldManager: "m"}))(t)
	tells("Apply", "data.o")
	if err := configMaps.Delete(ctx, "a", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	tells("Delete", "")

	must(secrets.Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "a"}, StringData: map[string]string{"k": "x"}}, metav1.CreateOptions{}))(t)
	tells("Create of a Secret", "")
	must(secrets.Patch(ctx, "a", types.MergePatchType, []byte(`{"stringData":{"k":"y"}}`), metav1.PatchOptions{}))(t)
	tells("a patch of a Secret", "")

	labels := map[string]string{"app": "a"}
	d := must(deployments.Create(ctx, &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Spec: appsv1.DeploymentSpec{
		Replicas: new(int32(0)), Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "a", Image: "a"}}}}}}, metav1.CreateOptions{}))(t)
	tells("Create of a Deployment", "spec")
	must(deployments.Patch(ctx, "a", types.StrategicMergePatchType, []byte(`{"spec": {"template": {"spec":
		{"$setElementOrder/containers": [{"name": "a"}], "containers": [{"name": "a", "image": "b"}]}}}}`), metav1.PatchOptions{}))(t)
	tells("a strategic merge patch", "spec.template.spec.containers")
	must(deployments.ModifyStatus(ctx, "a", func(d *appsv1.Deployment) error {
		d.Status.Conditions = append(d.Status.Conditions, appsv1.DeploymentCondition{Type: "Mine", Status: corev1.ConditionTrue})
		return nil
	}))(t)
	tells("ModifyStatus", "status.conditions")
	d = must(deployments.Get(base, d.Name, metav1.GetOptions{}))(t)
	d.ResourceVersion = "" // its controller writes at the same time
	must(deployments.UpdateStatus(ctx, d, metav1.UpdateOptions{}))(t)
	tells("UpdateStatus", "status")
	must(client.SubresourceOf[autoscalingv1.Scale](deployments, "scale").Patch(ctx, "a", types.MergePatchType, []byte(`{"spec":{"replicas":0}}`), metav1.PatchOptions{}))(t)
	tells("a patch of the scale", "scale: spec.replicas")

	must(deployments.Patch(observed, "a", types.MergePatchType, []byte(`{"spec":{"paused":true}}`), metav1.PatchOptions{}))(t)
	tells("a patch without WithFieldPaths", "")
}
