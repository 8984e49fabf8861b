package client_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/faults"
	"github.com/skiff-k8s/skiff/kind"
)

func TestFinalizersInMemory(t *testing.T) {
	o := &corev1.ConfigMap{}
	shared := append(make([]string, 0, 8), "a/b")
	o.Finalizers = shared
	if !client.AddFinalizer(o, "c/d") || client.AddFinalizer(o, "c/d") || !slices.Equal(o.Finalizers, []string{"a/b", "c/d"}) {
		t.Errorf("%q", o.Finalizers)
	}
	if shared[:2][1] != "" {
		t.Error("AddFinalizer has written into memory that the object shares")
	}
	if client.RemoveFinalizer(o, "x/y") || !client.RemoveFinalizer(o, "a/b") || client.RemoveFinalizer(o, "a/b") || !slices.Equal(o.Finalizers, []string{"c/d"}) {
		t.Errorf("%q", o.Finalizers)
	}
	if !client.RemoveFinalizer(o, "c/d") || o.Finalizers != nil {
		t.Errorf("%q", o.Finalizers)
	}
}

func TestFinalizersOfSeveralWriters(t *testing.T) {
	c, ctx := connect(t), soon(t)
	maps := client.Of[corev1.ConfigMap](c).In(namespace(t, c))
	old := must(maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, metav1.CreateOptions{}))(t)
	has := func(m *corev1.ConfigMap, want ...string) {
		t.Helper()
		if now := must(maps.Get(ctx, "a", metav1.GetOptions{}))(t); !slices.Equal(now.Finalizers, want) || now.ResourceVersion != m.ResourceVersion || m.Kind != "ConfigMap" {
			t.Errorf("it has %q, want %q; returned is %+v", now.Finalizers, want, m.ObjectMeta)
		}
	}
	has(must(maps.Finalizer(ctx, old, "x.io/1", true, client.DryRun()))(t)) // none, and the version of before

	// All writers have the version without finalizers.
	has(must(maps.Finalizer(ctx, old, "x.io/1", true))(t), "x.io/1")
	has(must(maps.Finalizer(ctx, old, "x.io/2", true))(t), "x.io/1", "x.io/2")
	two := must(maps.Finalizer(ctx, old, "x.io/2", true))(t)
	has(two, "x.io/1", "x.io/2")
	three := must(maps.Finalizer(ctx, two, "x.io/3", true))(t)
	has(three, "x.io/1", "x.io/2", "x.io/3")
	has(must(maps.Finalizer(ctx, two, "x.io/1", false))(t), "x.io/2", "x.io/3")
	if len(old.Finalizers) != 0 || len(two.Finalizers) != 2 {
		t.Error("Finalizer changed what it was given")
	}
	now := must(maps.Finalizer(ctx, three, "x.io/1", false))(t)
	has(now, "x.io/2", "x.io/3")
	if same := must(maps.Finalizer(ctx, now, "x.io/2", true))(t); same != now {
		t.Error("an object that is as wanted was not returned")
	}

	if err := maps.Delete(ctx, "a", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := maps.Finalizer(ctx, now, "x.io/4", true); !apierrors.IsInvalid(err) && !apierrors.IsForbidden(err) {
		t.Errorf("adding to an object that is being deleted: %v", err)
	}
	now = must(maps.Finalizer(ctx, now, "x.io/2", false))(t)
	last := must(maps.Finalizer(ctx, now, "x.io/3", false))(t)
	if len(last.Finalizers) != 0 {
		t.Errorf("%q", last.Finalizers)
	}
	if _, err := maps.Get(ctx, "a", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("without finalizers: %v", err)
	}
	gone := must(maps.Finalizer(ctx, now, "x.io/3", false))(t)
	if len(gone.Finalizers) != 0 || gone.UID != now.UID || len(now.Finalizers) != 1 {
		t.Errorf("of a gone object: %+v", gone)
	}
	if _, err := maps.Finalizer(ctx, now, "x.io/9", true); !apierrors.IsNotFound(err) {
		t.Errorf("adding to a gone object: %v", err)
	}

	// Another object of the name is not touched.
	other := must(maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a", Finalizers: []string{"x.io/3"}}}, metav1.CreateOptions{}))(t)
	if gone := must(maps.Finalizer(ctx, now, "x.io/3", false))(t); gone.UID != now.UID || len(gone.Finalizers) != 0 {
		t.Errorf("of a replaced object: %+v", gone)
	}
	if _, err := maps.Finalizer(ctx, now, "x.io/9", true); !apierrors.IsConflict(err) || !strings.Contains(err.Error(), string(other.UID)) {
		t.Errorf("adding to a replaced object: %v", err)
	}
	has(other, "x.io/3")
	must(maps.Finalizer(ctx, other, "x.io/3", false))(t)
}

func TestFinalizerIsBounded(t *testing.T) {
	for _, failed := range []int{9, 10, 11} {
		synctest.Test(t, func(t *testing.T) {
			var answers []faults.Fault
			for i := range failed {
				answers = append(answers, faults.Status(http.StatusUnprocessableEntity), faults.JSON(`{"kind":"ConfigMap","apiVersion":"v1",
					"metadata":{"name":"a","namespace":"n","uid":"u","finalizers":["o/`+strings.Repeat("x", i)+`"]}}`))
			}
			maps, s := play(t, append(answers, configMap(8, "v"))...)
			_, err := maps.Finalizer(t.Context(), &corev1.ConfigMap{ObjectMeta: objectMeta("n", "a", "u")}, "f/f", true)
			if failed < 10 && err != nil || failed >= 10 && (!apierrors.IsConflict(err) || len(s.Requests()) != 20 || !strings.Contains(err.Error(), "after 10 tries")) {
				t.Errorf("%d: %v, %d requests", failed, err, len(s.Requests()))
			}
		})
	}
}

func TestFinalizerMisuse(t *testing.T) {
	maps := client.Of[corev1.ConfigMap](untouched(t))
	for says, o := range map[string]*corev1.ConfigMap{
		"no uid":                 {ObjectMeta: objectMeta("n", "a", "")},
		"the object is nil":      nil,
		"no namespace was given": {ObjectMeta: objectMeta("", "a", "u")},
		"metadata.name is empty": {ObjectMeta: objectMeta("n", "", "u")},
	} {
		_, err := maps.Finalizer(t.Context(), o, "f/f", true)
		_, err2 := maps.AdoptFields(t.Context(), o, "a", "b")
		for _, err := range []error{err, err2} {
			if !errors.As(err, new(*kind.MisuseError)) || !strings.Contains(err.Error(), says) {
				t.Errorf("%v, want %q", err, says)
			}
		}
	}
	for _, managers := range [][2]string{{"", "a"}, {"a", ""}} {
		if _, err := maps.AdoptFields(t.Context(), &corev1.ConfigMap{ObjectMeta: objectMeta("n", "a", "u")}, managers[0], managers[1]); !errors.As(err, new(*kind.MisuseError)) {
			t.Errorf("%q: %v", managers, err)
		}
	}
}
