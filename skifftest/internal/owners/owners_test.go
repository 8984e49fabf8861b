package owners

import (
	"reflect"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/skiff-k8s/skiff/skifftest/internal/schema"
)

// times returns the time of each manager's entry.
func times(o map[string]any) map[string]string {
	all := map[string]string{}
	for _, e := range (&unstructured.Unstructured{Object: o}).GetManagedFields() {
		all[e.Manager] = e.Time.UTC().Format(time.TimeOnly)
	}
	return all
}

// An entry has the clock's time at which its fields last changed: a write that changes nothing keeps it.
func TestTimes(t *testing.T) {
	now := time.Date(2031, 1, 2, 3, 4, 5, 6, time.UTC)
	m := New(schema.Builtin(), func() time.Time { return now })
	apply := func(live map[string]any, manager, data string) map[string]any {
		o, err := m.Apply(configMap, "", live, []byte("{apiVersion: v1, kind: ConfigMap, metadata: {name: x}, data: "+data+"}"), manager, false)
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	update := func(live map[string]any, manager, key string) map[string]any {
		next := copied(live)
		if err := unstructured.SetNestedField(next.Object, "v", "data", key); err != nil {
			t.Fatal(err)
		}
		o, err := m.Update(configMap, "", live, next.Object, manager)
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	first := apply(nil, "one", "{a: b}")
	now = now.Add(time.Minute)
	again := apply(first, "one", "{a: b}")
	if !reflect.DeepEqual(first, again) {
		t.Errorf("the same apply changes %v to %v", first, again)
	}
	second := update(first, "two", "c")
	if got, want := times(second), map[string]string{"one": "03:04:05", "two": "03:05:05"}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	now = now.Add(time.Minute)
	if third := update(second, "two", "c"); !reflect.DeepEqual(third, second) {
		t.Errorf("the same update changes %v to %v", second, third)
	}
	third := update(apply(second, "one", "{a: b, d: e}"), "two", "f")
	if got, want := times(third), map[string]string{"one": "03:06:05", "two": "03:06:05"}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// At most ten managers have an entry for their updates; the oldest are merged.
func TestTenManagers(t *testing.T) {
	now := time.Date(2031, 1, 2, 3, 4, 5, 0, time.UTC)
	m := New(schema.Builtin(), func() time.Time { return now })
	var live map[string]any
	for i, want := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10} {
		name := string(rune('a' + i))
		next := map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "x", "uid": "1"}}
		if live != nil {
			next = copied(live).Object
		}
		if err := unstructured.SetNestedField(next, "v", "data", name); err != nil {
			t.Fatal(err)
		}
		var err error
		if live, err = m.Update(configMap, "", live, next, name); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Second)
		all := times(live)
		if _, merged := all["ancient-changes"]; len(all) != want || merged != (i >= 10) {
			t.Errorf("after %d managers: %v", i+1, all)
		}
	}
}

func TestConcurrently(t *testing.T) {
	m := New(schema.Builtin(), nil)
	live, err := m.Apply(deployment, "", nil, []byte("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}"+deploymentSpec), "one", false)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if _, err := m.Apply(deployment, "", live, []byte("{apiVersion: apps/v1, kind: Deployment, metadata: {name: x}, spec: {paused: true}}"), "two", false); err != nil {
				t.Error(err)
			}
			if _, err := m.Update(deployment, "", live, copied(live).Object, "three"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestStrict(t *testing.T) {
	if err := Strict([]byte("{a: b, c: d}")); err != nil {
		t.Error(err)
	}
	if s := statusOf(Strict([]byte("{a: b, a: d}"))); s.Code != 400 {
		t.Errorf("a field twice: %v", s)
	}
}
