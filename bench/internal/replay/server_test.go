package replay_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	goruntime "runtime"
	"strconv"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	clientrest "k8s.io/client-go/rest"
	"k8s.io/client-go/tools/pager"

	"github.com/skiff-k8s/skiff/bench/internal/replay"
	"github.com/skiff-k8s/skiff/bench/internal/workload"
)

// event is a watch event in JSON, as far as these tests look at it.
type event struct {
	Type   string
	Object struct{ Metadata metav1.ObjectMeta }
}

// get sends a request and returns the answer, which is closed with the test.
func get(t *testing.T, server *replay.Server, path, accept string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL()+path, nil)
	check(t, err)
	req.Header.Set("Accept", accept)
	response, err := http.DefaultClient.Do(req)
	check(t, err)
	t.Cleanup(func() { response.Body.Close() })
	return response
}

// events reads a watch in JSON.
func events(t *testing.T, server *replay.Server, query string) (next func() (event, error)) {
	t.Helper()
	response := get(t, server, "/api/v1/pods?watch=true&"+query, "application/json")
	if response.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(response.Body)
		t.Fatalf("watch with %s: %s: %s", query, response.Status, body)
	}
	d := json.NewDecoder(response.Body)
	return func() (e event, err error) { return e, d.Decode(&e) }
}

func pods(n int) *workload.Pods { return workload.New(workload.Config{Pods: n}).Pods }

// A watch-list is all objects, the bookmark that ends them, and what changes then.
func TestWatchList(t *testing.T) {
	src := pods(1500)
	server := start(t, replay.Options{}, src)
	next := events(t, server, "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true")
	for i := range src.Len() {
		e, err := next()
		check(t, err)
		if e.Type != "ADDED" || e.Object.Metadata.Name != src.Name(i, src.First(i)) {
			t.Fatalf("event %d is %s of %s", i, e.Type, e.Object.Metadata.Name)
		}
	}
	e, err := next()
	check(t, err)
	if e.Type != "BOOKMARK" || e.Object.Metadata.Annotations[metav1.InitialEventsAnnotationKey] != "true" ||
		e.Object.Metadata.ResourceVersion != strconv.Itoa(workload.FirstVersion) {
		t.Fatalf("after the objects comes %+v", e)
	}
	flooded, err := server.Flood(t.Context(), replay.Flood{Resource: "pods", Events: 3})
	check(t, err)
	for k := range 4 {
		e, err := next()
		check(t, err)
		if e.Object.Metadata.ResourceVersion != fmt.Sprint(flooded.First+uint64(k)) {
			t.Errorf("change %d has version %s, the first had %d", k, e.Object.Metadata.ResourceVersion, flooded.First)
		}
		if k == 3 && (e.Type != "ADDED" || e.Object.Metadata.Name != workload.FloodEnd || e.Object.Metadata.Namespace != workload.FloodEnd) {
			t.Errorf("the flood ends with %s of %s", e.Type, e.Object.Metadata.Name)
		}
	}
}

// What happens in a flood could happen: only what there is changes and goes, only what there is not is
// added, a change changes something beside the version, and a round replaces everything once.
func TestFloodsArePossible(t *testing.T) {
	src := pods(60)
	server := start(t, replay.Options{}, src)
	response := get(t, server, "/api/v1/pods?watch=true&sendInitialEvents=true", "application/json")
	decoder := json.NewDecoder(response.Body)
	there := make(map[string]string)
	for _, f := range []replay.Flood{{}, {Events: 500}, {Kind: replay.Replace, Rounds: 3}, {Kind: replay.Rollout, Rounds: 3}, {Events: 100}} {
		f.Resource = "pods"
		ended := make(chan error, 1)
		go func() { _, err := server.Flood(t.Context(), f); ended <- err }()
		gone := 0
		for name := ""; name != workload.FloodEnd; {
			var e struct {
				Type   string
				Object struct {
					Metadata metav1.ObjectMeta
					Status   json.RawMessage
				}
			}
			check(t, decoder.Decode(&e))
			if name = e.Object.Metadata.Name; e.Type == "BOOKMARK" {
				continue
			}
			uid, now := string(e.Object.Metadata.UID), string(e.Object.Status)
			before, was := there[uid]
			if was != (e.Type != "ADDED") {
				t.Fatalf("%s of %s, which is there: %v", e.Type, e.Object.Metadata.Name, was)
			}
			if e.Type == "MODIFIED" && before == now && e.Object.Metadata.Name != workload.FloodEnd {
				t.Fatalf("%s is modified and stays as it was: %s", e.Object.Metadata.Name, now)
			}
			if there[uid] = now; e.Type == "DELETED" {
				delete(there, uid)
				gone++
			}
		}
		check(t, <-ended)
		if gone != f.Rounds*src.Len() || len(there) != src.Len()+1 {
			t.Errorf("%+v deletes %d pods and leaves %d", f, gone, len(there))
		}
	}
}

