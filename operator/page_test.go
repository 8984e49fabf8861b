package operator_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/faults"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/operator"
)

// state returns the JSON of the page.
func (r *running) state() (s operator.State) {
	r.t.Helper()
	code, body := r.get(2, "/debug/skiff/state")
	if err := json.Unmarshal([]byte(body), &s); err != nil || code != 200 {
		r.t.Fatalf("/debug/skiff/state: %d, %v: %s", code, err, body)
	}
	return s
}

// put puts an object into a server in memory.
func put(t *testing.T, store *faults.Store, name string) {
	t.Helper()
	_, err := store.Put(&corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: name}})
	if err != nil {
		t.Fatal(err)
	}
}

// withPage starts an operator with a page and one controller, for which the pod "bad" always fails.
func withPage(t *testing.T) (*running, *faults.Store, *faults.Layer) {
	t.Helper()
	store := faults.NewStore()
	layer := faults.NewLayer(store)
	f := factoryOf(t, layer)
	put(t, store, "good")
	put(t, store, "bad")
	settings := anyPort
	settings.Page = true
	return start(t, operator.New(operator.Options{Name: "demo", Factories: []*informer.Factory{f}, Settings: settings, Logger: logger(t)},
		controller.New("pods", func(_ context.Context, key controller.Key) (controller.Result, error) {
			if key.Name == "bad" {
				return controller.Result{}, errors.New("it is bad")
			}
			return controller.Result{}, nil
		}, controller.For(pods(f)), controller.Logger(logger(t)), controller.Workers(2)))), store, layer
}

func TestThePageOfAHealthyOperatorWithAKeyThatFails(t *testing.T) {
	r, _, _ := withPage(t)
	var s operator.State
	r.until("the bad key has been retried", func() bool {
		s = r.state()
		return len(s.Controllers) == 1 && s.Controllers[0].Retried > 0 && s.Controllers[0].Succeeded == 1 && s.Informers[0].Lists == 1
	})
	i, c := s.Informers[0], s.Controllers[0]
	if s.Name != "demo" || !s.Leads || s.NotReady != "" || s.At.IsZero() || s.Started.IsZero() {
		t.Errorf("the operator is %+v", s)
	}
	if len(s.Informers) != 1 || i.Name != "pods" || i.Resource != "pods" || i.State != "watching" || !i.Synced || i.Objects != 2 ||
		i.PackedBytes <= 0 || i.LagMs != 0 || i.Failures != 0 || i.LastError != "" || i.NextTry != nil {
		t.Errorf("the informer is %+v", i)
	}
	if c.Name != "pods" || !c.NeedsLease || c.Workers != 2 || c.Failed == 0 || c.P99Ms < c.P50Ms || c.Held != 0 {
		t.Errorf("the controller is %+v", c)
	}
	if len(s.Moved) != 2 || s.Moved[0].Controller != "pods" {
		t.Errorf("the keys that moved are %+v", s.Moved)
	}
	var steps []operator.Step
	code, body := r.get(2, "/debug/skiff/key?"+url.Values{"controller": {"pods"}, "key": {"a/bad"}}.Encode())
	if err := json.Unmarshal([]byte(body), &steps); err != nil || code != 200 {
		t.Fatalf("the history: %d %v %s", code, err, body)
	}
	if steps[0].What != "queued" || steps[0].Why != "For: a/bad of pods listed" || steps[1].What != "reconciling" ||
		steps[2].What != "failed" || steps[2].Why != "next: retry; it is bad" || steps[2].Next == nil {
		t.Errorf("the history is %+v", steps)
	}
	if code, body := r.get(2, "/debug/skiff/key?controller=pods&key=a/none"); code != 404 || !strings.Contains(body, "no history") {
		t.Errorf("the history of a key that is not: %d %s", code, body)
	}
	if err := r.ends(); err != nil {
		t.Error(err)
	}
}

