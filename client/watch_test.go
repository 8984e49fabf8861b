package client_test

import (
	"context"
	"errors"
	"io"
	"strconv"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/rest"
)

func TestAWatchTellsWhatHappensInOrder(t *testing.T) {
	for format, change := range map[string]func(*rest.Config){
		"protobuf": func(*rest.Config) {},
		"JSON":     func(cfg *rest.Config) { cfg.JSONOnly = true },
	} {
		t.Run(format, func(t *testing.T) {
			c, ctx := connect(t, change), soon(t)
			maps := client.Of[corev1.ConfigMap](c).In(namespace(t, c))
			list := must(maps.List(ctx, metav1.ListOptions{LabelSelector: "w"}))(t)
			w := must(maps.Watch(ctx, metav1.ListOptions{ResourceVersion: list.ResourceVersion, LabelSelector: "w"}))(t)
			defer w.Close()

			m := must(maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a", Labels: map[string]string{"w": ""}}}, metav1.CreateOptions{}))(t)
			m.Data = map[string]string{"k": "v"}
			m = must(maps.Update(ctx, m, metav1.UpdateOptions{}))(t)
			if err := maps.Delete(ctx, "a", metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
			last := uint64(0)
			for i, want := range []struct {
				event string
				data  string
			}{{"ADDED", ""}, {"MODIFIED", "v"}, {"DELETED", "v"}} {
				e := next(t, w)
				if string(e.Type) != want.event || e.Object.Data["k"] != want.data {
					t.Errorf("event %d is %s %v, want %v", i, e.Type, e.Object.Data, want)
				}
				if o := e.Object; o.TypeMeta != configMapType || o.Name != "a" || o.UID != m.UID || len(o.ManagedFields) != 0 {
					t.Errorf("event %d is of %+v %+v", i, o.TypeMeta, o.ObjectMeta)
				}
				rv, err := strconv.ParseUint(e.Object.ResourceVersion, 10, 64)
				if err != nil || rv <= last {
					t.Errorf("event %d is of resourceVersion %q, after %d", i, e.Object.ResourceVersion, last)
				}
				last = rv
			}
		})
	}
}

func TestAWatchEndsByItsTimeoutItsContextOrClose(t *testing.T) {
	c := connect(t)
	maps := client.Of[corev1.ConfigMap](c).In(namespace(t, c))
	open := func(ctx context.Context, seconds int64) *client.Watch[corev1.ConfigMap] {
		t.Helper()
		// From where the list is: nothing happens here.
		list := must(maps.List(ctx, metav1.ListOptions{}))(t)
		opts := metav1.ListOptions{ResourceVersion: list.ResourceVersion, FieldSelector: "metadata.name=none"}
		if seconds > 0 {
			opts.TimeoutSeconds = &seconds
		}
		return must(maps.Watch(ctx, opts))(t)
	}

	w := open(soon(t), 1)
	for range 2 { // and again
		if _, err := w.Next(); err != io.EOF {
			t.Errorf("Next at the end is %v, want io.EOF", err)
		}
	}
	for e, err := range open(soon(t), 1).Events() {
		t.Errorf("Events yields %v, %v at the end", e, err)
	}

	w = open(soon(t), 0)
	closed := make(chan error)
	go func() { closed <- w.Close() }()
	if _, err := w.Next(); !errors.Is(err, rest.ErrStreamClosed) {
		t.Errorf("Next after Close: %v", err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}

	ctx, cancel := context.WithCancel(soon(t))
	w = open(ctx, 0)
	cancel()
	var last error
	for _, err := range w.Events() {
		last = err
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("Events after its context ended: %v", last)
	}
}

func TestLeavingTheLoopClosesTheWatch(t *testing.T) {
	c, ctx := connect(t), soon(t)
	maps := client.Of[corev1.ConfigMap](c).In(namespace(t, c))
	w := must(maps.Watch(ctx, metav1.ListOptions{}))(t)
	for _, err := range w.Events() { // the root CA, which every namespace has
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	if _, err := w.Next(); !errors.Is(err, rest.ErrStreamClosed) {
		t.Errorf("Next after the loop: %v", err)
	}
}

func TestABookmarkSaysThatTheInitialObjectsAreAll(t *testing.T) {
	for format, change := range map[string]func(*rest.Config){
		"protobuf": func(*rest.Config) {},
		"JSON":     func(cfg *rest.Config) { cfg.JSONOnly = true },
	} {
		t.Run(format, func(t *testing.T) {
			c, ctx := connect(t, change), soon(t)
			maps := client.Of[corev1.ConfigMap](c).In(namespace(t, c))
			for _, name := range []string{"a", "b"} {
				must(maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"w": ""}}}, metav1.CreateOptions{}))(t)
			}
			w := must(maps.Watch(ctx, metav1.ListOptions{
				LabelSelector:        "w",
				SendInitialEvents:    new(true),
				AllowWatchBookmarks:  true,
				ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan,
			}))(t)
			defer w.Close()
			got := map[string]bool{}
			for {
				e := next(t, w)
				if e.Type == client.Bookmark {
					if e.Object.ResourceVersion == "" || e.Object.Kind != "ConfigMap" || e.Object.Name != "" {
						t.Errorf("the bookmark is %+v", e.Object)
					}
					if e.InitialEventsEnd() {
						break
					}
					continue
				}
				if e.InitialEventsEnd() || e.Type != client.Added {
					t.Errorf("%s of %s", e.Type, e.Object.Name)
				}
				got[e.Object.Name] = true
			}
			if len(got) != 2 || !got["a"] || !got["b"] {
				t.Errorf("before the bookmark there were %v", got)
			}
		})
	}
}

// The server's memory of changes begins when it starts.
func TestAResourceVersionFromBeforeTheServersMemoryIsExpired(t *testing.T) {
	cluster, ctx := controlplane.New(t), soon(t)
	c, err := rest.NewClient(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	maps := client.Of[corev1.ConfigMap](c).In("default")
	old := must(maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, metav1.CreateOptions{}))(t)
	must(maps.Patch(ctx, "a", types.MergePatchType, []byte(`{"data":{"k":"v"}}`), metav1.PatchOptions{}))(t)
	if err := cluster.RestartAPIServer(ctx); err != nil {
		t.Fatal(err)
	}
	w, err := maps.Watch(ctx, metav1.ListOptions{ResourceVersion: old.ResourceVersion})
	if err == nil {
		defer w.Close()
		_, err = w.Next()
		if _, again := w.Next(); again != err {
			t.Errorf("Next again is %v", again)
		}
	}
	if !apierrors.IsResourceExpired(err) && !apierrors.IsGone(err) {
		t.Errorf("a watch from before: %v", err)
	}
}
