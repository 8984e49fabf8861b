package discovery

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/rest"
)

func TestOpenAPIAsksAgainWhenTheHashChanges(t *testing.T) {
	hash, asked, at := "1", []string{}, "/openapi/v3/apis/apps/v1?hash="
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.RequestURI())
		if r.URL.Path == "/gate/openapi/v3" {
			fmt.Fprintf(w, `{"paths":{"apis/apps/v1":{"serverRelativeURL":%q}}}`, at+hash)
			return
		}
		fmt.Fprintf(w, `{"openapi":%q}`, r.URL.Query().Get("hash"))
	}))
	defer server.Close()
	c, err := rest.NewClient(&rest.Config{Host: server.URL + "/gate", MaxAnswerBytes: 200})
	if err != nil {
		t.Fatal(err)
	}
	o, apps := NewOpenAPI(c), schema.GroupVersion{Group: "apps", Version: "v1"}
	for _, h := range []string{"1", "1", "2", "2"} {
		hash = h
		if data, err := o.GroupVersion(t.Context(), apps); err != nil || string(data) != `{"openapi":"`+h+`"}` {
			t.Errorf("%s, %v", data, err)
		}
	}
	documents := slices.DeleteFunc(slices.Clone(asked), func(s string) bool { return s == "/gate/openapi/v3" })
	if want := []string{"/gate/openapi/v3/apis/apps/v1?hash=1", "/gate/openapi/v3/apis/apps/v1?hash=2"}; !slices.Equal(documents, want) {
		t.Errorf("asked for %q, want %q", documents, want)
	}
	if _, err := o.GroupVersion(t.Context(), schema.GroupVersion{Version: "v1"}); !errors.Is(err, ErrNoOpenAPI) || !strings.Contains(err.Error(), "api/v1") {
		t.Errorf("no document: %v", err)
	}
	asked = nil
	for _, bad := range []string{"https://elsewhere.example.com/openapi/v3/a?hash=", "//elsewhere.example.com/openapi/v3/a?hash=",
		"/api/v1/secrets?hash=", "/openapi/v3/../../api?hash=", "openapi/v3/a?hash=", "/openapi/v3/..?hash=", "%zz"} {
		at = bad
		if data, err := o.GroupVersion(t.Context(), apps); err == nil {
			t.Errorf("%s: %s", bad, data)
		}
	}
	for _, uri := range asked {
		if uri != "/gate/openapi/v3" {
			t.Errorf("asked for %q", uri)
		}
	}
	at, hash = "/gate/openapi/v3/apis/apps/v1?hash=", strings.Repeat("3", 90) // the index fits
	if _, err := o.GroupVersion(t.Context(), apps); err != nil {
		t.Errorf("a URL with the host's path: %v", err)
	}
	hash = strings.Repeat("3", 200)
	if _, err := o.GroupVersion(t.Context(), apps); !errors.Is(err, rest.ErrAnswerTooLarge) {
		t.Errorf("an answer over the limit: %v", err)
	}
}

func TestOpenAPIKeepsALimitedNumberOfBytes(t *testing.T) {
	for over, want := range map[int]int{-1: 2, 0: 2, 1: 1} {
		o := NewOpenAPI(nil)
		o.keep("a", openAPIDocument{data: make([]byte, 50)}, 100)
		o.keep("a", openAPIDocument{data: make([]byte, 50)}, 100)
		o.keep("b", openAPIDocument{data: make([]byte, 50+over)}, 100)
		if len(o.kept) != want || o.size > 100 {
			t.Errorf("%d over the limit: %d documents, %d bytes", over, len(o.kept), o.size)
		}
		o.keep("c", openAPIDocument{data: make([]byte, 101)}, 100)
		if _, ok := o.kept["c"]; ok {
			t.Error("a document over the limit is kept")
		}
	}
}
