package controller

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/informer"
)

// A change that leaves version and generation as they were (a default that a schema gained) is
// reconciled whatever the predicates compare. The server's repetition of an object is not.
func TestAChangeThatKeepsTheVersionIsReconciled(t *testing.T) {
	versionChanged := func(old, new informer.Meta) bool {
		return old.ResourceVersion() != new.ResourceVersion()
	}
	for name, predicate := range map[string]Predicate{
		"no predicate":       And(),
		"generation changed": GenerationChanged,
		"version changed":    versionChanged,
		"labels changed":     LabelsChanged,
		"never":              Or(),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				maps := s.configMaps(informer.Resync(time.Minute))
				var resyncs, changes int
				maps.AddHandler(informer.Handler[corev1.ConfigMap]{
					OnAdd: func(item informer.Item[corev1.ConfigMap]) {
						if item.Resync() {
							t.Error("an OnAdd is part of a resync")
						}
					},
					OnUpdate: func(old, new informer.Item[corev1.ConfigMap]) {
						if old.Resync() != new.Resync() {
							t.Error("old and new disagree about the resync")
						}
						if new.Resync() {
							resyncs++
						} else {
							changes++
						}
					},
				})
				const before, after = `"generation":1`, `"generation":1,"annotations":{"a":"blue"}`
				s.server.set("configmaps", lists(configMap("n", "a", 5, before)))
				var r record
				stop, _ := start(func(ctx context.Context) error {
					return Run(ctx, s.factory, New("test", r.reconcile, s.logger(),
						For(maps).When(predicate)))
				})
				expect := func(what, want string) {
					t.Helper()
					synctest.Wait()
					if got := r.taken(); got != want {
						t.Errorf("%s: reconciled %q, want %q", what, got, want)
					}
				}
				expect("the list", "n/a")
				s.server.watch("configmaps").event("MODIFIED", configMap("n", "a", 5, after))
				expect("other bytes at the same version", "n/a")
				s.server.watch("configmaps").event("MODIFIED", configMap("n", "a", 5, after))
				expect("the same event again", "")
				time.Sleep(time.Minute)
				expect("a resync", "n/a")
				if resyncs != 1 || changes != 1 {
					t.Errorf("the handler was told of %d resyncs and %d changes, not one each",
						resyncs, changes)
				}
				if err := stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
