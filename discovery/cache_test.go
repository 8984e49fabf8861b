package discovery

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"

	"github.com/skiff-k8s/skiff/rest"
)

// server is an Interface that counts how often it is asked. Its fields are set before it is used,
// or under mu.
type server struct {
	*Client
	mu     sync.Mutex
	asked  int
	serves func(ctx context.Context, n int) (*Catalog, error) // n counts from 1
}

func newServer(serves func(ctx context.Context, n int) (*Catalog, error)) *server {
	s := &server{serves: serves}
	s.Client = &Client{source: s}
	return s
}

// stable serves the sample, however often.
func stable() *server {
	return newServer(func(context.Context, int) (*Catalog, error) { return now(sample()), nil })
}

func now(c *Catalog) *Catalog {
	c.Fetched = time.Now()
	return c
}

func (s *server) catalog(ctx context.Context, _ need) (*Catalog, error) {
	s.mu.Lock()
	s.asked++
	n := s.asked
	s.mu.Unlock()
	return s.serves(ctx, n)
}

func (s *server) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

func groups(t *testing.T, d Interface) ([]Group, error) {
	c, err := d.Catalog(t.Context())
	if c == nil {
		return nil, err
	}
	return c.Groups, err
}

func (s *server) invalidate() {}
func (s *server) serverVersion(context.Context) (*version.Info, error) {
	return &version.Info{GitVersion: "v1"}, nil
}

func TestMemoryAsksOnceForAllWhoNeedItAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(func(ctx context.Context, _ int) (*Catalog, error) {
			time.Sleep(time.Second) // of the fake clock: all callers are waiting by then
			return now(sample()), nil
		})
		m := NewMemory(s)
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if r, err := m.ForResource(t.Context(), "svc"); err != nil || r.Info.Resource != "services" {
					t.Errorf("%+v, %v", r, err)
				}
			})
		}
		wg.Wait()
		if s.count() != 1 {
			t.Errorf("50 callers made %d requests", s.count())
		}
		m.Invalidate()
		if _, err := groups(t, m); err != nil || s.count() != 2 {
			t.Errorf("after Invalidate: %v, %d requests", err, s.count())
		}
	})
}

func TestMemoryGivesAllWaitersTheServersErrorAndKeepsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := errors.New("down")
		s := newServer(func(ctx context.Context, n int) (*Catalog, error) {
			time.Sleep(time.Second)
			if n == 1 {
				return nil, down
			}
			return now(sample()), nil
		})
		m := NewMemory(s)
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				if c, err := m.Catalog(t.Context()); !errors.Is(err, down) || c != nil {
					t.Errorf("%v, %v", c, err)
				}
			})
		}
		wg.Wait()
		if s.count() != 1 {
			t.Errorf("%d requests", s.count())
		}
		if _, err := m.Catalog(t.Context()); err != nil {
			t.Errorf("the error was kept: %v", err)
		}
	})
}

func TestMemoryDoesNotFailOthersWhenOneGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(func(ctx context.Context, _ int) (*Catalog, error) {
			select {
			case <-ctx.Done():
				return nil, fmt.Errorf("asking: %w", ctx.Err())
			case <-time.After(time.Minute):
				return now(sample()), nil
			}
		})
		m := NewMemory(s)
		first, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := m.Catalog(first); !errors.Is(err, context.Canceled) {
				t.Errorf("who gave up gets %v", err)
			}
		})
		synctest.Wait()
		wg.Go(func() {
			if c, err := m.Catalog(t.Context()); err != nil || c == nil {
				t.Errorf("who did not give up gets %v", err)
			}
		})
		third, cancelThird := context.WithCancelCause(t.Context())
		wg.Go(func() {
			if _, err := m.Catalog(third); err == nil || !strings.Contains(err.Error(), "tired") {
				t.Errorf("who gave up waiting gets %v", err)
			}
		})
		synctest.Wait()
		cancelThird(errors.New("tired"))
		synctest.Wait()
		cancel()
		wg.Wait()
		if s.count() != 2 {
			t.Errorf("%d requests", s.count())
		}
	})
}

func TestMemoryDoesNotKeepWhatWasAskedBeforeInvalidate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(func(ctx context.Context, n int) (*Catalog, error) {
			c := now(sample())
			if n == 1 {
				c.Groups = c.Groups[:1]
				time.Sleep(time.Second) // so that it comes last
			}
			time.Sleep(time.Second)
			return c, nil
		})
		m := NewMemory(s)
		var wg sync.WaitGroup
		wg.Go(func() {
			if g, err := groups(t, m); err != nil || len(g) != 1 {
				t.Errorf("the one who asked before: %d groups, %v", len(g), err)
			}
		})
		synctest.Wait()
		m.Invalidate()
		for range 2 {
			if g, err := groups(t, m); err != nil || len(g) != 5 {
				t.Errorf("after Invalidate: %d groups, %v", len(g), err)
			}
			wg.Wait()
		}
		if s.count() != 2 {
			t.Errorf("%d requests", s.count())
		}
	})
}