// When the API server answers errors the page tells the error and the time of the next try.
func TestThePageWithoutTheAPIServer(t *testing.T) {
	r, store, layer := withPage(t)
	r.until("it is ready", func() bool { return r.state().NotReady == "" && r.state().Informers[0].State == "watching" })
	layer.SetRules(faults.Rule{Do: faults.Status(503)})
	store.EndWatches()
	var i operator.InformerState
	r.until("the informer waits for its next try", func() bool {
		i = r.state().Informers[0]
		return i.State == informer.StateWaiting && i.NextTry != nil && strings.Contains(i.LastError, "server's version: ")
	})
	if i.LastErrorAt == nil || i.LastErrorOver || i.Failures == 0 || !i.Synced || i.Objects != 2 {
		t.Errorf("the informer is %+v", i)
	}
	layer.SetRules()
	r.until("the error is over", func() bool { i = r.state().Informers[0]; return i.LastErrorOver })
	if i.LastError == "" || i.Failures != 0 {
		t.Errorf("the informer is %+v", i)
	}
	if err := r.ends(); err != nil {
		t.Error(err)
	}
}

// A transform that panics with a part of an object is an error that stays, though the requests
// succeed. Of a cache of Secrets nothing of it is shown.
func TestThePageShowsErrorsOfFunctions(t *testing.T) {
	f, store := inMemory(t)
	meta := metav1.ObjectMeta{Namespace: "a", Name: "x"}
	for _, object := range []any{
		&corev1.ConfigMap{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}, ObjectMeta: meta, Data: map[string]string{"k": "plain"}},
		&corev1.Secret{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}, ObjectMeta: meta, Data: map[string][]byte{"k": []byte("hunter2")}},
	} {
		if _, err := store.Put(object); err != nil {
			t.Fatal(err)
		}
	}
	informer.For[corev1.ConfigMap](f, informer.Transform(func(m *corev1.ConfigMap) bool { panic("bad: " + m.Data["k"]) }))
	informer.For[corev1.Secret](f, informer.Transform(func(m *corev1.Secret) bool { panic("bad: " + string(m.Data["k"])) }))
	settings := anyPort
	settings.Page = true
	r := start(t, operator.New(operator.Options{Factories: []*informer.Factory{f}, Settings: settings, Logger: logger(t)}))
	var s operator.State
	r.until("both watch", func() bool {
		s = r.state()
		a, b := s.Informers[0], s.Informers[1]
		return a.State == "watching" && b.State == "watching" && a.LastError != "" && b.LastError != ""
	})
	for i, want := range []string{"bad: plain", "an error, whose text the log has: this is a cache of Secrets"} {
		in := s.Informers[i]
		if !strings.Contains(in.LastError, want) || strings.Contains(in.LastError, "hunter2") || in.LastErrorAt == nil || in.LastErrorOver {
			t.Errorf("the informer is %+v", in)
		}
	}
	if err := r.ends(); err != nil {
		t.Error(err)
	}
}

func TestThePageIsOneFileAndEvents(t *testing.T) {
	r, _, _ := withPage(t)
	base := "http://" + r.Addresses().Debug.String() + "/debug/skiff/"
	req, err := http.NewRequestWithContext(r.ctx, http.MethodGet, base, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || resp.StatusCode != 200 || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") ||
		!strings.HasPrefix(resp.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("the page: %v, %v", resp, err)
	}
	for _, never := range []string{"innerHTML", "http://", "https://", "src=", "@import", "url("} {
		if strings.Contains(string(page), never) {
			t.Errorf("the page has %q: it is whole, and makes text of what it gets", never)
		}
	}
	// By another name, as after DNS rebinding, it is refused.
	req.Host = "evil.example.com"
	if resp, err = http.DefaultClient.Do(req); err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 403 {
		t.Errorf("for another host: %d", resp.StatusCode)
	}

	events, err := http.NewRequestWithContext(r.ctx, http.MethodGet, base+"events", nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err = http.DefaultClient.Do(events); err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	for seen := 0; seen < 2; {
		if !lines.Scan() {
			t.Fatalf("the events end: %v", lines.Err())
		}
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var s operator.State
		if err := json.Unmarshal([]byte(data), &s); err != nil || s.Name != "demo" {
			t.Errorf("an event is %s: %v", data, err)
		}
		seen++
	}
	// The stream does not keep the operator from stopping.
	if err := r.ends(); err != nil {
		t.Error(err)
	}
}
