package command_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/skiff-k8s/skiff/faults"
)

const (
	// maxBinary is how large the program may be. kubectl 1.37 has about 60 MB.
	maxBinary = 24 << 20
	// maxRSS is how much memory the program may have while it prints manyPods pods. kubectl needs about
	// 400 MB.
	maxRSS   = 64 << 20
	manyPods = 20_000
)

// build builds the program.
func build(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("it builds the program")
	}
	binary := filepath.Join(t.TempDir(), "skiff")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", binary, "../..").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

// The program is small, and no text/template is in it: that keeps every exported method of every
// reachable type, and the command line library uses it only if it is asked to. A list of many pods is
// printed in the memory of one page.
func TestBinary(t *testing.T) {
	binary := build(t)
	info, err := os.Stat(binary)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%.2f MB", float64(info.Size())/1e6)
	if info.Size() > maxBinary {
		t.Errorf("the program has %d bytes, the limit is %d", info.Size(), maxBinary)
	}
	symbols, err := exec.CommandContext(t.Context(), "go", "tool", "nm", binary).Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(symbols), "main.main") || strings.Contains(string(symbols), "text/template.(*state)") {
		t.Error("text/template is linked")
	}
	out, err := exec.CommandContext(t.Context(), binary, "version", "--client").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "Client Version: ") {
		t.Errorf("version --client: %v\n%s", err, out)
	}

	if runtime.GOOS != "linux" {
		return // another unit of ru_maxrss, or none
	}
	server := faults.Start(t, http.HandlerFunc(servePods), faults.Options{Loopback: true})
	printed, rss := measured(t, binary, "get", "pods", "-A", "-s", server.URL(),
		"--kubeconfig", emptyConfig(t), "--cache-dir", t.TempDir())
	if lines := strings.Count(printed, "\n"); lines != manyPods+1 {
		t.Errorf("%d lines for %d pods", lines, manyPods)
	}
	t.Logf("peak RSS %.1f MB", float64(rss)/1e6)
	if rss > maxRSS {
		t.Errorf("the program had %d bytes of memory, the limit is %d", rss, maxRSS)
	}
}

// measured runs a program and returns what it printed and its peak RSS in bytes. The kernel counts the
// memory of the process that starts a program as that program's, and this test's process is larger than
// the limit: bench's measure, which is small, starts it.
func measured(t *testing.T, program ...string) (printed string, peakRSS int64) {
	t.Helper()
	dir := t.TempDir()
	measure, output := filepath.Join(dir, "measure"), filepath.Join(dir, "output")
	build := exec.CommandContext(t.Context(), "go", "build", "-C", "../../../../bench", "-trimpath", "-o", measure, "./cmd/measure")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), measure, append([]string{output}, program...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	var took struct {
		Code    int
		PeakRSS int64
	}
	if err := json.Unmarshal(out, &took); err != nil || took.Code != 0 || took.PeakRSS == 0 {
		t.Fatalf("%s: %s, %v", program, out, err)
	}
	data, err := os.ReadFile(output)
	if err != nil {
		t.Fatal(err)
	}
	return string(data), took.PeakRSS
}

// servePods is an API server that has manyPods pods, in pages.
func servePods(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Content-Type", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")
	const discovery = `{"kind":"APIGroupDiscoveryList","apiVersion":"apidiscovery.k8s.io/v2","metadata":{},"items":[%s]}`
	switch req.URL.Path {
	case "/api":
		fmt.Fprintf(w, discovery, `{"metadata":{},"versions":[{"version":"v1","freshness":"Current","resources":[{"resource":"pods",
			"responseKind":{"group":"","version":"v1","kind":"Pod"},"scope":"Namespaced","singularResource":"pod","verbs":["get","list"]}]}]}`)
		return
	case "/apis":
		fmt.Fprintf(w, discovery, "")
		return
	}
	query := req.URL.Query()
	from, _ := strconv.Atoi(query.Get("continue"))
	limit, _ := strconv.Atoi(query.Get("limit"))
	next := strconv.Itoa(from + limit)
	if from+limit >= manyPods {
		next = ""
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{"resourceVersion":"1","continue":%q},
		"columnDefinitions":[{"name":"Name","priority":0},{"name":"Ready","priority":0},{"name":"Node","priority":1}],"rows":[`, next)
	managed := strings.Repeat(`{"manager":"kubelet","fieldsV1":{"f:status":{"f:conditions":{"k:{\"type\":\"Ready\"}":{".":{}}}}}},`, 30)
	for i := range min(limit, manyPods-from) {
		if i > 0 {
			fmt.Fprint(w, ",")
		}
		fmt.Fprintf(w, `{"cells":["web-%06d","1/1","node-a"],"object":{"kind":"PartialObjectMetadata","metadata":{"name":"web-%[1]d","namespace":"team","managedFields":[%s{}]}}}`, from+i, managed)
	}
	fmt.Fprint(w, "]}")
}
