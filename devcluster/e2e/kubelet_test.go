package e2e

import (
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// With --kubelet pods run, also after a restart with the same data, and only the API server can ask
// the kubelet. What works on such a pod is tested by package remote of the library.
func TestPodsRunOnTheKubelet(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	data := filepath.Join(t.TempDir(), "kept")
	for run := range 2 {
		up, in, _, ready := m.controlled("--kubelet", "--data", data)
		if ready.PIDs["kubelet"] == 0 || ready.States["kubelet"] != "running" {
			t.Errorf("the processes are %v, %v", ready.PIDs, ready.States)
		}
		c := newClient(t, ready.Kubeconfig)
		name := fmt.Sprint("web-", run)
		c.must(201, "POST", pods, `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"`+name+`"},"spec":{"containers":[`+
			`{"name":"app","image":"none","command":["sh","-c","echo hello; pause"]}]}}`)
		for i := range run + 1 {
			c.await(pods+fmt.Sprint("/web-", i), `"type":"Ready","status":"True"`)
		}
		c.await(pods+"/"+name+"/log", "hello\n")

		node := c.must(200, "GET", "/api/v1/nodes/devcluster", "")
		port := regexp.MustCompile(`"Port":(\d+)`).FindStringSubmatch(node)
		if port == nil {
			t.Fatalf("the node has no port: %s", node)
		}
		url := "https://127.0.0.1:" + port[1] + "/healthz"
		resp, err := c.http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden {
			t.Errorf("the administrator asks the kubelet itself: %s", resp.Status)
		}
		stranger := &http.Client{Transport: c.http.Transport.(*http.Transport).Clone()}
		stranger.Transport.(*http.Transport).TLSClientConfig.Certificates = nil
		if resp, err := stranger.Get(url); err == nil {
			resp.Body.Close()
			t.Errorf("somebody without a certificate asks the kubelet: %s", resp.Status)
		}

		c.must(200, "DELETE", pods+"/"+name, "")
		deadline := time.Now().Add(limit)
		for status := 0; status != 404; status, _ = c.do("GET", pods+"/"+name, "") {
			if time.Now().After(deadline) {
				t.Fatal("the pod is not deleted")
			}
			time.Sleep(20 * time.Millisecond)
		}
		if run == 0 {
			c.must(201, "POST", pods, `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web-0"},"spec":{"containers":[{"name":"app","image":"none"}]}}`)
			c.await(pods+"/web-0", `"type":"Ready","status":"True"`)
		}
		in.Close()
		if err := up.Wait(); err != nil {
			t.Errorf("%v\n%s", err, up.stderr.String())
		}
	}
	m.empty()
}

// await asks until the answer holds text.
func (c *client) await(path, text string) {
	c.t.Helper()
	deadline := time.Now().Add(limit)
	for {
		_, answer := c.do("GET", path, "")
		if strings.Contains(regexp.MustCompile(`,"(observedGeneration|lastProbeTime)":[^,}]*`).ReplaceAllString(answer, ""), text) {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("%s is %s, want %s in it", path, answer, text)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
