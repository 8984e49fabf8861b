package informer_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
)

func TestOnProgressComesAfterTheStore(t *testing.T) {
	play(t, func(s *scene) {
		w := s.synced()
		var seen []string
		stop := s.maps.OnProgress(func(version string) {
			item, _ := s.maps.Lister().Item("ns", "a")
			seen = append(seen, version+" with "+item.ResourceVersion())
			if !s.maps.Contains(version) {
				t.Error("told of a version that is not contained")
			}
		})
		w.event("MODIFIED", object("a", "ua", "11"))
		synctest.Wait()
		w.bookmark("15")
		synctest.Wait()
		stop()
		w.bookmark("16")
		synctest.Wait()
		if len(seen) != 2 || seen[0] != "11 with 11" || seen[1] != "15 with 11" {
			t.Errorf("told %q", seen)
		}
	})
}

func TestWaitFor(t *testing.T) {
	play(t, func(s *scene) {
		w := s.synced()
		done := make(chan error, 1)
		go func() { done <- s.maps.WaitFor(s.ctx, "12") }()
		w.event("MODIFIED", object("a", "ua", "11"))
		synctest.Wait()
		select {
		case err := <-done:
			t.Fatalf("did not wait: %v", err)
		default:
		}
		w.event("MODIFIED", object("a", "ua", "12"))
		if err := <-done; err != nil {
			t.Error(err)
		}
		for _, any := range []string{"", "0", "3", "9", "12"} {
			if err := s.maps.WaitFor(s.ctx, any); err != nil {
				t.Errorf("waiting for %q: %v", any, err)
			}
		}
		var opaque *informer.OpaqueVersionError
		if err := s.maps.WaitFor(s.ctx, "v-abc"); !errors.As(err, &opaque) || !s.maps.Contains("v-abc") {
			t.Errorf("a version that nobody can compare: %v", err)
		}
		short, cancel := context.WithTimeout(s.ctx, time.Millisecond)
		defer cancel()
		if err := s.maps.WaitFor(short, "99"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

// A version that no event brings is asked for, once, and the watch that tells is a short one.
func TestAVersionThatDoesNotComeIsAskedFor(t *testing.T) {
	play(t, func(s *scene) {
		s.synced()
		done := make(chan error, 1)
		go func() { done <- s.maps.WaitFor(s.ctx, "50") }()
		s.next("list,fieldSelector=metadata.name=-,resourceVersion=50,resourceVersionMatch=NotOlderThan").list("51", "")
		w := s.next("watch,resourceVersion=10,timeoutSeconds=4").watch()
		w.bookmark("51")
		if err := <-done; err != nil {
			t.Error(err)
		}
		w.end()
		s.next("watch,resourceVersion=51")
	})
}

// The same holds for a version that somebody began to wait for while the list was streaming.
func TestAVersionThatIsWaitedForDuringTheList(t *testing.T) {
	play(t, func(s *scene) {
		w := s.next("watch,sendInitialEvents=true").watch()
		w.event("ADDED", object("a", "ua", "5"))
		done := make(chan error, 1)
		go func() { done <- s.maps.WaitFor(s.ctx, "50") }()
		time.Sleep(5 * time.Second) // synctest's clock
		w.listEnd("10")
		began := time.Now()
		s.next("list,fieldSelector=metadata.name=-,resourceVersion=50,resourceVersionMatch=NotOlderThan").list("51", "")
		if d := time.Since(began); d > time.Second {
			t.Errorf("the server was asked %s after the list", d)
		}
		w = s.next("watch,resourceVersion=10,timeoutSeconds=4").watch()
		w.bookmark("51")
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// When the context ends, Wait returns, and nothing of the informer's is left (or synctest fails the
// test); who waits is told.
func TestEverythingEndsWithTheContext(t *testing.T) {
	play(t, func(s *scene) {
		w := s.synced()
		ctx, cancel := context.WithCancel(s.ctx)
		other := informer.NewFactory(s.factory.Client(), informer.JSON())
		k := kind.Info{Version: "v1", Kind: "ConfigMap", Resource: "configmaps", Namespaced: true}
		maps := informer.ForResource(other, k)
		r := maps.AddHandler(informer.Handler[unstructuredObject]{}, informer.Resync(time.Second))
		unstarted := informer.NewFactory(s.factory.Client())
		unstarted.Wait()
		for range 2 {
			if err := other.Start(ctx); err != nil {
				t.Error(err)
			}
		}
		s.next("watch").watch().event("ADDED", object("a", "ua", "5"))
		synctest.Wait()
		waits := make(chan error, 2)
		go func() { waits <- maps.WaitForSync(context.Background()) }()
		go func() { waits <- maps.WaitFor(context.Background(), "7") }()
		synctest.Wait()
		cancel()
		other.Wait()
		<-r.Done()
		for range 2 {
			if err := <-waits; err == nil {
				t.Error("who waited was told that all is well")
			}
		}
		if st := maps.Status(); st.State != "stopped" {
			t.Errorf("the state is %s", st.State)
		}
		late := maps.AddHandler(informer.Handler[unstructuredObject]{})
		<-late.Done()
		w.event("MODIFIED", object("a", "ua", "11")) // the other factory goes on
		s.knows("a=ua/11 b=ub/7")
	})
}

func TestATypeThatIsNotRegisteredIsAnError(t *testing.T) {
	type mine struct{ metav1.ObjectMeta }
	c, err := rest.NewClient(&rest.Config{Host: "https://server.example"})
	if err != nil {
		t.Fatal(err)
	}
	f := informer.NewFactory(c)
	i := informer.For[mine](f)
	i.AddHandler(informer.Handler[mine]{})
	ctx, cancel := context.WithCancel(t.Context())
	var unknown *kind.UnknownError
	if err := f.Start(ctx); !errors.As(err, &unknown) {
		t.Errorf("Start: %v", err)
	}
	if err := f.WaitForSync(ctx); !errors.As(err, &unknown) {
		t.Errorf("WaitForSync: %v", err)
	}
	if _, err := i.Lister().Get("ns", "x"); !errors.As(err, &unknown) {
		t.Errorf("Get: %v", err)
	}
	cancel()
	f.Wait()
}
