package compare

import (
	"net/http"
	"net/url"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	clientgorest "k8s.io/client-go/rest"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/skifftest/faults"
)

// TestBothReachTheServer: both libraries read an object, by the same path.
func TestBothReachTheServer(t *testing.T) {
	var asked []*url.URL
	server := faults.Start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"ns","name":"p"}}`))
	}), faults.Options{})

	theirs, err := kubernetes.NewForConfig(&clientgorest.Config{Host: server.URL(), Dial: server.Dial})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := theirs.CoreV1().Pods("ns").Get(t.Context(), "p", metav1.GetOptions{}); err != nil {
		t.Error(err)
	}
	ours, err := rest.NewClient(&rest.Config{Host: server.URL(), Dial: server.Dial})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Of[corev1.Pod](ours).In("ns").Get(t.Context(), "p", metav1.GetOptions{}); err != nil {
		t.Error(err)
	}
	if len(asked) != 2 || *asked[0] != *asked[1] {
		t.Errorf("the server was asked for %v", asked)
	}
}