// A watch from a version on is the changes after it, each once; from a version that is forgotten it
// is refused as expired.
func TestWatchFromAVersion(t *testing.T) {
	server := start(t, replay.Options{}, pods(20))
	flooded, err := server.Flood(t.Context(), replay.Flood{Resource: "pods", Events: 30})
	check(t, err)
	next := events(t, server, fmt.Sprintf("resourceVersion=%d", flooded.First+9))
	for version := flooded.First + 10; version <= flooded.Version; version++ {
		e, err := next()
		check(t, err)
		if e.Object.Metadata.ResourceVersion != fmt.Sprint(version) {
			t.Fatalf("version %s comes where %d should", e.Object.Metadata.ResourceVersion, version)
		}
	}
	for version, code := range map[uint64]int{5: http.StatusGone, flooded.Version + 1: http.StatusGatewayTimeout} {
		if response := get(t, server, fmt.Sprintf("/api/v1/pods?watch=true&resourceVersion=%d", version), "application/json"); response.StatusCode != code {
			t.Errorf("a watch from version %d is answered with %s", version, response.Status)
		}
	}
}

// A watch ends when its time is over, and says before it how far it is.
func TestWatchEndsWithABookmark(t *testing.T) {
	server := start(t, replay.Options{}, pods(5))
	next := events(t, server, fmt.Sprintf("resourceVersion=%d&allowWatchBookmarks=true&timeoutSeconds=1", workload.FirstVersion))
	e, err := next()
	check(t, err)
	if e.Type != "BOOKMARK" || e.Object.Metadata.ResourceVersion != strconv.Itoa(workload.FirstVersion) {
		t.Errorf("the watch says %+v", e)
	}
	if _, err := next(); err != io.EOF {
		t.Errorf("the watch goes on: %v", err)
	}
}

// A list comes in the pages that are asked for, and whole if any state will do.
func TestPages(t *testing.T) {
	for _, contentType := range []string{"application/vnd.kubernetes.protobuf", "application/json"} {
		server := start(t, replay.Options{}, pods(130))
		client := typedClient(t, server, contentType)
		seen, requests := 0, 0
		p := pager.New(func(ctx context.Context, opts metav1.ListOptions) (runtime.Object, error) {
			requests++
			return client.CoreV1().Pods("").List(ctx, opts)
		})
		p.PageSize = 40
		check(t, p.EachListItem(t.Context(), metav1.ListOptions{}, func(runtime.Object) error { seen++; return nil }))
		if seen != 130 || requests != 4 {
			t.Errorf("%s: %d pods came in %d pages", contentType, seen, requests)
		}
		list, err := client.CoreV1().Pods("").List(t.Context(), metav1.ListOptions{Limit: 40, ResourceVersion: "0"})
		check(t, err)
		if len(list.Items) != 130 || list.Continue != "" || list.ResourceVersion != strconv.Itoa(workload.FirstVersion) {
			t.Errorf("%s: a list of version 0 has %d pods", contentType, len(list.Items))
		}
		list, err = client.CoreV1().Pods("").List(t.Context(), metav1.ListOptions{Limit: 40})
		check(t, err)
		_, err = server.Flood(t.Context(), replay.Flood{Resource: "pods", Events: 1})
		check(t, err)
		if _, err := client.CoreV1().Pods("").List(t.Context(), metav1.ListOptions{Limit: 40, Continue: list.Continue}); err == nil {
			t.Errorf("%s: a list was continued although its objects have changed", contentType)
		}
	}
}

