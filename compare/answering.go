package compare

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	clientgorest "k8s.io/client-go/rest"

	"github.com/skiff-k8s/skiff/faults"
	"github.com/skiff-k8s/skiff/rest"
)

// outcome is what a library returned for an answer.
type outcome struct {
	Result     string // "ok", "error", or what it panicked with
	Object     any    // as JSON
	Null       bool   // the returned pointer is nil
	Status     *metav1.Status
	Predicates []string // the functions of apierrors and the like that hold for the error
	Warnings   []string
	Requests   int
	Err        string
}

// predicates are what callers ask of errors.
var predicates = map[string]func(error) bool{
	"IsAlreadyExists": apierrors.IsAlreadyExists, "IsBadRequest": apierrors.IsBadRequest, "IsConflict": apierrors.IsConflict,
	"IsForbidden": apierrors.IsForbidden, "IsGone": apierrors.IsGone, "IsInternalError": apierrors.IsInternalError,
	"IsInvalid": apierrors.IsInvalid, "IsMethodNotSupported": apierrors.IsMethodNotSupported, "IsNotAcceptable": apierrors.IsNotAcceptable,
	"IsNotFound": apierrors.IsNotFound, "IsRequestEntityTooLarge": apierrors.IsRequestEntityTooLargeError,
	"IsResourceExpired": apierrors.IsResourceExpired, "IsServerTimeout": apierrors.IsServerTimeout,
	"IsServiceUnavailable": apierrors.IsServiceUnavailable, "IsStoreReadError": apierrors.IsStoreReadError, "IsTimeout": apierrors.IsTimeout,
	"IsTooManyRequests": apierrors.IsTooManyRequests, "IsUnauthorized": apierrors.IsUnauthorized,
	"IsUnexpectedObject": apierrors.IsUnexpectedObjectError, "IsUnexpectedServer": apierrors.IsUnexpectedServerError,
	"IsUnsupportedMediaType": apierrors.IsUnsupportedMediaType,
	"SuggestsClientDelay":    func(err error) bool { _, ok := apierrors.SuggestsClientDelay(err); return ok },
	"FieldValueInvalid":      func(err error) bool { return apierrors.HasStatusCause(err, metav1.CauseTypeFieldValueInvalid) },
	"IsProbableEOF":          utilnet.IsProbableEOF, "IsConnectionReset": utilnet.IsConnectionReset,
	"IsTimeoutOfTheNetwork": utilnet.IsTimeout,
	"url.Error":             func(err error) bool { var u *url.Error; return errors.As(err, &u) },
}

