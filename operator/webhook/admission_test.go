package webhook_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/skiff-k8s/skiff/operator/webhook"
)

// logged makes slog's default logger write to the buffer that it returns, during the test.
func logged(t *testing.T) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&b, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return &b
}

// A function sees the request, and nil where there is no object.
func TestRequests(t *testing.T) {
	var got *webhook.Request[Widget]
	h := webhook.Validate(func(_ context.Context, r *webhook.Request[Widget]) ([]string, error) {
		got = r
		return nil, nil
	})
	if h.Err() != nil || h.Path() != "/validate-webhook-skiff-test-v1-widget" {
		t.Fatal(h.Path(), h.Err())
	}
	if r := reviewed(t, h, `"operation":"UPDATE","subResource":"status","dryRun":true,
		"requestKind":{"group":"webhook.skiff.test","version":"v1beta1","kind":"Widget"},
		"requestResource":{"group":"webhook.skiff.test","version":"v1beta1","resource":"widgets"},
		"object":{"metadata":{"name":"w"},"spec":{"size":2,"SIZE":9}},"oldObject":{"spec":{"size":1}},"options":{"a":1}`); !r.Response.Allowed {
		t.Fatalf("%+v", r.Response.Status)
	}
	if got.Operation != webhook.Update || got.Subresource != "status" || !got.DryRun || got.Namespace != "ns" ||
		got.Name != "w" || got.UID != "u-1" || got.User.Username != "jane" || len(got.User.Groups) != 1 ||
		got.Kind.Version != "v1" || got.RequestKind.Version != "v1beta1" || got.RequestResource.Version != "v1beta1" ||
		string(got.Options) != `{"a":1}` || *got.Object.Spec.Size != 2 || *got.OldObject.Spec.Size != 1 ||
		got.Object.Kind != "Widget" {
		t.Errorf("the request is %+v", got)
	}
	reviewed(t, h, `"operation":"CREATE","object":{},"oldObject":null,"options":null`)
	if got.Object == nil || got.OldObject != nil || got.DryRun || got.Options != nil || got.RequestKind != got.Kind {
		t.Errorf("of a create: %+v", got)
	}
	reviewed(t, h, `"operation":"DELETE","object":null,"oldObject":{}`)
	if got.Object != nil || got.OldObject == nil {
		t.Errorf("of a delete: %+v", got)
	}
}

// What an error tells the user.
func TestErrorsOfFunctions(t *testing.T) {
	log := logged(t)
	fields := field.ErrorList{field.Invalid(field.NewPath("spec", "size"), 3, "too large"), field.Required(field.NewPath("spec", "color"), "")}
	for _, c := range []struct {
		err    error
		code   int32
		reason metav1.StatusReason
		text   string
	}{
		{webhook.Deny("not on %s", "Friday"), 403, metav1.StatusReasonForbidden, "not on Friday"},
		{fmt.Errorf("check: %w", webhook.Deny("no")), 403, metav1.StatusReasonForbidden, "no"},
		{&webhook.Denied{Message: "no"}, 403, metav1.StatusReasonForbidden, "no"},
		{&webhook.Denied{Code: 399, Message: "no"}, 403, metav1.StatusReasonForbidden, "no"},
		{&webhook.Denied{Code: 400, Message: "no"}, 400, metav1.StatusReasonBadRequest, "no"},
		{&webhook.Denied{Code: 409, Message: "no"}, 409, metav1.StatusReasonConflict, "no"},
		{&webhook.Denied{Code: 599, Message: "no"}, 599, "", "no"},
		{&webhook.Denied{Code: 600, Message: "no"}, 403, metav1.StatusReasonForbidden, "no"},
		{webhook.Invalid(fields), 422, metav1.StatusReasonInvalid, `Widget.webhook.skiff.test "w" is invalid: [spec.size`},
		{fields.ToAggregate(), 422, metav1.StatusReasonInvalid, "spec.color: Required value"},
		{fields[0], 422, metav1.StatusReasonInvalid, "spec.size"},
		{apierrors.NewForbidden(schema.GroupResource{Resource: "x"}, "y", nil), 403, metav1.StatusReasonForbidden, "forbidden"},
		{fmt.Errorf("item 3: %w", webhook.Deny("no")), 403, metav1.StatusReasonForbidden, "item 3: no"},
		{fmt.Errorf("item 3: %w", fields[0]), 422, metav1.StatusReasonInvalid, `Widget.webhook.skiff.test "w" is invalid: item 3: spec.size: `},
		{errors.Join(fields[0], fields[1]), 422, metav1.StatusReasonInvalid, "spec.color: Required value"},
		{errors.Join(fields[0], webhook.Deny("no")), 403, metav1.StatusReasonForbidden, "spec.size"},
		{errors.Join(webhook.Invalid(fields[:1]), webhook.Invalid(fields[1:])), 422, metav1.StatusReasonInvalid, "spec.color: Required value"},
		{&webhook.Denied{Message: "see the handbook", Fields: fields}, 422, metav1.StatusReasonInvalid, "see the handbook: [spec.size"},
		{fmt.Errorf("look up: %w", apierrors.NewNotFound(schema.GroupResource{Resource: "x"}, "y")), 404, metav1.StatusReasonNotFound, "look up: "},
	} {
		log.Reset()
		h := webhook.Validate(func(context.Context, *webhook.Request[Widget]) ([]string, error) {
			return []string{"mind the gap"}, c.err
		})
		r := reviewed(t, h, `"operation":"CREATE","object":{}`).Response
		if r.Allowed || r.Status == nil || r.Status.Code != c.code || r.Status.Reason != c.reason ||
			r.Status.Status != "Failure" || !strings.Contains(r.Status.Message, c.text) || len(r.Warnings) != 1 {
			t.Errorf("%v: %+v", c.err, r)
		}
		if c.code == 422 && (len(r.Status.Details.Causes) == 0 || r.Status.Details.Kind != "Widget") {
			t.Errorf("%v: the details are %+v", c.err, r.Status.Details)
		}
		if log.Len() > 0 {
			t.Errorf("%v: logged %q", c.err, log)
		}
		if c.code == 422 && strings.Contains(c.err.Error(), "color") && len(r.Status.Details.Causes) != 2 {
			t.Errorf("%v: the causes are %+v", c.err, r.Status.Details.Causes)
		}
	}
	if webhook.Invalid(nil) != nil {
		t.Error("no errors are an error")
	}
}

