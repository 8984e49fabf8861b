package operator_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skiff-k8s/skiff/faults"
	"github.com/skiff-k8s/skiff/operator"
	"github.com/skiff-k8s/skiff/rest"
)

func ask(t *testing.T, h http.Handler, token string) int {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
	req.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w.Code
}

// While the API server cannot be asked, nobody may, and a flood of requests does not reach it.
func TestWithoutTheAPIServerNobodyMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dials := 0
		c, err := rest.NewClient(&rest.Config{Host: "http://10.0.0.1", MaxRetries: -1,
			Dial: func(context.Context, string, string) (net.Conn, error) {
				dials++
				return nil, errors.New("no route")
			}})
		if err != nil {
			t.Fatal(err)
		}
		h := operator.NewAuthorizer(c, logger(t)).Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			t.Error("it is called")
		}))
		codes := map[int]int{}
		for range 50 {
			codes[ask(t, h, "nobody's")]++
		}
		if codes[503] != 20 || codes[429] != 30 || dials != 20 {
			t.Errorf("50 requests at once were answered %v, after %d connections", codes, dials)
		}
		time.Sleep(time.Second)
		for range 50 {
			codes[ask(t, h, "nobody's")]++
		}
		if codes[503] != 30 || codes[429] != 70 {
			t.Errorf("50 more after a second: %v", codes)
		}
	})
}

// A yes is used again for a minute, a no for ten seconds.
func TestHowLongAnAnswerIsUsed(t *testing.T) {
	for _, tc := range []struct {
		allowed bool
		age     time.Duration
		code    int
	}{{true, time.Minute, 200}, {false, 10 * time.Second, 403}} {
		synctest.Test(t, func(t *testing.T) {
			asked := 0
			server := faults.Start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusCreated)
				if r.URL.Path == "/apis/authentication.k8s.io/v1/tokenreviews" {
					asked++
					fmt.Fprint(w, `{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","status":{"authenticated":true,"user":{"username":"u"}}}`)
					return
				}
				fmt.Fprintf(w, `{"apiVersion":"authorization.k8s.io/v1","kind":"SubjectAccessReview","status":{"allowed":%v}}`, tc.allowed)
			}), faults.Options{})
			c, err := rest.NewClient(&rest.Config{Host: server.URL(), Dial: server.Dial})
			if err != nil {
				t.Fatal(err)
			}
			defer c.CloseIdleConnections()
			h := operator.NewAuthorizer(c, logger(t)).Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			for i, want := range []int{1, 1, 2} { // asked after the first, at the bound, and behind it
				if code := ask(t, h, "a"); code != tc.code || asked != want {
					t.Errorf("allowed %v: answer %d is %d after %d questions, want %d after %d", tc.allowed, i, code, asked, tc.code, want)
				}
				time.Sleep([]time.Duration{tc.age - 1, 1, 0}[i])
			}
			if ask(t, h, "b"); asked != 3 {
				t.Errorf("another token used the answer of the first")
			}
		})
	}
}
