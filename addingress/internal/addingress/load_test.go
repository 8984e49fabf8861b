package addingress

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/informer"
)

// Many Services at once, an API server that goes down and comes back while they
// come and go, another that crashes: at the end Services and Ingresses agree
// exactly, and the operator still works.
func TestManyServicesThroughRestartsOfTheAPIServer(t *testing.T) {
	cluster := controlplane.New(t)
	w := newWorldOn(t, cluster, cluster.Namespace(t), 8*time.Minute)
	r := w.start(func(cfg *Config) { cfg.Logger = slog.New(slog.DiscardHandler) })

	const many = 500
	begin := time.Now()
	var applies []string
	w.inParallel(many, func(i int) {
		name := fmt.Sprint("many-", i)
		w.persist("create "+name, func() error {
			_, err := w.services.Create(w.ctx, annotatedService(name), metav1.CreateOptions{})
			return err
		}, apierrors.IsAlreadyExists)
	})
	for i := range many {
		applies = append(applies, fmt.Sprint("apply ingresses/many-", i))
	}
	w.agree(many)
	t.Logf("%d Services have their Ingresses after %v", many, time.Since(begin).Round(time.Millisecond))
	r.settled("many-0")
	r.wrote(applies...)

	for what, fault := range map[string]func(context.Context) error{
		"restart": cluster.RestartAPIServer,
		"crash": func(ctx context.Context) error {
			return errors.Join(cluster.KillAPIServer(ctx), cluster.StartAPIServer(ctx))
		},
	} {
		over := make(chan struct{})
		var faulty sync.WaitGroup
		faulty.Go(func() {
			defer close(over)
			begin := time.Now()
			if err := fault(w.ctx); err != nil {
				t.Errorf("%s: %v", what, err)
			}
			t.Logf("%s: the API server is back after %v", what, time.Since(begin).Round(time.Millisecond))
		})
		left := w.churn(what, over)
		faulty.Wait()
		if t.Failed() {
			return
		}
		begin := time.Now()
		w.agree(many + left)
		t.Logf("%s: %d Services and their Ingresses agree %v later", what, many+left, time.Since(begin).Round(time.Millisecond))

		// No informer is stuck: what comes now is seen, and work in the old ones too.
		canary := w.service("canary-after-"+what, exposed)
		w.hasIngress(canary)
		w.deleteIngress("many-1")
		w.agree(many + left + 1)
		r.settled("many-1")
		w.deleteService(canary.Name)
		w.noIngress(canary.Name)
		w.removeChurned(what)
		w.agree(many)
		for _, i := range r.op.factory.Informers() {
			if s := i.Status(); s.Failures != 0 || s.State != "watching" {
				t.Errorf("after the %s %s is %s: %d failures, %v", what, i, s.State, s.Failures, s.LastError)
			}
		}
	}

	// Quiet again: nothing is written to what is right.
	r.settled("many-2")
	r.mu.Lock()
	r.requests = nil
	r.mu.Unlock()
	for i := range 10 {
		r.settled(fmt.Sprint("many-", i))
	}
	r.wrote()
}

func annotatedService(name string) *corev1.Service {
	svc := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
	}
	exposed(svc)
	return svc
}

// churn has Services come, change and go until over is closed and a good number of
// times. It returns how many annotated ones it leaves behind.
func (w *world) churn(prefix string, over <-chan struct{}) (left int) {
	const writers, atLeast = 8, 20
	var mu sync.Mutex
	w.inParallel(writers, func(writer int) {
		for n := 0; ; n++ {
			select {
			case <-over:
				if n >= atLeast {
					return
				}
			case <-w.ctx.Done():
				return
			default:
			}
			name := fmt.Sprintf("%s-%d-%d", prefix, writer, n)
			w.persist("create "+name, func() error {
				svc := annotatedService(name)
				svc.Labels = map[string]string{"churned": prefix}
				_, err := w.services.Create(w.ctx, svc, metav1.CreateOptions{})
				return err
			}, apierrors.IsAlreadyExists)
			switch n % 4 {
			case 0:
				w.persist("delete "+name, func() error {
					return w.services.Delete(w.ctx, name, metav1.DeleteOptions{})
				}, apierrors.IsNotFound)
				continue
			case 1:
				w.persist("delete the Ingress of "+name, func() error {
					return w.ingresses.Delete(w.ctx, name, metav1.DeleteOptions{})
				}, apierrors.IsNotFound)
			case 2:
				w.persist("take the annotation of "+name, func() error {
					_, err := w.services.Patch(w.ctx, name, types.MergePatchType,
						[]byte(`{"metadata":{"annotations":null}}`), metav1.PatchOptions{})
					return err
				})
				continue
			}
			mu.Lock()
			left++
			mu.Unlock()
		}
	})
	return left
}

