package client_test

import (
	"net/url"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestThePageSizeIs500IfTheLimitIs0AndOffIfItIsNegative(t *testing.T) {
	for _, tt := range []struct {
		limit     int64
		list, all string // the limit parameter
	}{
		{-500, "", ""},
		{-1, "", ""},
		{0, "", "500"},
		{1, "1", "1"},
		{501, "501", "501"},
	} {
		c, s := play(t, page(""), page(""))
		must(c.List(t.Context(), metav1.ListOptions{Limit: tt.limit}))(t)
		for range c.All(t.Context(), metav1.ListOptions{Limit: tt.limit}) {
		}
		for i, want := range []string{tt.list, tt.all} {
			query, err := url.ParseQuery(s.Queries()[i])
			if err != nil {
				t.Fatal(err)
			}
			if got := query.Get("limit"); got != want {
				t.Errorf("Limit %d, request %d: the limit parameter is %q, want %q", tt.limit, i, got, want)
			}
		}
	}
}
