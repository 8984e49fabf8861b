package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/faults"
	"github.com/skiff-k8s/skiff/rest"
)

// page answers with a page of config maps.
func page(cont string, names ...string) faults.Fault { return faults.JSON(pageJSON(cont, names...)) }

func pageJSON(cont string, names ...string) string {
	var items []string
	for _, name := range names {
		items = append(items, fmt.Sprintf(`{"metadata":{"name":%q,"namespace":"n","managedFields":[{"manager":"m"}]}}`, name))
	}
	return fmt.Sprintf(`{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":"7","continue":%q},"items":[%s]}`,
		cont, strings.Join(items, ","))
}

// cut answers with the first n bytes of a page, and breaks off.
func cut(n int, page string) faults.Fault { return faults.All(faults.Cut(n), faults.JSON(page)) }

// play returns a client of a server that gives these answers one after the other, and no other.
func play(t *testing.T, answers ...faults.Fault) (*client.Client[corev1.ConfigMap], *faults.Layer) {
	t.Helper()
	s := faults.NewLayer(faults.Status(http.StatusTeapot).Handler(nil), faults.InOrder(answers...)...)
	srv := faults.Start(t, s, faults.Options{})
	c, err := rest.NewClient(&rest.Config{Host: srv.URL(), Dial: srv.Dial, MaxRetries: -1, Logger: faults.NewLog().Logger()})
	if err != nil {
		t.Fatal(err)
	}
	return client.Of[corev1.ConfigMap](c).In("n"), s
}

// names drains an iterator.
func names(c *client.Client[corev1.ConfigMap], ctx context.Context, opts metav1.ListOptions) (out []string, err error) {
	for cm, err := range c.All(ctx, opts) {
		if err != nil {
			return out, err
		}
		out = append(out, cm.Name)
	}
	return out, nil
}

// A server that repeats its token would be asked for ever.
func TestAllEndsIfATokenIsRepeated(t *testing.T) {
	c, s := play(t, page("t1", "a"), page("t1", "b"), page("t1", "c"))
	got, err := names(c, t.Context(), metav1.ListOptions{})
	if want := []string{"a", "b"}; !slices.Equal(got, want) || err == nil || !strings.Contains(err.Error(), "repeats a continue token") {
		t.Errorf("got %q, %v", got, err)
	}
	if n := len(s.Requests()); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
}

func TestAllFollowsThePages(t *testing.T) {
	c, s := play(t, page("t1", "a", "b"), page("t2"), page("", "c"))
	got, err := names(c, t.Context(), metav1.ListOptions{ResourceVersion: "0", ResourceVersionMatch: "NotOlderThan", LabelSelector: "l"})
	if err != nil || !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("%q, %v", got, err)
	}
	want := []string{
		"labelSelector=l&limit=500&resourceVersion=0&resourceVersionMatch=NotOlderThan",
		"continue=t1&labelSelector=l&limit=500",
		"continue=t2&labelSelector=l&limit=500",
	}
	if q := s.Queries(); !slices.Equal(q, want) {
		t.Errorf("the queries are\n%q, want\n%q", q, want)
	}
}

func TestAllAsksForTheNextPageOnlyWhenItIsNeeded(t *testing.T) {
	c, s := play(t, page("t1", "a", "b"), page("", "c"))
	for cm, err := range c.All(t.Context(), metav1.ListOptions{Limit: 2}) {
		if err != nil {
			t.Fatal(err)
		}
		if cm.Name == "b" {
			break
		}
	}
	if q := s.Queries(); !slices.Equal(q, []string{"limit=2"}) {
		t.Errorf("the queries are %q", q)
	}
}

