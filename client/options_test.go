package client_test

import (
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/kind"
)

// Every verb that writes sends the client's defaults, and what a call says instead.
func TestDefaultsOfAClient(t *testing.T) {
	ctx := t.Context()
	all := []string{metav1.DryRunAll}
	obj := func() *corev1.ConfigMap {
		return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Data: map[string]string{"k": "v"}}
	}
	patch := []byte(`{}`)
	type maps = *client.Client[corev1.ConfigMap]
	const defaults = "dryRun=All&fieldManager=def&fieldValidation=Strict"
	for name, c := range map[string]struct {
		do   func(maps) error
		want string
	}{
		"Create":       {func(m maps) error { _, err := m.Create(ctx, obj(), metav1.CreateOptions{}); return err }, defaults},
		"Update":       {func(m maps) error { _, err := m.Update(ctx, obj(), metav1.UpdateOptions{}); return err }, defaults},
		"UpdateStatus": {func(m maps) error { _, err := m.UpdateStatus(ctx, obj(), metav1.UpdateOptions{}); return err }, defaults},
		"Patch": {func(m maps) error {
			_, err := m.Patch(ctx, "a", "application/merge-patch+json", patch, metav1.PatchOptions{})
			return err
		}, defaults},
		"Apply": {func(m maps) error { _, err := m.Apply(ctx, obj(), metav1.ApplyOptions{}); return err }, defaults + "&force=false"},
		"Create, other": {func(m maps) error {
			_, err := m.Create(ctx, obj(), metav1.CreateOptions{FieldManager: "call", FieldValidation: "Ignore", DryRun: []string{}})
			return err
		}, "fieldManager=call&fieldValidation=Ignore"},
		"Update, other": {func(m maps) error {
			_, err := m.Update(ctx, obj(), metav1.UpdateOptions{FieldManager: "call", FieldValidation: "Warn", DryRun: all})
			return err
		}, "dryRun=All&fieldManager=call&fieldValidation=Warn"},
		"Patch, other": {func(m maps) error {
			_, err := m.Patch(ctx, "a", "application/merge-patch+json", patch, metav1.PatchOptions{FieldManager: "call", DryRun: []string{}})
			return err
		}, "fieldManager=call&fieldValidation=Strict"},
		"Apply, other": {func(m maps) error {
			_, err := m.Apply(ctx, obj(), metav1.ApplyOptions{FieldManager: "call", Force: true, DryRun: []string{}})
			return err
		}, "fieldManager=call&fieldValidation=Strict&force=true"},
		"DeleteCollection": {func(m maps) error { return m.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{}) },
			` application/json {"kind":"DeleteOptions","apiVersion":"v1","dryRun":["All"]}`},
		"Delete": {func(m maps) error { return m.Delete(ctx, "a", metav1.DeleteOptions{}) },
			` application/json {"kind":"DeleteOptions","apiVersion":"v1","dryRun":["All"]}`},
		"Delete, other": {func(m maps) error { return m.Delete(ctx, "a", metav1.DeleteOptions{DryRun: []string{}}) },
			` application/json {"kind":"DeleteOptions","apiVersion":"v1"}`},
	} {
		var sent []string
		answer := configMap(7, "v")
		if name == "DeleteCollection" {
			answer = page("")
		}
		r := recordedClient(t, &sent, answer)
		if err := c.do(client.Of[corev1.ConfigMap](r, client.Strict(), client.Manager("def"), client.DryRun()).In("n")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := strings.Join(sent, " "); !strings.Contains(got, c.want) {
			t.Errorf("%s sends %s, want %s", name, got, c.want)
		}
	}
}