// A fault is no review, so that failurePolicy decides about the request. It is logged.
func TestFaultsOfFunctions(t *testing.T) {
	log := logged(t)
	required := field.Required(field.NewPath("spec", "color"), "")
	for _, c := range []struct {
		err  error
		code int
		text string
	}{
		{apierrors.NewInternalError(errors.New("x")), 500, "x"},
		{apierrors.NewServiceUnavailable("x"), 500, "x"},
		{&apierrors.StatusError{}, 500, "the webhook failed"},
		{errors.New("database gone"), 500, "database gone"},
		{errors.Join(errors.New("database gone"), errors.New("x")), 500, "database gone"},
		{errors.Join(required, errors.New("database gone")), 500, "database gone"},
		{errors.Join(webhook.Deny("no"), errors.New("database gone")), 500, "database gone"},
		{(*webhook.Denied)(nil), 500, "the webhook panicked"},
		{fmt.Errorf("x: %w", context.DeadlineExceeded), 500, "x: "}, // of something else than the request
	} {
		log.Reset()
		h := webhook.Validate(func(context.Context, *webhook.Request[Widget]) ([]string, error) { return nil, c.err })
		w := post(h, h.Path(), review(`"operation":"CREATE","object":{}`))
		if w.Code != c.code || strings.TrimSpace(w.Body.String()) == "" || !strings.Contains(w.Body.String(), c.text) ||
			strings.Contains(w.Body.String(), "allowed") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if strings.Count(log.String(), "failurePolicy decides") != 1 || !strings.Contains(log.String(), h.Path()) {
			t.Errorf("%d: logged %q", w.Code, log)
		}
	}
}

// A panic is answered, logged, and says nothing of what it panicked with to the user.
func TestPanics(t *testing.T) {
	log := logged(t)
	h := webhook.Default(func(context.Context, *webhook.Request[Widget]) error { panic("s3cret") })
	w := post(h, h.Path(), review(`"operation":"CREATE","object":{}`))
	if w.Code != 500 || strings.TrimSpace(w.Body.String()) != "the webhook panicked" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "s3cret") || !strings.Contains(got, h.Path()) {
		t.Errorf("logged %s", got)
	}
}

