package faults_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skiff-k8s/skiff/faults"
)

// get sends a GET and returns the status and the body.
func get(t *testing.T, c *http.Client, url string) (int, string, error) {
	t.Helper()
	resp, err := c.Get(url)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

// types returns the types of the events of a watch, up to its end.
func types(t *testing.T, body io.Reader) (all []string) {
	t.Helper()
	for s := bufio.NewScanner(body); s.Scan(); {
		var event struct{ Type string }
		if err := json.Unmarshal(s.Bytes(), &event); err != nil {
			t.Fatal(err)
		}
		all = append(all, event.Type)
	}
	return all
}

const maps = "/api/v1/namespaces/ns/configmaps"

// A store, a layer and a client work in memory under synctest's clock, with and without TLS.
func TestInABubble(t *testing.T) {
	for name, o := range map[string]faults.Options{
		"HTTP/1.1": {}, "HTTP/2": {TLS: true}, "TLS, HTTP/1.1": {TLS: true, HTTP1: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := faults.NewStore()
				if _, err := store.Put(faults.ConfigMap("a", "", "")); err != nil {
					t.Fatal(err)
				}
				layer := faults.NewLayer(store, faults.Rule{On: faults.List, Skip: 1, Times: 1, Do: faults.Delay(time.Hour)})
				server := faults.Start(t, layer, o)
				client := &http.Client{Transport: server.Transport()}
				for _, want := range []time.Duration{0, time.Hour, 0} {
					began := time.Now()
					code, body, err := get(t, client, server.URL()+maps)
					if err != nil || code != 200 || !strings.Contains(body, `"kind":"ConfigMapList"`) || !strings.Contains(body, `"name":"a"`) {
						t.Fatalf("%d %s %v", code, body, err)
					}
					if took := time.Since(began); took != want {
						t.Errorf("the list took %s, want %s", took, want)
					}
				}
				resp, err := client.Get(server.URL() + maps + "?watch=true&timeoutSeconds=290&allowWatchBookmarks=true")
				if err != nil {
					t.Fatal(err)
				}
				go func() {
					time.Sleep(10 * time.Second)
					store.Remove(configMaps, "ns", "a")
				}()
				got := strings.Join(types(t, resp.Body), " ")
				if want := "ADDED DELETED BOOKMARK BOOKMARK BOOKMARK BOOKMARK BOOKMARK"; got != want {
					t.Errorf("the watch sent %s, want %s", got, want)
				}
			})
		})
	}
}