// One namespace is what lies in it, in a list and in a watch.
func TestNamespaces(t *testing.T) {
	src := pods(1100)
	server := start(t, replay.Options{}, src)
	client := typedClient(t, server, "application/json")
	namespace := src.Namespace(700)
	want := 0
	for i := range src.Len() {
		if src.Namespace(i) == namespace {
			want++
		}
	}
	list, err := client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{})
	check(t, err)
	if len(list.Items) != want || want == src.Len() {
		t.Errorf("%d pods of %d are in the namespace, there are %d", len(list.Items), src.Len(), want)
	}
	list, err = client.CoreV1().Pods("").List(t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=-"})
	check(t, err)
	if len(list.Items) != 0 {
		t.Errorf("%d pods are called -", len(list.Items))
	}
}

// What the server does not do it refuses, instead of answering something else.
func TestRefuses(t *testing.T) {
	server := start(t, replay.Options{}, pods(5))
	for path, code := range map[string]int{
		"/api/v1/pods?labelSelector=a%3Db":             http.StatusBadRequest,
		"/api/v1/pods?fieldSelector=spec.nodeName%3Da": http.StatusBadRequest,
		"/api/v1/secrets":                              http.StatusNotFound,
		"/api/v1/namespaces/a/pods/b":                  http.StatusNotFound,
		"/api/v1/pods?continue=x":                      http.StatusGone,
	} {
		response := get(t, server, path, "application/json")
		var status metav1.Status
		check(t, json.NewDecoder(response.Body).Decode(&status))
		if response.StatusCode != code || status.Code != int32(code) || status.Message == "" {
			t.Errorf("%s is answered with %s, %q", path, response.Status, status.Message)
		}
	}
	table := "application/json;as=Table;v=v1;g=meta.k8s.io"
	if response := get(t, server, "/api/v1/pods", table); response.StatusCode != http.StatusNotAcceptable {
		t.Errorf("a table is answered with %s", response.Status)
	}
}

// Of a steady flood each event's time is known, and the rate is kept.
func TestSteadyFlood(t *testing.T) {
	server := start(t, replay.Options{}, pods(50))
	next := events(t, server, "sendInitialEvents=true")
	const count, rate = 60, 200
	result := make(chan replay.Flooded, 1)
	go func() {
		flooded, err := server.Flood(t.Context(), replay.Flood{Resource: "pods", Events: count, Rate: rate})
		if err != nil {
			t.Error(err)
		}
		result <- flooded
	}()
	received := make(map[string]time.Time)
	for len(received) <= count {
		e, err := next()
		check(t, err)
		if e.Type != "BOOKMARK" && e.Object.Metadata.ResourceVersion > strconv.Itoa(workload.FirstVersion) {
			received[e.Object.Metadata.ResourceVersion] = time.Now()
		}
	}
	flooded := <-result
	if len(flooded.Sent) != count+1 {
		t.Fatalf("%d of %d events have a time", len(flooded.Sent), count+1)
	}
	for version, at := range flooded.Sent {
		if r := received[fmt.Sprint(version)]; r.IsZero() || r.UnixNano() < at {
			t.Errorf("version %d was sent at %v and received at %v", version, time.Unix(0, at), r)
		}
	}
	took := time.Duration(flooded.Sent[flooded.Version] - flooded.Sent[flooded.First])
	if least := count * time.Second / rate; took < least*9/10 {
		t.Errorf("%d events at %d a second took %v", count, rate, took)
	}
}