func TestWhoNeedsANewerCatalogIsNotGivenTheOneThatOthersWaitFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(func(ctx context.Context, n int) (*Catalog, error) {
			c := now(sample())
			if n == 1 { // as from a disk
				c.Fetched = c.Fetched.Add(-time.Hour)
			}
			time.Sleep(time.Second)
			return c, nil
		})
		m := NewMemory(s)
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := m.Catalog(t.Context()); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		after := time.Now().Add(-time.Minute)
		if c, err := m.source.catalog(t.Context(), need{after: after, where: everywhere}); err != nil || !c.Fetched.After(after) {
			t.Errorf("fetched at %v, wanted after %v, %v", c.Fetched, after, err)
		}
		wg.Wait()
	})
}

func TestWhatIsCreatedLaterIsFoundWithoutInvalidate(t *testing.T) {
	for name, wrap := range caches(t) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				created := false
				s := newServer(func(ctx context.Context, n int) (*Catalog, error) {
					c := now(sample())
					if !created {
						c.Groups = c.Groups[:3]
					}
					return c, nil
				})
				d := wrap(s)
				backup := schema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: "Backup"}
				if _, err := d.Catalog(t.Context()); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				created = true
				if k, err := d.ByGVK(t.Context(), backup); err != nil || k.Resource != "backups" {
					t.Errorf("%+v, %v", k, err)
				}
				if s.count() != 2 {
					t.Errorf("%d requests", s.count())
				}
				// What does not exist costs one request a second, however often it is asked for.
				for range 100 {
					_, err := d.ForResource(t.Context(), "nothing")
					if !meta.IsNoMatchError(err) {
						t.Fatalf("%v is no NoMatch", err)
					}
					time.Sleep(100 * time.Millisecond)
				}
				if n := s.count() - 2; n < 9 || n > 10 {
					t.Errorf("100 lookups in 10 seconds made %d requests", n)
				}
			})
		})
	}
}

// caches are all ways to keep a catalog.
func caches(t *testing.T) map[string]func(Interface) Interface {
	return map[string]func(Interface) Interface{
		"memory": func(d Interface) Interface { return NewMemory(d) },
		"disk":   func(d Interface) Interface { return NewDisk(d, t.TempDir(), 0) },
		"both":   func(d Interface) Interface { return NewMemory(NewDisk(d, t.TempDir(), 0)) },
	}
}

func TestAPartialAnswerIsUsedAndKeptShortly(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		broken := &PartialError{Failed: map[schema.GroupVersion]error{{Group: "metrics.k8s.io", Version: "v1"}: ErrStale}}
		s := newServer(func(context.Context, int) (*Catalog, error) { return now(sample()), broken })
		m := NewMemory(NewDisk(s, dir, 0))
		for range 3 {
			versions, err := m.Resources(t.Context())
			if err != error(broken) || len(versions) != 6 {
				t.Errorf("%d group versions, %v", len(versions), err)
			}
		}
		if r, err := m.ForResource(t.Context(), "deployments"); err != nil || r.Info.Group != "apps" {
			t.Errorf("what is there: %+v, %v", r, err)
		}
		if s.count() != 1 {
			t.Errorf("%d requests", s.count())
		}
		// What is not there may be in the group that does not answer, or cannot be.
		var partial *PartialError
		if _, err := m.ForResource(t.Context(), "podmetrics"); !errors.As(err, &partial) || meta.IsNoMatchError(err) {
			t.Errorf("a name that may be in the missing group: %v", err)
		}
		if _, err := m.ByGVK(t.Context(), schema.GroupVersionKind{Group: "metrics.k8s.io", Kind: "PodMetrics"}); !errors.Is(err, ErrStale) {
			t.Errorf("a kind of the missing group: %v", err)
		}
		if _, err := m.ByGVK(t.Context(), schema.GroupVersionKind{Group: "apps", Kind: "Pod"}); !meta.IsNoMatchError(err) {
			t.Errorf("a kind of a group that answered: %v", err)
		}
		before := s.count()
		time.Sleep(partialTTL)
		if _, err := m.Resources(t.Context()); err == nil || s.count() != before+1 {
			t.Errorf("after %v: %v, %d requests more", partialTTL, err, s.count()-before)
		}
	})
	if left := strangers(t, dir); len(left) != 0 {
		t.Errorf("on disk: %v", left)
	}
}

