package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/workqueue"
)

// host is a key that names no object.
type host struct {
	zone string
	n    int
}

// hosts notes the hosts that are reconciled.
type hosts struct {
	mu   sync.Mutex
	keys []string
}

func (h *hosts) reconcile(_ context.Context, key host) (Result, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.keys = append(h.keys, fmt.Sprint(key))
	return Result{}, nil
}

func (h *hosts) taken() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	keys := h.keys
	h.keys = nil
	slices.Sort(keys)
	return strings.Join(keys, " ")
}

// hostOf gives two ConfigMaps of one namespace one host.
func hostOf(item informer.Item[corev1.ConfigMap]) []host {
	return []host{{item.Namespace(), len(item.Name())}}
}

func TestAControllerOfKeysOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.server.set("configmaps", lists(configMap("n", "a", 5), configMap("n", "b", 6), configMap("n", "cc", 7)))
		var r hosts
		limited := 0
		c := NewKeyed("hosts", func(ctx context.Context, key host) (Result, error) {
			if key.n == 2 && limited < 2 {
				limited++
				return Result{}, errTest
			}
			return r.reconcile(ctx, key)
		}, s.logger(), Watches(s.configMaps(), hostOf), RateLimiter(workqueue.Exponential[host](time.Minute, time.Hour)))
		stop, _ := start(func(ctx context.Context) error { return Run(ctx, s.factory, c) })
		time.Sleep(time.Second)
		if got := r.taken(); got != "{n 1}" {
			t.Errorf("reconciled %s", got)
		}
		time.Sleep(time.Hour)
		if got := r.taken(); got != "{n 2}" {
			t.Errorf("after retries: reconciled %s", got)
		}
		s.server.watch("configmaps").event("MODIFIED", configMap("n", "b", 12))
		time.Sleep(time.Second)
		if got := r.taken(); got != "{n 1}" {
			t.Errorf("after an event: reconciled %s", got)
		}
		if err := c.ReconcileAll(nil); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
		if got := r.taken(); got != "{n 1} {n 2}" {
			t.Errorf("ReconcileAll: reconciled %s", got)
		}
		if s.log.count(`key="{n 2}"`) != 2 {
			t.Errorf("log:\n%s", &s.log.buf)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// A key of one's own is held for its own writes.
func TestKeysOfOnesOwnAreHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r hosts
		c := NewKeyed("hosts", r.reconcile, Channel(make(chan host)))
		l := c.loop.(*loop[host])
		v := c.holds.newView()
		c.holds.hold(host{"z", 1}, []demand{{view: v, version: 7, met: unmet}})
		l.queue.Add(host{"z", 1})
		key, _ := l.queue.Get(t.Context())
		l.turn(t.Context(), key)
		if got := r.taken(); got != "" || c.Stats().Held != 1 {
			t.Errorf("reconciled %s while held", got)
		}
		v.contains(7)
		if key, err := l.queue.Get(t.Context()); key != (host{"z", 1}) || err != nil {
			t.Errorf("released %v, %v", key, err)
		}
		c.holds.stop()
	})
}

func TestReconcileAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.server.set("configmaps", lists(configMap("n", "a", 5, `"labels":{"team":"x"}`), configMap("n", "b", 6),
			configMap("n", "hidden", 7, `"labels":{"team":"x"}`)))
		s.server.set("secrets", lists(strings.ReplaceAll(configMap("n", "s", 7), "ConfigMap", "Secret")))
		var r record
		var h history
		c := New("test", r.reconcile, s.logger(),
			For(s.configMaps()).Where(func(i informer.Item[corev1.ConfigMap]) bool { return i.Name() != "hidden" }),
			Watches(s.secrets(), func(informer.Item[corev1.Secret]) []Key { return []Key{{Name: "of-secret"}} }))
		if err := c.ReconcileAll(nil); !isNotSynced(err) || !strings.Contains(err.Error(), `controller "test"`) {
			t.Errorf("before its caches are in sync: %v", err)
		}
		stop, _ := start(func(ctx context.Context) error { return Run(ctx, s.factory, c) })
		time.Sleep(time.Minute)
		r.taken()
		for want, filter := range map[string]func(informer.Meta) bool{
			"n/a n/b": nil,
			"n/a":     func(m informer.Meta) bool { return m.Labels().Has("team") },
			"":        func(informer.Meta) bool { return false },
		} {
			if err := c.ReconcileAll(filter); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Second)
			if got := r.taken(); got != want {
				t.Errorf("reconciled %q, want %q", got, want)
			}
		}
		defer c.Observe(h.observer())()
		if err := c.ReconcileAll(func(m informer.Meta) bool { return m.Name() == "b" }); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if want := "0s n/b named by ReconcileAll: configmaps n/b , low true"; len(h.lines) == 0 || h.lines[0] != want {
			t.Errorf("%q, want %q", h.lines, want)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func isNotSynced(err error) bool {
	var n *informer.NotSyncedError
	return errors.As(err, &n)
}

func TestChannelNamesKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		ch := make(chan Key)
		var r record
		c := New("test", r.reconcile, s.logger(), For(s.configMaps()), Channel(ch))
		stop, _ := start(func(ctx context.Context) error { return Run(ctx, s.factory, c) })
		ch <- keyA
		time.Sleep(time.Second)
		if got := r.taken(); got != "n/a" {
			t.Errorf("reconciled %q", got)
		}
		close(ch) // the controller goes on
		s.server.watch("configmaps").event("ADDED", configMap("n", "b", 11))
		time.Sleep(time.Minute)
		if got := r.taken(); got != "n/b" {
			t.Errorf("after the end of the channel: reconciled %q", got)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// Run waits for a function of Feed, and ends with its error or panic.
func TestFeed(t *testing.T) {
	feeds := map[string]struct {
		f    func(ctx context.Context, name func(host)) error
		says string
	}{
		"until the stop": {func(ctx context.Context, name func(host)) error {
			name(host{"z", 1})
			<-ctx.Done()
			time.Sleep(time.Second)
			return ctx.Err()
		}, ""},
		"until it has no more":   {func(_ context.Context, name func(host)) error { name(host{"z", 1}); return nil }, ""},
		"until an error":         {func(_ context.Context, name func(host)) error { name(host{"z", 1}); return errTest }, errTest.Error()},
		"until a panic":          {func(_ context.Context, name func(host)) error { name(host{"z", 1}); panic("scripted") }, "panic: scripted"},
		"an error after the end": {func(ctx context.Context, name func(host)) error { name(host{"z", 1}); <-ctx.Done(); return errTest }, errTest.Error()},
	}
	for what, tt := range feeds {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				var r hosts
				ended := false
				c := NewKeyed("hosts", func(ctx context.Context, key host) (Result, error) {
					time.Sleep(time.Second)
					return r.reconcile(ctx, key)
				}, s.logger(), Feed(func(ctx context.Context, name func(host)) error {
					defer func() { ended = true }()
					return tt.f(ctx, name)
				}))
				stop, result := start(func(ctx context.Context) error { return Run(ctx, s.factory, c) })
				time.Sleep(time.Minute)
				var err error
				select {
				case err = <-result:
				default:
					if strings.HasPrefix(what, "until a") { // an error, a panic
						t.Error("Run goes on without the function")
					}
					err = stop()
				}
				if !ended || tt.says == "" && (err != nil || r.taken() != "{z 1}") {
					t.Errorf("ended: %v; Run returns %v", ended, err)
				}
				if tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), `controller "hosts"`)) {
					t.Errorf("Run returns %v, want an error that says %q", err, tt.says)
				}
			})
		})
	}
}

