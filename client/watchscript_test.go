package client_test

import (
	"io"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/faults"
)

func frames(lines ...string) faults.Fault { return faults.JSON(strings.Join(lines, "\n")) }

const (
	added   = `{"type":"ADDED","object":{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","resourceVersion":"1"}}}`
	expired = `{"type":"ERROR","object":{"apiVersion":"v1","kind":"Status","status":"Failure","message":"too old resource version: 1 (7)","reason":"Expired","code":410}}`
)

func TestAnErrorEventIsTheErrorTheServerMeant(t *testing.T) {
	c, s := play(t, frames(added, expired, added))
	w := must(c.Watch(t.Context(), metav1.ListOptions{ResourceVersion: "1"}))(t)
	if e := next(t, w); e.Type != client.Added || e.Object.Name != "a" {
		t.Errorf("%+v", e)
	}
	for range 2 {
		_, err := w.Next()
		if !apierrors.IsResourceExpired(err) || !strings.Contains(err.Error(), "watch configmaps") || !strings.Contains(err.Error(), "too old") {
			t.Errorf("%v", err)
		}
	}
	if q := s.Queries(); len(q) != 1 || q[0] != "resourceVersion=1&watch=true" {
		t.Errorf("the queries are %q", q)
	}
}

func TestEventsYieldsWhatEndedTheWatch(t *testing.T) {
	for name, c := range map[string]struct {
		frames []string
		events int
		is     func(error) bool // nil for no error
	}{
		"in good order":  {[]string{added, added, ""}, 2, nil},
		"an error event": {[]string{added, expired, added}, 1, apierrors.IsResourceExpired},
		"within a frame": {[]string{added, added[:30]}, 1, func(err error) bool { return err != nil && err != io.EOF }},
		"another kind": {[]string{`{"type":"ADDED","object":{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"}}}`}, 0,
			func(err error) bool {
				return err != nil && strings.Contains(err.Error(), "v1 Secret in place of a v1 ConfigMap")
			}},
	} {
		client, _ := play(t, frames(c.frames...))
		events, last := 0, error(nil)
		for _, err := range must(client.Watch(t.Context(), metav1.ListOptions{}))(t).Events() {
			if last = err; err == nil {
				events++
			}
		}
		if events != c.events || (c.is == nil) != (last == nil) || c.is != nil && !c.is(last) {
			t.Errorf("%s: %d events, then %v", name, events, last)
		}
	}
}
