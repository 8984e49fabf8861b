package controller

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
)

func ready(status metav1.ConditionStatus, reason, message string) metav1.Condition {
	return metav1.Condition{Type: "example.com/Ready", Status: status, Reason: reason, Message: message}
}

// The conditions of an object on a server, beside those that the disruption controller keeps there.
func TestStatusOnAServer(t *testing.T) {
	cluster := controlplane.Start(t)
	cfg := cluster.Config()
	var requests atomic.Int64
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			requests.Add(1)
			return next.RoundTrip(req)
		})
	})
	c, err := rest.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	namespace := cluster.Namespace(t)
	budgets := client.Of[policyv1.PodDisruptionBudget](c).In(namespace)
	obj, err := budgets.Create(ctx, &policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: policyv1.PodDisruptionBudgetSpec{MaxUnavailable: new(intstr.FromInt32(1)),
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	find := func(o *policyv1.PodDisruptionBudget) metav1.Condition {
		t.Helper()
		for _, c := range o.Status.Conditions {
			if c.Type == "example.com/Ready" {
				return c
			}
		}
		t.Fatalf("the condition is not there: %+v", o.Status.Conditions)
		return metav1.Condition{}
	}
	old := metav1.NewTime(time.Now().Add(-time.Hour).Truncate(time.Second))
	first := ready(metav1.ConditionFalse, "Waiting", "for pods")
	first.LastTransitionTime = old
	one, err := Status(ctx, budgets, obj, first)
	if err != nil {
		t.Fatal(err)
	}
	if got := find(one); !got.LastTransitionTime.Equal(&old) || got.ObservedGeneration != 1 || got.Reason != "Waiting" {
		t.Errorf("stored is %+v", got)
	}
	if len(obj.Status.Conditions) != 0 {
		t.Error("Status has changed what it was given")
	}

	// Nothing has changed: no request, whatever time is given.
	before := requests.Load()
	same := ready(metav1.ConditionFalse, "Waiting", "for pods")
	same.LastTransitionTime = metav1.Now()
	if again, err := Status(ctx, budgets, one, same); err != nil || again != one || requests.Load() != before {
		t.Errorf("%v, %d requests", err, requests.Load()-before)
	}
	if again, err := Status(ctx, budgets, one); err != nil || again != one || requests.Load() != before {
		t.Errorf("no condition: %v, %d requests", err, requests.Load()-before)
	}
	// An old version of the object: the server has it, so nothing is written.
	if again, err := Status(ctx, budgets, obj, same); err != nil || requests.Load() != before+1 || find(again).LastTransitionTime != find(one).LastTransitionTime {
		t.Errorf("%v, %d requests", err, requests.Load()-before)
	}

	// A new message moves no time; a new status does.
	two, err := Status(ctx, budgets, one, ready(metav1.ConditionFalse, "Waiting", "for the last pod"))
	if err != nil {
		t.Fatal(err)
	}
	if got := find(two); got.Message != "for the last pod" || !got.LastTransitionTime.Equal(&old) {
		t.Errorf("stored is %+v", got)
	}
	three, err := Status(ctx, budgets, two, ready(metav1.ConditionTrue, "Ready", ""))
	if err != nil {
		t.Fatal(err)
	}
	if got := find(three); got.Status != metav1.ConditionTrue || time.Since(got.LastTransitionTime.Time) > 30*time.Minute {
		t.Errorf("stored is %+v", got)
	}

	// A new generation is observed, and one that has seen less writes nothing over it.
	changed, err := budgets.Modify(ctx, "web", func(b *policyv1.PodDisruptionBudget) error {
		b.Spec.MaxUnavailable = new(intstr.FromInt32(2))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	four, err := Status(ctx, budgets, changed, ready(metav1.ConditionTrue, "Ready", ""))
	if err != nil {
		t.Fatal(err)
	}
	if got := find(four); got.ObservedGeneration != 2 || got.LastTransitionTime != find(three).LastTransitionTime {
		t.Errorf("stored is %+v", got)
	}
	late, err := Status(ctx, budgets, one, ready(metav1.ConditionUnknown, "Late", ""))
	if err != nil || find(late) != find(four) {
		t.Errorf("%v; stored is %+v", err, find(late))
	}

	// Another object of the name, and none.
	if err := budgets.Delete(ctx, "web", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := Status(ctx, budgets, four, ready(metav1.ConditionFalse, "Gone", "")); !apierrors.IsNotFound(err) {
		t.Errorf("of an object that is gone: %v", err)
	}
	obj.ResourceVersion, obj.UID = "", ""
	if _, err := budgets.Create(ctx, obj, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := Status(ctx, budgets, four, ready(metav1.ConditionFalse, "Gone", "")); !apierrors.IsConflict(err) || !strings.Contains(err.Error(), string(four.UID)) {
		t.Errorf("of another object: %v", err)
	}
}

func TestMergedConditions(t *testing.T) {
	at := func(seconds int64) metav1.Time { return metav1.Unix(seconds, 0) }
	cond := func(name string, status metav1.ConditionStatus, generation, since int64) metav1.Condition {
		c := metav1.Condition{Type: name, Status: status, Reason: "R", ObservedGeneration: generation}
		if since > 0 {
			c.LastTransitionTime = at(since)
		}
		return c
	}
	stored := []metav1.Condition{cond("a", "True", 2, 10), cond("b", "False", 1, 20)}
	for what, tt := range map[string]struct {
		set     metav1.Condition
		want    metav1.Condition // at its place; "" is not looked at
		changed bool
	}{
		"the same":                       {cond("a", "True", 2, 99), cond("a", "True", 2, 10), false},
		"a later generation":             {cond("a", "True", 3, 0), cond("a", "True", 3, 10), true},
		"an earlier generation":          {cond("a", "False", 1, 99), cond("a", "True", 2, 10), false},
		"another status, with its time":  {cond("a", "False", 2, 99), cond("a", "False", 2, 99), true},
		"a condition that was not there": {cond("c", "False", 2, 99), cond("c", "False", 2, 99), true},
	} {
		all, changed := merged(stored, []metav1.Condition{tt.set})
		var got metav1.Condition
		for _, c := range all {
			if c.Type == tt.set.Type {
				got = c
			}
		}
		if changed != tt.changed || got != tt.want {
			t.Errorf("%s: %+v, changed %v; want %+v, %v", what, got, changed, tt.want, tt.changed)
		}
		if all[1] != stored[1] || stored[0] != cond("a", "True", 2, 10) {
			t.Errorf("%s: another condition has changed", what)
		}
	}
	all, _ := merged(stored, []metav1.Condition{cond("b", "True", 1, 0)})
	if time.Since(all[1].LastTransitionTime.Time) > time.Minute {
		t.Errorf("the time of a new status is %v", all[1].LastTransitionTime)
	}
}

// pointed has its status behind a pointer, and its conditions in an embedded struct.
type pointed struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	State             *struct{ common } `json:"status,omitempty"`
}

type common struct {
	Conds []metav1.Condition `json:"conditions,omitempty"`
}

func TestWhereConditionsAre(t *testing.T) {
	var p pointed
	f, ok := conditionsOf(reflect.ValueOf(&p).Elem(), false)
	if !ok || f.get() != nil || p.State != nil {
		t.Errorf("%v, %v", ok, p.State)
	}
	f, ok = conditionsOf(reflect.ValueOf(&p).Elem(), true)
	if f.set([]metav1.Condition{{Type: "a"}}); !ok || p.State.Conds[0].Type != "a" {
		t.Errorf("%v, %+v", ok, p.State)
	}
	for _, object := range []any{&corev1.ConfigMap{}, &corev1.Pod{}, &corev1.Namespace{}, &struct {
		Status string `json:"status"`
	}{}, &struct {
		Status struct{ *common } `json:"status"`
	}{}} {
		if _, ok := conditionsOf(reflect.ValueOf(object).Elem(), false); ok {
			t.Errorf("%T has conditions", object)
		}
	}
}

func TestMistakesOfStatus(t *testing.T) {
	c, err := rest.NewClient(&rest.Config{Host: "https://server.example"})
	if err != nil {
		t.Fatal(err)
	}
	services := client.Of[corev1.Service](c).In("n")
	obj := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "a", UID: "u"}}
	good := ready(metav1.ConditionTrue, "R", "")
	for says, set := range map[string]func() (any, error){
		"the object is nil": func() (any, error) { return Status(t.Context(), services, nil, good) },
		"no uid":            func() (any, error) { return Status(t.Context(), services, &corev1.Service{}, good) },
		"has no type": func() (any, error) {
			return Status(t.Context(), services, obj, metav1.Condition{Status: "True", Reason: "R"})
		},
		"has no reason":   func() (any, error) { return Status(t.Context(), services, obj, ready("True", "", "")) },
		`the status ""`:   func() (any, error) { return Status(t.Context(), services, obj, ready("", "R", "")) },
		`the status "Ok"`: func() (any, error) { return Status(t.Context(), services, obj, ready("Ok", "R", "")) },
		"*v1.Pod has no field status.conditions": func() (any, error) {
			return Status(t.Context(), client.Of[corev1.Pod](c).In("n"), &corev1.Pod{ObjectMeta: obj.ObjectMeta}, good)
		},
	} {
		if _, err := set(); !errors.As(err, new(*kind.MisuseError)) || !IsTerminal(err) || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want a terminal MisuseError that says %q", err, says)
		}
	}
}
