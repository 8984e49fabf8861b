package webhook_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/operator/webhook"
)

// Widget is a custom resource, in the version v1, the hub.
type Widget struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              WidgetSpec   `json:"spec,omitempty"`
	Status            WidgetStatus `json:"status,omitempty"`
}

type WidgetSpec struct {
	Size  *int32 `json:"size,omitempty"`
	Color string `json:"color,omitempty"`
	Parts []Part `json:"parts,omitempty"`
}

type Part struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

type WidgetStatus struct {
	Phase string `json:"phase,omitempty"`
}

// OldWidget is the same in the version v1beta1.
type OldWidget struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Size              int32             `json:"size,omitempty"`
	Colour            string            `json:"colour,omitempty"`
	Parts             map[string]string `json:"parts,omitempty"`
}

const group = "webhook.skiff.test"

func init() {
	for _, err := range []error{
		kind.Register[Widget](kind.Info{Group: group, Version: "v1", Kind: "Widget", Resource: "widgets", Namespaced: true}),
		kind.Register[OldWidget](kind.Info{Group: group, Version: "v1beta1", Kind: "Widget", Resource: "widgets", Namespaced: true}),
	} {
		if err != nil {
			panic(err)
		}
	}
}

// response is what a review is answered.
type response struct {
	APIVersion, Kind string
	Response         struct {
		UID       string
		Allowed   bool
		Status    *metav1.Status
		Patch     []byte
		PatchType string
		Warnings  []string
	}
}

// post sends a body as the API server does.
func post(h http.Handler, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// reviewed sends a review for a Widget, with fields of the request, and returns the answer.
func reviewed(t *testing.T, h *webhook.Hook, fields string) response {
	t.Helper()
	w := post(h, h.Path()+"?timeout=10s", review(fields))
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	var r response
	if err := json.Unmarshal(w.Body.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if r.APIVersion != "admission.k8s.io/v1" || r.Kind != "AdmissionReview" || r.Response.UID != "u-1" {
		t.Fatalf("the answer is %s", w.Body)
	}
	return r
}

func review(fields string) string {
	return `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u-1",
		"kind":{"group":"webhook.skiff.test","version":"v1","kind":"Widget"},
		"resource":{"group":"webhook.skiff.test","version":"v1","resource":"widgets"},
		"namespace":"ns","name":"w","userInfo":{"username":"jane","groups":["dev"]},` + fields + `}}`
}