func TestTheSecondProcessMakesNoRequest(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	first, second := stable(), stable()
	want, err := NewDisk(first, dir, 0).Catalog(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got, err := NewDisk(second, dir, 0).Catalog(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if first.count() != 1 || second.count() != 0 {
		t.Errorf("%d and %d requests", first.count(), second.count())
	}
	if !got.Fetched.Equal(want.Fetched) || !reflect.DeepEqual(got.Groups, want.Groups) {
		t.Errorf("the second got\n%+v\nthe first\n%+v", got, want)
	}
	for path, mode := range map[string]os.FileMode{dir: 0o700 | os.ModeDir, filepath.Join(dir, diskFile): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode() != mode {
			t.Errorf("%s: %v, %v; want %v", path, info.Mode(), err, mode)
		}
	}
	if left := strangers(t, dir); len(left) != 0 {
		t.Errorf("left over in the directory: %v", left)
	}
}

func TestACacheFileThatDoesNotCountIsAMiss(t *testing.T) {
	good := func(t *testing.T, dir string) []byte {
		if _, err := NewDisk(stable(), dir, 0).Catalog(t.Context()); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(filepath.Join(dir, diskFile))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	for name, damage := range map[string]func(t *testing.T, file string, data []byte) []byte{
		"cut short":      func(_ *testing.T, _ string, data []byte) []byte { return data[:len(data)/2] },
		"empty":          func(*testing.T, string, []byte) []byte { return nil },
		"null":           func(*testing.T, string, []byte) []byte { return []byte("null") },
		"no catalog":     func(*testing.T, string, []byte) []byte { return []byte(`{"format":2}`) },
		"noise":          func(*testing.T, string, []byte) []byte { return []byte("\x00\xff\x00") },
		"more at end":    func(_ *testing.T, _ string, data []byte) []byte { return append(data, "{}"...) },
		"an old format":  func(_ *testing.T, _ string, data []byte) []byte { return replace(data, `"format":2`, `"format":1`) },
		"a newer format": func(_ *testing.T, _ string, data []byte) []byte { return replace(data, `"format":2`, `"format":3`) },
		"from the future": func(_ *testing.T, _ string, data []byte) []byte {
			return replace(data, `"fetched":"2`, `"fetched":"3`)
		},
		"expired": func(_ *testing.T, _ string, data []byte) []byte {
			return replace(data, `"fetched":"2`, `"fetched":"1`)
		},
		"a directory": func(t *testing.T, file string, data []byte) []byte {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			if err := os.Mkdir(file, 0o700); err != nil {
				t.Fatal(err)
			}
			return data
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, diskFile)
			data := damage(t, file, good(t, dir))
			_ = os.WriteFile(file, data, 0o600) // fails for the directory
			s := stable()
			d := NewDisk(s, dir, 0)
			if c, err := d.Catalog(t.Context()); err != nil || len(c.Groups) != 5 {
				t.Errorf("%+v, %v", c, err)
			}
			if s.count() != 1 {
				t.Errorf("%d requests", s.count())
			}
			if name == "a directory" {
				return // cannot be replaced; nothing else is lost
			}
			if _, err := d.Catalog(t.Context()); err != nil || s.count() != 1 {
				t.Errorf("it was not written anew: %v, %d requests", err, s.count())
			}
		})
	}
}

func replace(data []byte, old, new string) []byte {
	out := strings.Replace(string(data), old, new, 1)
	if out == string(data) {
		panic("nothing to replace: " + old)
	}
	return []byte(out)
}

func TestTheDiskCacheExpires(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := stable()
		d := NewDisk(s, dir, 0)
		ask := func(want int) {
			t.Helper()
			if _, err := d.Catalog(t.Context()); err != nil || s.count() != want {
				t.Errorf("%v, %d requests, want %d", err, s.count(), want)
			}
		}
		ask(1)
		time.Sleep(DefaultTTL)
		ask(1)
		time.Sleep(time.Nanosecond)
		ask(2)
		d.Invalidate()
		ask(3)
		ask(3)
	})
}

func TestANegativeTTLIsNoCache(t *testing.T) {
	dir := t.TempDir()
	if _, err := NewDisk(stable(), dir, 0).Catalog(t.Context()); err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(filepath.Join(dir, diskFile))
	if err != nil {
		t.Fatal(err)
	}
	s := stable()
	d := NewDisk(s, dir, -1)
	for want := 1; want < 4; want++ {
		if _, err := d.Catalog(t.Context()); err != nil || s.count() != want {
			t.Errorf("%v, %d requests, want %d", err, s.count(), want)
		}
	}
	if now, err := os.ReadFile(filepath.Join(dir, diskFile)); err != nil || string(now) != string(written) {
		t.Errorf("the file was written: %v", err)
	}
}