// With TLS the server speaks HTTP/2, as API servers do.
func TestTLS(t *testing.T) {
	server := start(t, replay.Options{TLS: true}, pods(5))
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(server.CA()) {
		t.Fatal("the server's certificate is none")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Get(server.URL() + "/api/v1/pods")
	check(t, err)
	defer response.Body.Close()
	if response.ProtoMajor != 2 || response.StatusCode != http.StatusOK {
		t.Errorf("the answer is %s in %s", response.Status, response.Proto)
	}
	w := watch(server, pods(5))
	same(t, w, skiff(t, w)())
	same(t, w, typed(t, w)())
}

// Another process tells the server what to do by POST.
func TestControl(t *testing.T) {
	server := start(t, replay.Options{}, pods(20))
	for path, want := range map[string]int{
		"/control/flood?resource=pods&events=10":               11,
		"/control/flood?resource=pods&events=10&rate=1000":     11,
		"/control/churn?resource=pods&rounds=2":                2*20*3 + 1,
		"/control/churn?resource=pods&rounds=2&kind=replace":   2*20*2 + 1,
		"/control/churn?resource=pods":                         0,
		"/control/flood?resource=dogs&events=10":               0,
		"/control/flood?resource=pods&events=10&kind=biblical": 0,
		"/control/drain?resource=pods":                         0,
	} {
		response, err := http.Post(server.URL()+path, "", nil)
		check(t, err)
		var flooded replay.Flooded
		body, err := io.ReadAll(response.Body)
		check(t, err)
		response.Body.Close()
		if want == 0 {
			if response.StatusCode < 400 {
				t.Errorf("%s is answered with %s", path, response.Status)
			}
			continue
		}
		check(t, json.Unmarshal(body, &flooded))
		if flooded.Events != want || flooded.Version != flooded.First+uint64(want)-1 {
			t.Errorf("%s is answered with %s", path, body)
		}
	}
}

// What does not fit into memory is made as it is sent, with a few buffers: 200 MB of pods here.
func TestFlatMemory(t *testing.T) {
	src := pods(30_000)
	server := start(t, replay.Options{CannedBytes: -1}, src)
	before := heap()
	response := get(t, server, "/api/v1/pods?watch=true&sendInitialEvents=true", "application/vnd.kubernetes.protobuf")
	frames := bufio.NewReaderSize(response.Body, 1<<20)
	peak, length := uint64(0), make([]byte, 4)
	for n := range src.Len() {
		_, err := io.ReadFull(frames, length)
		check(t, err)
		_, err = frames.Discard(int(length[0])<<24 | int(length[1])<<16 | int(length[2])<<8 | int(length[3]))
		check(t, err)
		if n%5000 == 2500 {
			peak = max(peak, heap())
		}
	}
	t.Logf("heap before %d KB, at most %d KB", before>>10, peak>>10)
	if peak > before+32<<20 {
		t.Errorf("%d MB of memory were in use, %d MB before", peak>>20, before>>20)
	}
}

func heap() uint64 {
	goruntime.GC()
	var stats goruntime.MemStats
	goruntime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// A flood ends with its context where a client does not read.
func TestFloodEndsWithItsContext(t *testing.T) {
	server := start(t, replay.Options{}, pods(50))
	get(t, server, "/api/v1/pods?watch=true&sendInitialEvents=true", "application/json")
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := server.Flood(ctx, replay.Flood{Resource: "pods", Events: 5000}); err == nil {
		t.Error("5,000 events were sent to a client that reads nothing")
	}
}

// Informers of all clients ask for a watch-list and for nothing else, so that they are compared on
// the same bytes.
func TestClientsAskForTheSame(t *testing.T) {
	for _, p := range peers {
		t.Run(p.name, func(t *testing.T) {
			src := pods(5)
			server := start(t, replay.Options{}, src)
			w := watch(server, src)
			w.settings = p.settings
			p.caches(t, w)
			asked := server.Asked("pods")
			if len(asked) != 1 || !bytes.Contains([]byte(asked[0]), []byte("sendInitialEvents=true")) {
				t.Errorf("it asked for pods with %q", asked)
			}
		})
	}
}

func typedClient(t *testing.T, server *replay.Server, contentType string) *kubernetes.Clientset {
	config := &clientrest.Config{Host: server.URL()}
	config.ContentType = contentType
	client, err := kubernetes.NewForConfig(config)
	check(t, err)
	return client
}
