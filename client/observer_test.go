package client_test

import (
	"context"
	"slices"
	"strings"
	"testing"

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