func (w *world) removeChurned(prefix string) {
	list, err := w.services.List(w.ctx, metav1.ListOptions{LabelSelector: "churned=" + prefix})
	if err != nil {
		w.t.Fatal(err)
	}
	w.inParallel(len(list.Items), func(i int) {
		w.persist("delete", func() error {
			return w.services.Delete(w.ctx, list.Items[i].Name, metav1.DeleteOptions{})
		}, apierrors.IsNotFound)
	})
}

// inParallel calls f with 0 to n-1, many at a time.
func (w *world) inParallel(n int, f func(int)) {
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(n, 20) {
		workers.Go(func() {
			for i := range next {
				f(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	workers.Wait()
}

// persist does something until it works, or fails in a way that says that it did.
func (w *world) persist(what string, do func() error, done ...func(error) bool) {
	for {
		err := do()
		if err == nil || slices.ContainsFunc(done, func(is func(error) bool) bool { return is(err) }) {
			return
		}
		select {
		case <-time.After(50 * time.Millisecond): // the pace of asking a server that is down
		case <-w.ctx.Done():
			w.t.Errorf("%s: %v", what, err)
			return
		}
	}
}

// agree waits until there are n annotated Services, and just they have their
// Ingresses: in what the test sees, which tells when to look, and then, since that
// may be late, at the API server.
func (w *world) agree(n int) {
	w.t.Helper()
	w.until(fmt.Sprint(n, " Ingresses that agree with their Services"), func() error {
		if seen, err := w.seenIngresses.Len(informer.Query{Namespace: w.namespace}); err != nil || seen != n {
			return fmt.Errorf("there are %d (%v)", seen, err)
		}
		seenServices, err1 := w.seenServices.List(informer.Query{Namespace: w.namespace})
		seenIngresses, err2 := w.seenIngresses.List(informer.Query{Namespace: w.namespace})
		if err := errors.Join(err1, err2, agreement(w.t, values(seenServices), values(seenIngresses), n)); err != nil {
			return err
		}
		services, err1 := w.services.List(w.ctx, metav1.ListOptions{})
		ingresses, err2 := w.ingresses.List(w.ctx, metav1.ListOptions{})
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		if err := agreement(w.t, services.Items, ingresses.Items, n); err != nil {
			return fmt.Errorf("the API server says: %w", err)
		}
		return nil
	})
}

func values[T any](pointers []*T) []T {
	var all []T
	for _, p := range pointers {
		all = append(all, *p)
	}
	return all
}

// agreement compares what there is with the rule.
func agreement(t *testing.T, services []corev1.Service, ingresses []networkingv1.Ingress, n int) error {
	s := testSettings(t, DefaultHostTemplate, "")
	want := map[string]*networkingv1.Ingress{}
	for i := range services {
		if services[i].Annotations[Annotation] == annotationOn {
			ing, p := s.desired(&services[i])
			if p != nil {
				return errors.New(p.note)
			}
			want[services[i].Name] = ing
		}
	}
	if len(want) != n {
		return fmt.Errorf("%d annotated Services", len(want))
	}
	for i := range ingresses {
		ing := &ingresses[i]
		if want[ing.Name] == nil {
			return fmt.Errorf("Ingress %s without a Service", ing.Name)
		}
		if !upToDate(ing, want[ing.Name]) {
			return fmt.Errorf("Ingress %s is\n%s\nwant\n%s", ing.Name, asYAML(ing), asYAML(want[ing.Name]))
		}
		delete(want, ing.Name)
	}
	if len(want) > 0 {
		return fmt.Errorf("%d Services without an Ingress, such as %s", len(want), slices.Sorted(maps.Keys(want))[0])
	}
	return nil
}