func TestMistakesOfKeys(t *testing.T) {
	noHosts := func(context.Context, host) (Result, error) { return Result{}, nil }
	for _, tt := range []struct {
		says string
		make func(s *stage) *Controller
	}{
		{"it has no source", func(*stage) *Controller { return NewKeyed("test", noHosts) }},
		{"its Reconcile is nil", func(*stage) *Controller { return NewKeyed[host]("test", nil, Channel(make(chan host))) }},
		{"For: the keys of NewKeyed name no objects", func(s *stage) *Controller { return NewKeyed("test", noHosts, For(s.configMaps())) }},
		{"Owns: the keys of NewKeyed name no objects", func(s *stage) *Controller { return NewKeyed("test", noHosts, Owns(s.configMaps())) }},
		{"Watches: its keys are of type controller.host", func(s *stage) *Controller {
			return New("test", noop, For(s.secrets()), Watches(s.configMaps(), hostOf))
		}},
		{"Channel: its keys are of type string", func(s *stage) *Controller { return NewKeyed("test", noHosts, Channel(make(chan string))) }},
		{"Channel: it is nil", func(s *stage) *Controller { return NewKeyed("test", noHosts, Channel[host](nil)) }},
		{"Feed: it is nil", func(s *stage) *Controller { return NewKeyed("test", noHosts, Feed[host](nil)) }},
		{"does not limit keys of type controller.host", func(s *stage) *Controller {
			return NewKeyed("test", noHosts, Channel(make(chan host)), RateLimiter(workqueue.Exponential[Key](0, 0)))
		}},
		{"AnyOwner is for Owns only", func(s *stage) *Controller { return New("test", noop, For(s.configMaps()).AnyOwner()) }},
	} {
		synctest.Test(t, func(t *testing.T) {
			if err := tt.make(newStage(t)).Run(t.Context()); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Run returns %v, want an error that says %q", err, tt.says)
			}
		})
	}
}

func TestAnyOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		ref := func(kind, name, more string) string {
			return fmt.Sprintf(`{"apiVersion":"v1","kind":%q,"name":%q,"uid":"u"%s}`, kind, name, more)
		}
		owned := func(name string, version int, refs ...string) string {
			return strings.ReplaceAll(configMap("n", name, version, `"ownerReferences":[`+strings.Join(refs, ",")+`]`),
				`{"kind":"ConfigMap","apiVersion":"v1","metadata"`, `{"kind":"Secret","apiVersion":"v1","metadata"`)
		}
		s.server.set("secrets", lists(
			owned("one", 5, ref("ConfigMap", "a", `,"controller":true`), ref("ConfigMap", "b", ""), ref("Pod", "p", "")),
			owned("none", 6)))
		for _, tt := range []struct {
			any  bool
			want string
		}{{false, "n/a"}, {true, "n/a n/b"}} {
			s.factory = informer.NewFactory(s.factory.Client(), informer.JSON())
			var r record
			owns := Owns(s.secrets())
			if tt.any {
				owns = owns.AnyOwner()
			}
			c := New("test", r.reconcile, s.logger(), For(s.configMaps()), owns)
			stop, _ := start(func(ctx context.Context) error { return Run(ctx, s.factory, c) })
			time.Sleep(time.Second)
			if got := r.taken(); got != tt.want {
				t.Errorf("any owner %v: reconciled %q, want %q", tt.any, got, tt.want)
			}
			if tt.any { // an owner that is removed, and one that comes
				s.server.watch("secrets").event("MODIFIED", owned("one", 11, ref("ConfigMap", "c", "")))
				time.Sleep(time.Second)
				if got := r.taken(); got != "n/a n/b n/c" {
					t.Errorf("after an update: reconciled %q", got)
				}
			}
			if err := stop(); err != nil {
				t.Error(err)
			}
		}
	})
}
