package crd_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/crd"
	"github.com/skiff-k8s/skiff/dynamic"
	"github.com/skiff-k8s/skiff/rest"
)

// The server takes changes to a definition that is being deleted, and serves it until its last object
// is gone. Install does not say that such a one is installed.
func TestInstallOfWhatIsBeingDeleted(t *testing.T) {
	c := connect(t)
	ctx, d := soon(t), dynamic.New(c).Resource(definitions)
	u := lamps(t, "deleted.skiff.test")
	if err := crd.Install(ctx, c, u); err != nil {
		t.Fatal(err)
	}
	hold := func(finalizers string) {
		t.Helper()
		patch := []byte(`{"metadata":{"finalizers":[` + finalizers + `]}}`)
		if _, err := d.Patch(ctx, u.GetName(), types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	hold(`"skiff.test/hold"`)
	if err := d.Delete(ctx, u.GetName(), metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := crd.Install(ctx, c, u); err == nil || !strings.Contains(err.Error(), "lamps.deleted.skiff.test: it is being deleted since 2") {
		t.Errorf("%v", err)
	}
	hold("")
	err := d.Delete(ctx, u.GetName(), metav1.DeleteOptions{})
	for err == nil {
		err = d.Delete(ctx, u.GetName(), metav1.DeleteOptions{})
	}
	if !apierrors.IsNotFound(err) {
		t.Fatal(err)
	}
	if err := crd.Install(ctx, c, u); err != nil {
		t.Errorf("when it is gone: %v", err)
	}
}

// The end of the context between two attempts is an error of the context.
func TestInstallEndsBetweenAttempts(t *testing.T) {
	u := lamps(t, "attempts.skiff.test")
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodGet {
			_ = json.NewEncoder(w).Encode(u)
			return
		}
		defer cancel()
		w.WriteHeader(http.StatusConflict)
		fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Conflict","code":409}`)
	}))
	defer server.Close()
	c, err := rest.NewClient(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseIdleConnections()
	if err := crd.Install(ctx, c, u); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