// Requests that no function is called for.
func TestRequestsForOthers(t *testing.T) {
	h := webhook.Validate(func(context.Context, *webhook.Request[appsv1.Deployment]) ([]string, error) {
		t.Error("it was called")
		return nil, nil
	})
	r := reviewed(t, h, `"operation":"UPDATE","subResource":"scale","object":{}`).Response
	if r.Allowed || r.Status.Code != 400 || !strings.Contains(r.Status.Message, "is for apps/v1 Deployment, and was called for webhook.skiff.test/v1 Widget (resource widgets/scale, operation UPDATE)") {
		t.Errorf("%+v", r.Status)
	}
	w := webhook.Validate(func(context.Context, *webhook.Request[Widget]) ([]string, error) {
		t.Error("it was called")
		return nil, nil
	})
	for fields, want := range map[string]string{
		`"operation":"PATCH","object":{}`: `the operation "PATCH" is unknown`,
		`"object":{}`:                     `the operation "" is unknown`,
		`"operation":"CREATE","object":{"spec":{"size":"big"}}`: "read object:",
	} {
		if r := reviewed(t, w, fields).Response; r.Allowed || r.Status.Code != 400 || !strings.Contains(r.Status.Message, want) {
			t.Errorf("%s: %+v", fields, r.Status)
		}
	}
}

// An old object that cannot be decoded is the function's to judge: refused, it could neither be changed
// nor deleted.
func TestAnOldObjectThatCannotBeDecoded(t *testing.T) {
	const old = `"oldObject":{"spec":{"parts":{"a":true}}}`
	var got error
	validate := webhook.Validate(func(_ context.Context, r *webhook.Request[Widget]) ([]string, error) {
		if got = r.OldObjectErr; (r.OldObject != nil) != (got == nil) {
			t.Errorf("the old object is %+v", r.OldObject)
		}
		return nil, nil
	})
	for _, fields := range []string{`"operation":"DELETE",` + old, `"operation":"UPDATE","object":{},` + old} {
		if r := reviewed(t, validate, fields).Response; !r.Allowed || got == nil || !strings.Contains(got.Error(), "read old object: ") {
			t.Errorf("%s: %+v, %v", fields, r.Status, got)
		}
	}
	if reviewed(t, validate, `"operation":"DELETE","oldObject":{}`); got != nil {
		t.Error(got)
	}
	set := webhook.Default(func(_ context.Context, r *webhook.Request[Widget]) error {
		r.Object.Spec.Color = "red"
		return nil
	})
	if r := reviewed(t, set, `"operation":"UPDATE","object":{},`+old).Response; !r.Allowed || r.Patch == nil {
		t.Errorf("%+v", r.Status)
	}
}

// What a review holds is quoted up to the length of a name.
func TestQuotesAreBounded(t *testing.T) {
	log := logged(t)
	h := webhook.Validate(func(context.Context, *webhook.Request[Widget]) ([]string, error) { return nil, nil })
	long := strings.Repeat("x", 1<<20)
	for _, body := range []string{
		`{"apiVersion":"admission.k8s.io/v1","kind":"` + long + `"}`,
		`{"apiVersion":"` + long + `","kind":"AdmissionReview"}`,
		review(`"operation":"` + long + `"`),
		strings.Replace(review(`"operation":"CREATE"`), `"kind":"Widget"`, `"kind":"`+long+`"`, 1),
		strings.Replace(review(`"operation":"CREATE"`), `"widgets"`, `"`+long+`"`, 1),
		strings.Replace(review(`"operation":"CREATE"`), `"kind":"Widget"`, `"kind":"Gadget"`, 1)[:1] + `"` + long,
	} {
		log.Reset()
		w := post(h, h.Path(), body)
		if n := w.Body.Len(); n > 2000 {
			t.Errorf("%.60s: answered %d bytes", body, n)
		}
		if log.Len() > 4096 {
			t.Errorf("%.60s: logged %d bytes", body, log.Len())
		}
	}
}

// The patch has what the function changed. TestDefaultsKeepUnknownFields has the random ones.
func TestDefault(t *testing.T) {
	calls := 0
	h := webhook.Default(func(_ context.Context, r *webhook.Request[Widget]) error {
		calls++
		if r.Object.Spec.Size == nil {
			r.Object.Spec.Size = new(int32)
		}
		return nil
	})
	if h.Path() != "/mutate-webhook-skiff-test-v1-widget" {
		t.Error(h.Path())
	}
	r := reviewed(t, h, `"operation":"CREATE","object":{"metadata":{"name":"w"},"spec":{"new":true}}`).Response
	if !r.Allowed || string(r.Patch) != `[{"op":"add","path":"/spec/size","value":0}]` || r.PatchType != "JSONPatch" {
		t.Errorf("%s %+v", r.Patch, r)
	}
	if r := reviewed(t, h, `"operation":"CREATE","object":{}`).Response; string(r.Patch) != `[{"op":"add","path":"/spec","value":{"size":0}}]` {
		t.Errorf("without a spec: %s", r.Patch)
	}
	if r := reviewed(t, h, `"operation":"UPDATE","object":{"spec":{"size":1}}`).Response; !r.Allowed || r.Patch != nil || r.PatchType != "" {
		t.Errorf("nothing to do: %+v", r)
	}
	if r := reviewed(t, h, `"operation":"DELETE","oldObject":{}`).Response; !r.Allowed || calls != 3 {
		t.Errorf("of a delete: %+v, %d calls", r, calls)
	}
}

