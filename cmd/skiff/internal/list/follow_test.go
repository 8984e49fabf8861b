package list_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/cmd/skiff/internal/list"
	"github.com/skiff-k8s/skiff/faults"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/wire"
)

// following is a Follower of a script's ConfigMaps.
type following struct {
	script *faults.Script
	told   []string // "ADDED a 1"
	warned []string
	tell   error // what Tell returns
	stop   context.CancelFunc
	ended  chan error
}

// follow runs test in a bubble, on the clock of synctest.
func follow(t *testing.T, test func(*testing.T, *following)) {
	synctest.Test(t, func(t *testing.T) {
		s := faults.NewScript(t)
		server := faults.Start(t, s, faults.Options{})
		c, err := rest.NewClient(&rest.Config{Host: server.URL(), Dial: server.Dial})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		f := &following{script: s, stop: stop, ended: make(chan error, 1)}
		follower := list.Follower{
			Query: list.Query{Client: c, Namespace: "ns", Chunk: 500,
				Kind: kind.Info{Version: "v1", Resource: "configmaps", Kind: "ConfigMap", Namespaced: true},
				Warn: func(text string) { f.warned = append(f.warned, text) }},
			Tell: func(c list.Change) error {
				f.told = append(f.told, strings.TrimSpace(fmt.Sprint(c.Type, " ", c.Object.Meta.Name, " ", c.Object.Meta.ResourceVersion)))
				return f.tell
			},
		}
		go func() { f.ended <- follower.Run(ctx) }()
		test(t, f)
		stop()
		c.CloseIdleConnections()
		synctest.Wait()
	})
}

// check compares what was told since the last check.
func (f *following) check(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	if !slices.Equal(f.told, want) {
		t.Errorf("told %q, want %q", f.told, want)
	}
	f.told = nil
}

func configMap(name, uid, version string) string { return faults.ConfigMap(name, uid, version) }

func TestFollowTellsWhatChanges(t *testing.T) {
	follow(t, func(t *testing.T, f *following) {
		f.script.Expect("page most recent").List("10", "", configMap("a", "u1", "5"), configMap("b", "u2", "6"))
		w := f.script.Expect("watch 10").Watch(faults.Event("MODIFIED", configMap("a", "u1", "11")),
			faults.Event("ADDED", configMap("a", "u1", "11")), faults.Bookmark("v1", "ConfigMap", "20"))
		f.check(t, "ADDED a 5", "ADDED b 6", string(wire.Bookmark), "MODIFIED a 11")
		w.Cut()
		// Again from what the bookmark said, after a pause.
		before := time.Now()
		w = f.script.Expect("watch 20").Watch(faults.Event("DELETED", configMap("b", "other", "21")), faults.Event("DELETED", configMap("b", "u2", "22")))
		f.check(t, "DELETED b 22")
		if pause := time.Since(before); pause < 800*time.Millisecond || pause > 1600*time.Millisecond {
			t.Errorf("the first pause is %s", pause)
		}
		w.Cut()
		// Forgotten: a list tells the difference, a deletion and an object of the same name too.
		f.script.Expect("watch 22").Watch(faults.ErrorOf(410)) // the client closes it
		f.script.Expect("page most recent").List("30", "", configMap("a", "u9", "29"), configMap("c", "u3", "28"))
		f.script.Expect("watch 30").Watch()
		f.check(t, "DELETED a 11", "ADDED a 29", "ADDED c 28", string(wire.Bookmark))
		if len(f.warned) != 3 || !strings.Contains(f.warned[0], "next: watch again in ") || !strings.Contains(f.warned[2], "next: list again in ") {
			t.Errorf("warned: %q", f.warned)
		}
	})
}

