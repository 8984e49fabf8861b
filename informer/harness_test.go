package informer_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/rest"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

// testContext ends with the test, or when the test has taken too long.
func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func newClient(t *testing.T, cfg *rest.Config) *rest.Client {
	t.Helper()
	cfg.Logger = slog.New(slog.DiscardHandler)
	c, err := rest.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// run starts a factory and makes sure that it ends with the test.
func run(t *testing.T, ctx context.Context, f *informer.Factory) {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	if err := f.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		f.Wait()
	})
	if err := f.WaitForSync(ctx); err != nil {
		t.Fatal(err)
	}
}

// model is what a handler has been told: it checks each call against those before.
type model[T any] struct {
	name string

	mu       sync.Mutex
	known    map[string]string // key: uid/resourceVersion
	breaches []string
	counts   map[string]int
	changed  chan struct{}
}

func newModel[T any](name string) *model[T] {
	return &model[T]{name: name, known: map[string]string{}, counts: map[string]int{}, changed: make(chan struct{})}
}

func state[T any](i informer.Item[T]) string { return i.UID() + "/" + i.ResourceVersion() }

func (m *model[T]) handler() informer.Handler[T] {
	return informer.Handler[T]{
		OnAdd: func(item informer.Item[T]) {
			m.step("add", item.Key(), "", state(item))
		},
		OnUpdate: func(old, new informer.Item[T]) {
			m.step("update", new.Key(), state(old), state(new))
		},
		OnDelete: func(last informer.Item[T]) {
			m.step("delete", last.Key(), last.UID(), "")
		},
	}
}

func (m *model[T]) step(what, key, from, to string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at, known := m.known[key]
	switch {
	case what == "add" && known,
		what == "update" && (!known || at != from),
		what == "delete" && (!known || at[:len(from)] != from):
		m.breaches = append(m.breaches, fmt.Sprintf("%s of %s from %q to %q, but the handler knew %q", what, key, from, to, at))
	}
	m.counts[what]++
	if to == "" {
		delete(m.known, key)
	} else {
		m.known[key] = to
	}
	close(m.changed)
	m.changed = make(chan struct{})
}

// waitFor waits until the handler knows exactly want, and fails the test for every illegal step.
func (m *model[T]) waitFor(t *testing.T, ctx context.Context, want map[string]string) {
	t.Helper()
	for {
		m.mu.Lock()
		same, changed, have := maps.Equal(m.known, want), m.changed, len(m.known)
		breaches := m.breaches
		m.mu.Unlock()
		for _, b := range breaches[:min(len(breaches), 10)] {
			t.Errorf("%s: %s", m.name, b)
		}
		if same || len(breaches) > 0 {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.Fatalf("%s: knows %d objects, not the %d that there are: %v", m.name, have, len(want), context.Cause(ctx))
		}
	}
}

// differs returns how what the handler knows differs from want, and each illegal step; "" if it does
// not.
func (m *model[T]) differs(want map[string]string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case len(m.breaches) > 0:
		return fmt.Sprint(m.breaches)
	case !maps.Equal(m.known, want):
		return fmt.Sprintf("the server has %v, the handler knows %v", want, m.known)
	}
	return ""
}

func (m *model[T]) count(what string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.counts[what]
}

func pod(name string) *corev1.Pod {
	no := false
	return &corev1.Pod{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Labels: map[string]string{"app": "web", "name": name},
			Annotations: map[string]string{"note": "of " + name},
		},
		Spec: corev1.PodSpec{
			AutomountServiceAccountToken: &no,
			Containers:                   []corev1.Container{{Name: "main", Image: "example.com/main:1"}},
		},
	}
}

func configMap(name, value string) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Data:       map[string]string{"value": value},
	}
}

// parallel calls f for 0 to n-1, some at a time.
func parallel(n int, f func(int)) {
	var wg sync.WaitGroup
	next := make(chan int)
	for range 32 {
		wg.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}

// views is Lister.Views as an iterator, for a test that looks at one object after the other.
func views[T any](l informer.Lister[T], q informer.Query) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		enough := errors.New("enough")
		err := l.Views(q, func(object *T) error {
			if !yield(object, nil) {
				return enough
			}
			return nil
		})
		if err != nil && err != enough {
			yield(nil, err)
		}
	}
}
