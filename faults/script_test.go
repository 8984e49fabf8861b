package faults_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/faults"
)

// A script gets each request in short, and its answers come as the test gives them.
func TestAScript(t *testing.T) {
	for want, path := range map[string]string{
		"watch-list":             "?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan",
		"watch-list 5":           "?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=5",
		"watch 5":                "?watch=1&resourceVersion=5",
		"short watch 5":          "?watch=true&resourceVersion=5&timeoutSeconds=4",
		"page from 0":            "?resourceVersion=0&limit=500",
		"page from 0 whole":      "?resourceVersion=0",
		"page most recent":       "?limit=500",
		"page most recent whole": "",
		"page continue x":        "?limit=500&continue=x",
		"come to 5":              "?fieldSelector=metadata.name%3D-&resourceVersion=5",
		"GET " + maps + "/a":     "/a",
		"page from 5 whole":      "?resourceVersion=5&fieldSelector=metadata.name%3Da",
		"GET " + maps + "/a/log": "/a/log?follow=yes",
	} {
		synctest.Test(t, func(t *testing.T) {
			script := faults.NewScript(t)
			server := faults.Start(t, script, faults.Options{})
			done := make(chan seen)
			go func() { done <- see(t, &http.Client{Transport: server.Transport()}, server.URL()+maps+path) }()
			a := script.Next()
			if got := a.String(); got != want {
				t.Errorf("the request is %q, want %q", got, want)
			}
			a.List("7", "more", faults.ConfigMap("a", "u", "5"))
			if s := <-done; s.code != 200 || !strings.Contains(s.body, `"continue":"more"`) || !strings.Contains(s.body, `"uid":"u"`) {
				t.Errorf("%d %s %v", s.code, s.body, s.err)
			}
			script.Quiet(time.Hour)
		})
	}
}

// The test goes on writing a watch, and ends or cuts it; it sees that the client gives it up.
func TestAScriptedWatch(t *testing.T) {
	for how, end := range map[string]func(*faults.Stream){"end": (*faults.Stream).End, "cut": (*faults.Stream).Cut, "leave": nil} {
		for name, o := range map[string]faults.Options{"HTTP1": {}, "HTTP2": {TLS: true}} {
			t.Run(how+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					script := faults.NewScript(t)
					server := faults.Start(t, script, o)
					type opened struct {
						resp *http.Response
						err  error
					}
					done := make(chan opened)
					go func() {
						resp, err := (&http.Client{Transport: server.Transport()}).Get(server.URL() + watch)
						done <- opened{resp, err}
					}()
					w := script.Expect("watch ").Watch(faults.Event("ADDED", faults.ConfigMap("a", "u", "5")))
					client := <-done
					if client.err != nil {
						t.Fatal(client.err)
					}
					lines := bufio.NewReader(client.resp.Body)
					read := func() string { line, err := lines.ReadString('\n'); return fmt.Sprint(line, err) }
					if got := read(); !strings.Contains(got, `"ADDED"`) {
						t.Errorf("the client read %s", got)
					}
					time.Sleep(time.Hour)
					w.Say(faults.Bookmark("v1", "ConfigMap", "7") + faults.ListEnd("v1", "ConfigMap", "8") + faults.ErrorOf(410))
					if got := read() + read() + read(); !strings.Contains(got, `"resourceVersion":"7"`) || !strings.Contains(got, "initial-events-end") || !strings.Contains(got, `"code":410`) {
						t.Errorf("the client read %s", got)
					}
					if end == nil {
						_ = client.resp.Body.Close()
						<-w.Gone()
						return
					}
					if end(w); time.Since(script.Last()) != 0 {
						t.Errorf("the last thing happened at %s", script.Last())
					}
					_, err := io.ReadAll(lines)
					if (err == nil) != (how == "end") || how == "cut" && errors.Is(err, io.EOF) {
						t.Errorf("the watch ended with %v", err)
					}
				})
			})
		}
	}
}

// A layer stands in front of a real control plane, on a port with TLS and HTTP/2: what it passes is the
// server's, streams included, and its faults are seen.
func TestALayerInFrontOfAControlPlane(t *testing.T) {
	cluster := controlplane.Start(t)
	cfg := cluster.Config()
	proxy, err := faults.Proxy(cfg.Host, transportOf(t, cfg))
	if err != nil {
		t.Fatal(err)
	}
	path := "/api/v1/namespaces/kube-system/configmaps"
	layer := faults.NewLayer(proxy, faults.Rule{On: faults.List, Skip: 1, Times: 1, Do: faults.NoVersion()}, faults.Rule{On: faults.Watch, Skip: 1, Times: 1, Do: faults.Cut(10)})
	server := faults.Start(t, layer, faults.Options{Loopback: true, TLS: true})
	client := &http.Client{Transport: server.Transport()}
	one, two := see(t, client, server.URL()+path), see(t, client, server.URL()+path)
	if one.code != 200 || !strings.Contains(one.body, `"kind":"ConfigMapList"`) || one.proto != "HTTP/2.0" {
		t.Errorf("%d %s %.200s %v", one.code, one.proto, one.body, one.err)
	}
	if two.code != 200 || !strings.Contains(two.body, `"metadata":{}`) || strings.Contains(one.body, `"metadata":{}`) {
		t.Errorf("without a version: %d %.200s %v", two.code, two.body, two.err)
	}
	whole := see(t, client, server.URL()+path+"?watch=true&timeoutSeconds=1")
	if whole.err != nil || !strings.Contains(whole.body, `"type":"ADDED"`) {
		t.Errorf("a watch: %.200s %v", whole.body, whole.err)
	}
	if cut := see(t, client, server.URL()+path+"?watch=true&timeoutSeconds=1"); cut.err == nil || len(cut.body) != 10 {
		t.Errorf("a watch that is cut: %q %v", cut.body, cut.err)
	}
	if err := cluster.KillAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := cluster.StartAPIServer(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	if s := see(t, client, server.URL()+path); s.err == nil || s.code != 0 {
		t.Errorf("a server that cannot be reached looks like %d %s", s.code, s.body)
	}
}