// Modify and the like take the options themselves.
func TestOptionsOfModify(t *testing.T) {
	for _, c := range []struct {
		of, call []client.WriteOption
		want     string
	}{
		{nil, nil, ""},
		{[]client.WriteOption{client.Strict(), client.Manager("a"), client.DryRun()}, nil, "?dryRun=All&fieldManager=a&fieldValidation=Strict"},
		{[]client.WriteOption{client.Strict(), client.Manager("a"), client.DryRun()},
			[]client.WriteOption{client.Warn(), client.Manager("b"), client.NoDryRun(), {}}, "?fieldManager=b&fieldValidation=Warn"},
		{[]client.WriteOption{{}}, []client.WriteOption{client.Ignore(), client.DryRun()}, "?dryRun=All&fieldValidation=Ignore"},
	} {
		var sent []string
		r := recordedClient(t, &sent, configMap(7, "v"), configMap(8, "w"))
		var of []client.Option
		for _, o := range c.of {
			of = append(of, o)
		}
		_, err := client.Of[corev1.ConfigMap](r, of...).In("n").Modify(t.Context(), "a", func(m *corev1.ConfigMap) error { m.Data["k"] = "w"; return nil }, c.call...)
		if err != nil || len(sent) != 3 || !strings.Contains(sent[1], "/a"+c.want+" ") {
			t.Errorf("%q, %v, want %q", sent, err, c.want)
		}
	}
}

func TestFieldManagersAreChecked(t *testing.T) {
	for _, c := range []struct {
		name  string
		wrong string
	}{
		{strings.Repeat("m", 127), ""},
		{strings.Repeat("m", 128), ""},
		{strings.Repeat("m", 129), "has 129 bytes: the limit is 128"},
		{strings.Repeat("é", 64), ""},
		{strings.Repeat("é", 64) + "m", "has 129 bytes"},
		{"a\tb", "not printable"},
	} {
		var sent []string
		r := recordedClient(t, &sent, configMap(7, "v"))
		_, err := client.Of[corev1.ConfigMap](r, client.Manager(c.name)).In("n").Create(t.Context(),
			&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, metav1.CreateOptions{})
		var misuse *kind.MisuseError
		if c.wrong == "" && err != nil || c.wrong != "" && (!errors.As(err, &misuse) || !strings.Contains(err.Error(), c.wrong) || len(sent) > 0) {
			t.Errorf("%q: %v", c.name, err)
		}
	}
}

// What is checked here is what the server checks.
func TestTheServerChecksAsWeDo(t *testing.T) {
	c, ctx := connect(t), soon(t)
	ns := namespace(t, c)
	typed, _ := gadgets(t, c, ns)
	k := must(typed.Kind())(t)
	must(typed.Create(ctx, &Gadget{ObjectMeta: metav1.ObjectMeta{Name: "b"}}, metav1.CreateOptions{}))(t)
	unknown := []byte(`{"spec":{"nosuch":1,"size":5}}`)
	for _, level := range []struct {
		option  client.WriteOption
		refuses bool
	}{{client.Strict(), true}, {client.Warn(), false}, {client.Ignore(), false}} {
		typed := client.Of[Gadget](c, client.WithKind(k), level.option, client.Manager(strings.Repeat("é", 64)), client.DryRun()).In(ns)
		_, err := typed.Patch(ctx, "b", types.MergePatchType, unknown, metav1.PatchOptions{})
		if refused := apierrors.IsInvalid(err) || apierrors.IsBadRequest(err); refused != level.refuses || !refused && err != nil {
			t.Errorf("%v", err)
		}
		if g := must(typed.Get(ctx, "b", metav1.GetOptions{}))(t); g.Spec.Size != 0 {
			t.Errorf("a dry run has stored %+v", g.Spec)
		}
	}
	var status *apierrors.StatusError
	err := c.Post().GroupVersion(k.GroupVersion()).Namespace(ns).Resource(k.Resource).Param("fieldManager", strings.Repeat("m", 129)).Body(unknown).Do(ctx).Error()
	if !errors.As(err, &status) || !apierrors.IsInvalid(err) {
		t.Errorf("129 bytes: %v", err)
	}
}