// The pauses grow, however the server fails, and a success begins again with the first.
func TestFollowsPausesGrow(t *testing.T) {
	follow(t, func(t *testing.T, f *following) {
		f.script.Expect("page most recent").List("10", "")
		last := time.Now()
		for i := range 8 {
			switch a := f.script.Expect("watch 10"); i % 2 {
			case 0:
				a.Watch().End() // in good order, but at once
			case 1:
				a.Status(500)
			}
			pause := time.Since(last)
			last = time.Now()
			if i == 0 {
				continue
			}
			least := min(800*time.Millisecond<<(i-1), 15*time.Second)
			if i == 1 { // the end of a watch is no fault the first time
				least = 0
			}
			if pause < least || pause > 2*max(least, 800*time.Millisecond) {
				t.Errorf("pause %d is %s, want %s at least", i, pause, least)
			}
		}
		// A watch that lives is a success: its end is followed by another one at once.
		w := f.script.Expect("watch 10").Watch()
		time.Sleep(10 * time.Second)
		w.End()
		ended := time.Now()
		f.script.Expect("watch 10").Watch()
		if pause := time.Since(ended); pause != 0 {
			t.Errorf("after a watch that lived there is a pause of %s", pause)
		}
	})
}

// After events, too, pauses grow while lists fail; and a server that ends each watch after an event is
// not asked without a pause.
func TestFollowsPausesAfterEvents(t *testing.T) {
	follow(t, func(t *testing.T, f *following) {
		f.script.Expect("page most recent").List("10", "")
		f.script.Expect("watch 10").Watch(faults.Bookmark("v1", "ConfigMap", "11"), faults.ErrorOf(410)) // the client closes it
		last := time.Now()
		for i := range 4 {
			f.script.Expect("page most recent").Status(500)
			pause := time.Since(last)
			if last = time.Now(); i > 0 && pause < 800*time.Millisecond<<i {
				t.Errorf("pause %d is %s", i, pause)
			}
		}
		f.script.Expect("page most recent").List("10", "")
		last = time.Now()
		for range 10 {
			f.script.Next().Watch(faults.Bookmark("v1", "ConfigMap", "11")).End()
		}
		if all := time.Since(last); all < 8*800*time.Millisecond {
			t.Errorf("ten watches that end at once take %s", all)
		}
	})
}

// A version that is newer than a restored server has leads to a list, and so does a continue token that
// expires within one.
func TestFollowAfterARestore(t *testing.T) {
	follow(t, func(t *testing.T, f *following) {
		f.script.Expect("page most recent").List("10", "more", configMap("a", "u1", "5"))
		f.script.Expect("page continue more").List("10", "", configMap("b", "u2", "6"))
		f.script.Expect("watch 10").Status(504, faults.TooLarge())
		f.script.Expect("page most recent").List("4", "", configMap("a", "u1", "3"))
		f.script.Expect("watch 4").Watch()
		f.check(t, "ADDED a 5", "ADDED b 6", "BOOKMARK", "MODIFIED a 3", "DELETED b 6", "BOOKMARK")
	})
}

func TestFollowEnds(t *testing.T) {
	follow(t, func(t *testing.T, f *following) { // refused
		f.script.Expect("page most recent").Status(403)
		if err := <-f.ended; err == nil || !strings.Contains(err.Error(), "list configmaps: ") {
			t.Errorf("Run returns %v", err)
		}
	})
	follow(t, func(t *testing.T, f *following) { // by Tell
		f.tell = errors.New("no more")
		f.script.Expect("page most recent").List("10", "more", configMap("a", "u1", "5"), configMap("b", "u2", "6"))
		if err := <-f.ended; err != f.tell || len(f.told) != 1 {
			t.Errorf("Run returns %v after %q", err, f.told)
		}
	})
	follow(t, func(t *testing.T, f *following) { // by its context, in a pause
		f.script.Expect("page most recent").Status(500)
		f.stop()
		if err := <-f.ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run returns %v", err)
		}
	})
}

// The name of one object becomes a selector.
func TestFollowOneName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := faults.NewScript(t)
		server := faults.Start(t, s, faults.Options{})
		c, err := rest.NewClient(&rest.Config{Host: server.URL(), Dial: server.Dial})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		f := list.Follower{Table: true, Query: list.Query{Client: c, Namespace: "ns", Name: "a", Fields: "x=y", Include: metav1.IncludeMetadata,
			Kind: kind.Info{Version: "v1", Resource: "configmaps", Kind: "ConfigMap", Namespaced: true}}}
		ended := make(chan error, 1)
		go func() { ended <- f.Run(ctx) }()
		a := s.Next()
		if got := a.Query().Get("fieldSelector"); got != "metadata.name=a,x=y" || a.Query().Get("includeObject") != "Metadata" {
			t.Errorf("the request is %s", a.Request.URL)
		}
		stop()
		<-ended
		c.CloseIdleConnections()
	})
}