// foreign is an Interface of a program's own.
type foreign struct{ Interface }

func TestACacheOfAnotherImplementation(t *testing.T) {
	for name, wrap := range caches(t) {
		s := stable()
		d := wrap(foreign{s})
		for range 2 {
			if r, err := d.ForResource(t.Context(), "deploy"); err != nil || r.Info.Group != "example.com" || s.count() != 1 {
				t.Errorf("%s: %+v, %v, %d requests", name, r, err, s.count())
			}
		}
		d.Invalidate()
		if v, err := d.ServerVersion(t.Context()); err != nil || v.GitVersion != "v1" {
			t.Errorf("%s: %v, %v", name, v, err)
		}
		if _, err := d.Catalog(t.Context()); err != nil || s.count() != 2 {
			t.Errorf("%s: after Invalidate %v, %d requests", name, err, s.count())
		}
	}
}

func TestInvalidateReachesTheCacheBehind(t *testing.T) {
	s := stable()
	m := NewMemory(NewDisk(s, t.TempDir(), 0))
	for want := 1; want < 4; want++ {
		if _, err := m.Catalog(t.Context()); err != nil || s.count() != want {
			t.Errorf("%v, %d requests, want %d", err, s.count(), want)
		}
		m.Invalidate()
	}
}

func TestTheDiskCacheDoesNotKeepWhatWasAskedBeforeInvalidate(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := newServer(func(ctx context.Context, n int) (*Catalog, error) {
			c := now(sample())
			time.Sleep(time.Second)
			return c, nil
		})
		d := NewDisk(s, dir, 0)
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = d.Catalog(t.Context()) })
		synctest.Wait()
		d.Invalidate()
		wg.Wait()
		if _, err := os.Stat(filepath.Join(dir, diskFile)); err == nil {
			t.Error("it was written")
		}
	})
}

func TestADirectoryThatCannotBeWrittenIsNoError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := NewDisk(stable(), filepath.Join(file, "dir"), 0).Catalog(t.Context()); err != nil || c == nil {
		t.Errorf("%v, %v", c, err)
	}
}

func TestManyProcessesShareADirectory(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				d := NewDisk(stable(), dir, 0)
				if c, err := d.Catalog(t.Context()); err != nil || len(c.Groups) != 5 {
					t.Errorf("%v, %v", c, err)
				}
				d.Invalidate()
			}
		})
	}
	wg.Wait()
	if left := strangers(t, dir); len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
}

// strangers returns the files in dir, and below, that are not the cache's.
func strangers(t *testing.T, dir string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() && e.Name() != diskFile && e.Name() != groupsFile && e.Name() != resourcesFile {
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTheCacheDirIsKubectls(t *testing.T) {
	base := t.TempDir()
	t.Setenv("KUBECACHEDIR", base)
	for host, want := range map[string]string{
		"https://10.0.0.1:6443":                    "10.0.0.1_6443",
		"http://10.0.0.1:8080":                     "10.0.0.1_8080",
		"https://my-gate.example.com/k8s/c-m_1":    "my_gate.example.com/k8s/c_m_1",
		"https://[::1]:6443":                       "___1__6443",
		"https://gate.example.com/clusters/../b":   "gate.example.com/clusters/__/b",
		"https://gate.example.com/../../../../tmp": "gate.example.com/__/__/__/__/tmp",
		"gate.example.com":                         "gate.example.com",
	} {
		if got := filepath.ToSlash(hostDir(host)); got != want {
			t.Errorf("%s is in %s, want %s", host, got, want)
		}
	}
	c, err := rest.NewClient(&rest.Config{Host: "https://10.0.0.1:6443"})
	if err != nil {
		t.Fatal(err)
	}
	if dir, err := CacheDir(c); err != nil || dir != filepath.Join(base, "discovery", "10.0.0.1_6443") {
		t.Errorf("%s, %v", dir, err)
	}
	if dir, err := HTTPCacheDir(); err != nil || dir != filepath.Join(base, "http") {
		t.Errorf("%s, %v", dir, err)
	}
	t.Setenv("KUBECACHEDIR", "")
	t.Setenv("HOME", base)
	if dir, err := HTTPCacheDir(); err != nil || dir != filepath.Join(base, ".kube", "cache", "http") {
		t.Errorf("%s, %v", dir, err)
	}
}