// A function may set another object, and may not take it away.
func TestDefaultOfAnotherObject(t *testing.T) {
	logged(t)
	for patch, to := range map[string]*Widget{`[{"op":"add","path":"/spec/color","value":"red"}]`: {Spec: WidgetSpec{Color: "red"}}, "": nil} {
		h := webhook.Default(func(_ context.Context, r *webhook.Request[Widget]) error {
			if to != nil {
				to.TypeMeta = r.Object.TypeMeta
			}
			r.Object = to
			return nil
		})
		const fields = `"operation":"CREATE","object":{"apiVersion":"webhook.skiff.test/v1","kind":"Widget","spec":{"new":true}}`
		if to == nil {
			if w := post(h, h.Path(), review(fields)); w.Code != 500 || !strings.Contains(w.Body.String(), "took the object away") {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			continue
		}
		if r := reviewed(t, h, fields).Response; string(r.Patch) != patch || !r.Allowed {
			t.Errorf("%s %+v", r.Patch, r)
		}
	}
}

func TestValidateRaw(t *testing.T) {
	h := webhook.ValidateRaw("/exec", func(_ context.Context, r *webhook.Request[json.RawMessage]) ([]string, error) {
		if r.Operation != webhook.Connect || r.OldObject != nil {
			t.Errorf("%+v", r)
		}
		return nil, webhook.Deny("%s", *r.Object)
	})
	if r := reviewed(t, h, `"operation":"CONNECT","subResource":"exec","object":{"command":["sh"]}`).Response; r.Status.Message != `{"command":["sh"]}` {
		t.Errorf("%+v", r.Status)
	}
}

// Warnings are cut as the API server cuts them: at each bound, below and above it.
func TestWarningsAreBounded(t *testing.T) {
	warned := func(warnings ...string) []string {
		h := webhook.Validate(func(context.Context, *webhook.Request[Widget]) ([]string, error) { return warnings, nil })
		return reviewed(t, h, `"operation":"CREATE","object":{}`).Response.Warnings
	}
	for n, want := range map[int]int{255: 255, 256: 256, 257: 256} {
		if got := warned(strings.Repeat("ü", n)); len(got) != 1 || utf8.RuneCountInString(got[0]) != want {
			t.Errorf("of %d characters: %q", n, got)
		}
	}
	for last, want := range map[int]int{255: 4095, 256: 4096, 257: 4096} {
		var all []string
		for i := range 15 {
			all = append(all, strings.Repeat(string(rune('a'+i)), 256))
		}
		total := 0
		for _, w := range warned(append(all, strings.Repeat("ü", last), "one more")...) {
			total += utf8.RuneCountInString(w)
		}
		if last == 255 {
			want++ // one character of the one that follows
		}
		if total != want {
			t.Errorf("with a last one of %d: %d characters", last, total)
		}
	}
	if got := warned("a\nb\x00", " ", "a b", "\xff"); len(got) != 2 || got[0] != "a b" || got[1] != "?" {
		t.Errorf("%q", got)
	}
}

// What is no review is refused, each with its status.
func TestWhatIsNoReview(t *testing.T) {
	logged(t)
	h := webhook.Validate(func(context.Context, *webhook.Request[Widget]) ([]string, error) { return nil, nil })
	for body, want := range map[string]string{
		``:   "read review",
		`{`:  "read review",
		`[]`: "read review",
		`{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview"}`:               "admissionReviewVersions",
		`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}`:                    "no request",
		`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{}}`:       "uid",
		`{"apiVersion":"admission.k8s.io/v1","kind":"Pod","request":{"uid":"x"}}`:          "Pod",
		`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":"a text"}`: "read review",
	} {
		if w := post(h, h.Path(), body); w.Code != 400 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
	for _, c := range []struct {
		method, contentType string
		want                int
	}{
		{"GET", "application/json", 405}, {"PUT", "application/json", 405}, {"POST", "", 415}, {"POST", "text/plain", 415},
		{"POST", "application/json; charset=utf-8", 200}, {"POST", "application/json", 200},
	} {
		r := httptest.NewRequest(c.method, h.Path(), strings.NewReader(review(`"operation":"CREATE","object":{}`)))
		r.Header.Set("Content-Type", c.contentType)
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != c.want {
			t.Errorf("%s %s: %d %s", c.method, c.contentType, w.Code, w.Body)
		}
	}
	for extra, want := range map[int]int{-1: 400, 0: 400, 1: 413} {
		body := strings.Repeat("x", 8<<20+extra) // 400: it was read, and is no JSON
		if w := post(h, h.Path(), body); w.Code != want {
			t.Errorf("a body of 8 MiB%+d: %d", extra, w.Code)
		}
		r := httptest.NewRequest("POST", h.Path(), strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.ContentLength = -1 // chunked
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != 411 {
			t.Errorf("a chunked body of 8 MiB%+d: %d", extra, w.Code)
		}
	}
}

// The function has a little less time than the API server waits.
func TestTheTimeOfAFunction(t *testing.T) {
	logged(t)
	var left time.Duration
	h := webhook.Validate(func(ctx context.Context, r *webhook.Request[Widget]) ([]string, error) {
		until, _ := ctx.Deadline()
		left = time.Until(until)
		if r.Subresource == "wait" {
			<-ctx.Done()
			return nil, fmt.Errorf("ask: %w", ctx.Err())
		}
		return nil, nil
	})
	for query, want := range map[string]time.Duration{
		"": 29500 * time.Millisecond, "?timeout=": 29500 * time.Millisecond, "?timeout=x": 29500 * time.Millisecond,
		"?timeout=0s": 29500 * time.Millisecond, "?timeout=-1s": 29500 * time.Millisecond, "?timeout=31s": 29500 * time.Millisecond,
		"?timeout=30s": 29500 * time.Millisecond, "?timeout=10s": 9500 * time.Millisecond, "?timeout=1s": 900 * time.Millisecond,
	} {
		if post(h, h.Path()+query, review(`"operation":"CREATE","object":{}`)); left > want || left < want-want/2 {
			t.Errorf("%s: %v", query, left)
		}
	}
	w := post(h, h.Path()+"?timeout=10ms", review(`"operation":"CREATE","object":{},"subResource":"wait"`))
	if !strings.Contains(w.Body.String(), `ask: context deadline exceeded`) || w.Code != 500 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

type unknown struct{ metav1.ObjectMeta }

// Mistakes are told before anything is served.
func TestMistakes(t *testing.T) {
	f := func(context.Context, *webhook.Request[Widget]) ([]string, error) { return nil, nil }
	for _, c := range []struct {
		h    *webhook.Hook
		want string
	}{
		{webhook.Validate(func(context.Context, *webhook.Request[unknown]) ([]string, error) { return nil, nil }), "unknown"},
		{webhook.Validate(f, webhook.At("x")), `"x" is no path`},
		{webhook.Validate(f, webhook.At("/x?y")), "is no path"},
		{webhook.Validate(f, webhook.On("PATCH")), `"PATCH"`},
		{webhook.Validate(f, webhook.On()), "for no operation"},
		{webhook.Validate(f, webhook.Timeout(-1)), "at most 30"},
		{webhook.Validate(f, webhook.Timeout(1500*time.Millisecond)), "whole seconds"},
		{webhook.Validate(f, webhook.Timeout(31*time.Second)), "at most 30"},
		{webhook.ValidateRaw("", nil), "is no path"},
	} {
		if err := c.h.Err(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v does not say %q", err, c.want)
		}
		err := webhook.NewServer(webhook.Options{Address: "127.0.0.1:0"}, c.h).Listen(t.Context())
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "one of Certificate and Authority") {
			t.Errorf("of the server: %v", err)
		}
		if w := post(c.h, "/", "{}"); w.Code != http.StatusInternalServerError {
			t.Errorf("it answers %d", w.Code)
		}
	}
	for _, seconds := range []time.Duration{0, time.Second, 30 * time.Second} {
		if err := webhook.Validate(f, webhook.Timeout(seconds)).Err(); err != nil {
			t.Error(err)
		}
	}
	err := webhook.NewServer(webhook.Options{}, webhook.Validate(f), webhook.Validate(f), nil).Listen(t.Context())
	if err == nil || !strings.Contains(err.Error(), "two have the path /validate-webhook-skiff-test-v1-widget") || !strings.Contains(err.Error(), "nil") {
		t.Errorf("%v", err)
	}
}