// script is the server of one case.
type script struct {
	answer   served
	good     []byte
	requests atomic.Int64
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := s.requests.Add(1)
	a := s.answer
	if a.first && n > 1 {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(s.good)
		return
	}
	for _, h := range a.header {
		if h[1] == "" {
			w.Header()[h[0]] = nil
		} else {
			w.Header().Add(h[0], h[1])
		}
	}
	if a.cut && a.code == 0 {
		panic(http.ErrAbortHandler)
	}
	if a.code == http.StatusEarlyHints {
		w.WriteHeader(a.code)
		a.code = http.StatusOK
	}
	w.WriteHeader(a.code)
	_, _ = w.Write(a.body)
	if a.cut {
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// play makes the call of a case with both libraries, each with a server of its own, under synctest's
// clock.
func play(t *testing.T, c answeredCase) (their, our outcome) {
	synctest.Test(t, func(t *testing.T) {
		their = theirOutcome(t, c)
		our = ourOutcome(t, c)
	})
	return their, our
}

func serve(t *testing.T, c answeredCase) (*script, *faults.Server) {
	s := &script{answer: c.answer, good: served{body: []byte("GOOD")}.fit(c.operation).body}
	return s, faults.Start(t, s, faults.Options{HTTP1: true})
}

type heard struct{ texts []string }

func (h *heard) HandleWarningHeader(code int, _ string, text string) {
	if code == 299 && text != "" { // as client-go's own handlers do
		h.texts = append(h.texts, text)
	}
}

func theirOutcome(t *testing.T, c answeredCase) outcome {
	s, server := serve(t, c)
	defer server.Close()
	transport := server.Transport()
	transport.DisableCompression = false
	defer transport.CloseIdleConnections()
	h := &heard{}
	client, err := newTheirs(&clientgorest.Config{Host: server.URL(), Transport: transport, QPS: -1, WarningHandler: h})
	if err != nil {
		t.Fatal(err)
	}
	o := outcomeOf(t.Context(), func(ctx context.Context) (any, error) { return client.do(ctx, c.operation) })
	o.Requests, o.Warnings = int(s.requests.Load()), h.texts
	return o
}

func ourOutcome(t *testing.T, c answeredCase) outcome {
	s, server := serve(t, c)
	defer server.Close()
	h := &heard{}
	client, err := newOurs(&rest.Config{Host: server.URL(), Dial: server.Dial, Compression: 1, Warnings: func(w rest.Warning) {
		h.texts = append(h.texts, w.Text)
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.rest.CloseIdleConnections()
	o := outcomeOf(t.Context(), func(ctx context.Context) (any, error) { return client.do(ctx, c.operation) })
	o.Requests, o.Warnings = int(s.requests.Load()), h.texts
	return o
}

// patience is how long a call may take, in the bubble's time.
const patience = 30 * 24 * time.Hour

func outcomeOf(ctx context.Context, call func(context.Context) (any, error)) (o outcome) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			if _, fault := p.(runtime.Error); !fault {
				panic(p)
			}
			o.Result = fmt.Sprintf("panic: %v", p)
		}
	}()
	obj, err := call(ctx)
	o.Null = obj == nil || reflect.ValueOf(obj).Kind() == reflect.Pointer && reflect.ValueOf(obj).IsNil()
	if data, ok := obj.([]byte); ok {
		o.Object = string(data)
		if bytes.HasPrefix(data, []byte("k8s\x00")) {
			o.Object = bodyValue("application/vnd.kubernetes.protobuf", data)
		}
	} else {
		o.Object = plain(obj)
	}
	o.Result = "ok"
	if err == nil {
		return o
	}
	o.Result, o.Err = "error", err.Error()
	for _, name := range union(predicates, nil) {
		if predicates[name](err) {
			o.Predicates = append(o.Predicates, name)
		}
	}
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		s := status.Status()
		o.Status = &s
	}
	return o
}

// compareOutcomes returns the facets in which two outcomes differ.
func compareOutcomes(theirs, ours outcome) []difference {
	var found []difference
	add := func(facet string, a, b any) {
		at, _ := json.Marshal(a) // strings, numbers and API types
		bt, _ := json.Marshal(b)
		if string(at) != string(bt) {
			found = append(found, difference{Facet: facet, Theirs: string(at), Ours: string(bt)})
		}
	}
	add("requests", theirs.Requests, ours.Requests)
	add("warnings", theirs.Warnings, ours.Warnings)
	if theirs.Result != ours.Result {
		add("result", strings.TrimSpace(theirs.Result+" "+theirs.Err), strings.TrimSpace(ours.Result+" "+ours.Err))
		return found
	}
	if theirs.Result == "error" {
		add("predicates", theirs.Predicates, ours.Predicates)
		if (theirs.Status == nil) != (ours.Status == nil) {
			add("status", theirs.Err, ours.Err)
		} else if theirs.Status != nil {
			add("status.reason", theirs.Status.Reason, ours.Status.Reason)
			add("status.code", theirs.Status.Code, ours.Status.Code)
			message, _, _ := strings.Cut(theirs.Status.Message, " (")
			if theirs.Status.Message != ours.Status.Message && strings.HasPrefix(ours.Status.Message, message) {
				add("message with the request", theirs.Status.Message, ours.Status.Message)
			} else {
				add("status.message", theirs.Status.Message, ours.Status.Message)
			}
			add("status.details", theirs.Status.Details, ours.Status.Details)
		}
		_, a := theirs.Object.([]any) // the events before the error
		_, b := ours.Object.([]any)
		if !a && !b {
			add("object beside the error", theirs.Null, ours.Null)
		}
		if !a || !b {
			return found
		}
	}
	return append(found, compareValues("object", theirs.Object, ours.Object)...)
}
