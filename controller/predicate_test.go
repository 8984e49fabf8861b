package controller

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/informer"
)

// Each predicate against updates that an informer tells.
func TestPredicates(t *testing.T) {
	const (
		base       = `"generation":3,"labels":{"app":"web","tier":"a"},"annotations":{"note":"x"}`
		generation = `"generation":4,"labels":{"app":"web","tier":"a"},"annotations":{"note":"x"}`
		label      = `"generation":3,"labels":{"app":"db","tier":"a"},"annotations":{"note":"x"}`
		other      = `"generation":3,"labels":{"app":"web","tier":"b"},"annotations":{"note":"x"}`
		fewer      = `"generation":3,"labels":{"tier":"a"},"annotations":{"note":"x"}`
		more       = `"generation":3,"labels":{"app":"web","tier":"a","new":""},"annotations":{"note":"x"}`
		annotation = `"generation":3,"labels":{"app":"web","tier":"a"},"annotations":{"note":"y"}`
		bare       = `"generation":3,"labels":{"app":"web","tier":"a"}`
		uncounted  = `"labels":{"app":"web","tier":"a"},"annotations":{"note":"x"}`
	)
	app, note := LabelChanged("app"), AnnotationChanged("note")
	for _, tt := range []struct {
		name      string
		predicate Predicate
		old, new  string
		want      bool
	}{
		{"generation changed", GenerationChanged, base, generation, true},
		{"generation same", GenerationChanged, base, label, false},
		{"no generation", GenerationChanged, uncounted, uncounted, true},
		{"labels changed", LabelsChanged, base, other, true},
		{"labels fewer", LabelsChanged, base, fewer, true},
		{"labels more", LabelsChanged, base, more, true},
		{"labels same", LabelsChanged, base, annotation, false},
		{"label changed", app, base, label, true},
		{"label removed", app, base, fewer, true},
		{"label added", app, fewer, base, true},
		{"empty label added", LabelChanged("new"), base, more, true},
		{"another label changed", app, base, other, false},
		{"annotation changed", note, base, annotation, true},
		{"annotation removed", note, base, bare, true},
		{"annotation added", note, bare, base, true},
		{"annotation same", note, base, label, false},
		{"or: first", Or(app, note), base, label, true},
		{"or: second", Or(app, note), base, annotation, true},
		{"or: neither", Or(app, note), base, generation, false},
		{"or: none given", Or(), base, generation, false},
		{"and: both", And(LabelsChanged, app), base, label, true},
		{"and: one", And(LabelsChanged, app), base, other, false},
		{"and: none given", And(), base, base, true},
		{"not", Not(app), base, label, false},
		{"not not", Not(Not(app)), base, label, true},
		{"not or", Not(Or(app, note)), base, generation, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				s.server.set("configmaps", lists(configMap("n", "a", 5, tt.old)))
				maps := s.configMaps()
				var called int
				var got bool
				maps.AddHandler(informer.Handler[corev1.ConfigMap]{OnUpdate: func(old, new informer.Item[corev1.ConfigMap]) {
					called++
					got = tt.predicate(old.Meta(), new.Meta())
				}})
				stop, _ := start(s.factory.Run)
				synctest.Wait()
				s.server.watch("configmaps").event("MODIFIED", configMap("n", "a", 11, tt.new))
				synctest.Wait()
				if called != 1 || got != tt.want {
					t.Errorf("called %d times, it holds: %v, want %v", called, got, tt.want)
				}
				stop()
			})
		})
	}
}

// The shape that the design wants, and what several of each mean.
func TestWhenAndWhere(t *testing.T) {
	meta := func(generation int, app, zone string) string {
		return fmt.Sprintf(`"generation":%d,"labels":{"app":%q,"zone":%q}`, generation, app, zone)
	}
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		maps := s.configMaps(informer.Resync(time.Hour))
		s.server.set("configmaps", lists(configMap("n", "in", 5, meta(1, "web", "a")), configMap("n", "out", 6, meta(1, "", "a"))))
		var r record
		stop, _ := start(func(ctx context.Context) error {
			return Run(ctx, s.factory, New("test", r.reconcile, s.logger(),
				For(maps).
					When(Or(GenerationChanged, LabelChanged("app"))).
					When(Not(LabelChanged("zone"))).
					Where(func(item informer.Item[corev1.ConfigMap]) bool { return item.Labels().Has("app") }).
					Where(func(item informer.Item[corev1.ConfigMap]) bool { return item.Labels().Get("app") != "" })))
		})
		expect := func(what, want string) {
			t.Helper()
			synctest.Wait()
			if got := r.taken(); got != want {
				t.Errorf("%s: reconciled %q, want %q", what, got, want)
			}
		}
		version := 10
		send := func(kind, name, meta string) {
			version++
			s.server.watch("configmaps").event(kind, configMap("n", name, version, meta))
		}
		synctest.Wait()
		expect("the initial list", "n/in")
		send("MODIFIED", "in", meta(1, "web", "a"))
		expect("nothing that matters", "")
		send("MODIFIED", "in", meta(2, "web", "a"))
		expect("the generation", "n/in")
		send("MODIFIED", "in", meta(2, "db", "a"))
		expect("the label", "n/in")
		send("MODIFIED", "in", meta(3, "db", "b"))
		expect("the generation, and what the second When excludes", "")
		send("MODIFIED", "out", meta(2, "", "a"))
		expect("one that Where excludes", "")
		send("MODIFIED", "out", meta(2, "web", "b"))
		expect("one that comes to match, whatever When holds", "n/out")
		send("MODIFIED", "out", meta(2, "", "a"))
		expect("one that ceases to match", "n/out")
		send("ADDED", "new", meta(1, "web", "a"))
		expect("a new one", "n/new")
		send("DELETED", "new", meta(1, "web", "a"))
		expect("a deletion", "n/new")
		send("DELETED", "out", meta(2, "", "a"))
		expect("a deletion of one that did not match", "")
		time.Sleep(time.Hour)
		expect("a resync", "n/in")
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}