func TestAllBeginsAnewWithEachUse(t *testing.T) {
	c, _ := play(t, page("t1", "a"), page("", "b"), page("", "a2"))
	seq := c.All(t.Context(), metav1.ListOptions{})
	for _, want := range []string{"a b", "a2"} {
		var got []string
		for cm, err := range seq {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, cm.Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestAnExpiredContinueTokenIsAnErrorThatSaysSo(t *testing.T) {
	c, s := play(t, page("t1", "a", "b"), faults.Status(410), page("", "never"))
	got, err := names(c, t.Context(), metav1.ListOptions{})
	if !slices.Equal(got, []string{"a", "b"}) || !apierrors.IsResourceExpired(err) {
		t.Errorf("%q, %v", got, err)
	}
	for _, says := range []string{"configmaps", "first 2 objects", "begin again"} {
		if !strings.Contains(err.Error(), says) {
			t.Errorf("the error does not say %q: %v", says, err)
		}
	}
	if n := len(s.Queries()); n != 2 {
		t.Errorf("%d requests", n)
	}
}

func TestAPageThatBreaksOffIsAskedForAgain(t *testing.T) {
	whole := pageJSON("", "c", "d", "e")
	c, s := play(t, page("t1", "a", "b"), cut(len(whole)-40, whole), cut(20, whole), page("", "c", "d", "e"))
	got, err := names(c, t.Context(), metav1.ListOptions{})
	if err != nil || !slices.Equal(got, []string{"a", "b", "c", "d", "e"}) {
		t.Errorf("%q, %v", got, err)
	}
	if q := s.Queries(); len(q) != 4 || q[3] != "continue=t1&limit=500" {
		t.Errorf("the queries are %q", q)
	}

	c, s = play(t, cut(20, whole), cut(20, whole), cut(20, whole), page("", "never"))
	if got, err := names(c, t.Context(), metav1.ListOptions{}); err == nil || len(got) != 0 || len(s.Queries()) != 3 {
		t.Errorf("a list that always breaks off: %q, %v, %d requests", got, err, len(s.Queries()))
	}

	c, _ = play(t, cut(len(whole)-40, whole), page("", "c", "d", "e"))
	list, err := c.List(t.Context(), metav1.ListOptions{})
	if err != nil || len(list.Items) != 3 || list.Items[0].Name != "c" {
		t.Errorf("List: %+v, %v", list, err)
	}
}

func TestAListThatIsWrongIsNotAskedForAgain(t *testing.T) {
	c, s := play(t, faults.JSON(`{"kind":"ConfigMapList","apiVersion":"v1","items":[{"metadata":}]}`), page("", "never"))
	if got, err := names(c, t.Context(), metav1.ListOptions{}); err == nil || len(got) != 0 || len(s.Queries()) != 1 {
		t.Errorf("%q, %v, %d requests", got, err, len(s.Queries()))
	}
}

func TestAllEndsWithItsContext(t *testing.T) {
	c, s := play(t, page("t1", "a", "b", "c"), page("", "never"))
	tired := errors.New("tired")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	var got []string
	var last error
	for cm, err := range c.All(ctx, metav1.ListOptions{}) {
		if last = err; err != nil {
			break
		}
		got = append(got, cm.Name)
		cancel(tired)
	}
	if !slices.Equal(got, []string{"a"}) || !errors.Is(last, tired) || !errors.Is(last, context.Canceled) || len(s.Queries()) != 1 {
		t.Errorf("%q, %v, %d requests", got, last, len(s.Queries()))
	}
}

func TestListsSayWhatTheyAreAndLeaveOutManagedFieldsUnlessAsked(t *testing.T) {
	c, _ := play(t, page("", "a"), page(""))
	list, err := c.List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}
	if item := list.Items[0]; item.TypeMeta != want || len(item.ManagedFields) != 0 {
		t.Errorf("the item is %+v", item)
	}
	if list.Kind != "ConfigMapList" || list.APIVersion != "v1" || list.ResourceVersion != "7" {
		t.Errorf("the list is %+v, %+v", list.TypeMeta, list.ListMeta)
	}
	if list, err = c.List(t.Context(), metav1.ListOptions{}); err != nil || list.Items == nil || len(list.Items) != 0 {
		t.Errorf("an empty list: %+v, %v", list, err)
	}
	srv := faults.Start(t, page("", "a").Handler(nil), faults.Options{})
	r, err := rest.NewClient(&rest.Config{Host: srv.URL(), Dial: srv.Dial})
	if err != nil {
		t.Fatal(err)
	}
	list, err = client.Of[corev1.ConfigMap](r, client.KeepManagedFields()).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(list.Items) != 1 || len(list.Items[0].ManagedFields) != 1 {
		t.Errorf("with KeepManagedFields: %+v, %v", list, err)
	}
}

// namesAgain drains AllOrAgain.
func namesAgain(c *client.Client[corev1.ConfigMap], ctx context.Context, opts metav1.ListOptions) (out []string, err error) {
	for cm, err := range c.AllOrAgain(ctx, opts) {
		if err != nil {
			return out, err
		}
		out = append(out, cm.Name)
	}
	return out, nil
}

func TestAllOrAgainListsAgainForWhatIsMissing(t *testing.T) {
	gone := faults.Status(410)
	c, s := play(t, page("t1", "a", "b"), gone, page("u1", "a", "b2"), page("u2", "c"), gone, page("", "a", "b", "d"))
	got, err := namesAgain(c, t.Context(), metav1.ListOptions{Limit: 2, ResourceVersion: "7", ResourceVersionMatch: "Exact", LabelSelector: "l"})
	if err != nil || !slices.Equal(got, []string{"a", "b", "b2", "c", "d"}) {
		t.Errorf("%q, %v", got, err)
	}
	want := []string{
		"labelSelector=l&limit=2&resourceVersion=7&resourceVersionMatch=Exact", "continue=t1&labelSelector=l&limit=2",
		"labelSelector=l&limit=2", "continue=u1&labelSelector=l&limit=2", "continue=u2&labelSelector=l&limit=2", "labelSelector=l&limit=2",
	}
	if q := s.Queries(); !slices.Equal(q, want) {
		t.Errorf("the queries are\n%q, want\n%q", q, want)
	}

	// A token of the caller's own that has expired is such a list, too.
	c, _ = play(t, gone, page("", "a"))
	if got, err := namesAgain(c, t.Context(), metav1.ListOptions{Continue: "old"}); err != nil || !slices.Equal(got, []string{"a"}) {
		t.Errorf("%q, %v", got, err)
	}
	c, _ = play(t, faults.Status(500))
	if got, err := namesAgain(c, t.Context(), metav1.ListOptions{}); !apierrors.IsInternalError(err) || len(got) > 0 {
		t.Errorf("%q, %v", got, err)
	}
}

// Lists that expire before they bring anything new are no way to go on.
func TestAllOrAgainIsBounded(t *testing.T) {
	for _, expire := range []int{3, 4, 5} { // the first of them has brought one
		answers := []faults.Fault{page("t", "a")}
		for range expire {
			answers = append(answers, faults.Status(410), page("t", "a"))
		}
		c, s := play(t, append(answers, page("", "b"))...)
		got, err := namesAgain(c, t.Context(), metav1.ListOptions{})
		if expire < 4 && (err != nil || !slices.Equal(got, []string{"a", "b"})) || expire >= 4 && (!apierrors.IsResourceExpired(err) || len(s.Requests()) != 8) {
			t.Errorf("%d: %q, %v, %d requests", expire, got, err, len(s.Requests()))
		}
	}
}

func TestAllOrAgainEndsWithTheLoop(t *testing.T) {
	c, s := play(t, page("t1", "a"), page("", "never"))
	for range c.AllOrAgain(t.Context(), metav1.ListOptions{}) {
		break
	}
	if n := len(s.Requests()); n != 1 {
		t.Errorf("%d requests", n)
	}
}
