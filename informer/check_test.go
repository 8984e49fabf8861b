package informer

import (
	"io"
	"strings"
	"testing"
)

// Only a list of the resource that is not older than what has been read shows that the server has come
// there. After any other answer with 200 the next request is a list.
func TestACheckReadsTheAnswer(t *testing.T) {
	list := func(version, items string) string {
		return `{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":"` + version + `"},"items":[` + items + `]}`
	}
	for body, next := range map[string]string{
		list("10", mapOf("a", "5")): "watch 10",
		list("11", ""):              "watch 10",
		list("9", mapOf("a", "5")):  "watch-list",
		list("", ""):                "watch-list",
		list("10", `{"kind":"Secret","apiVersion":"v1","metadata":{"name":"a"}}`): "watch-list",
		saidError(statusFailed): "watch-list",
		"{}":                    "watch-list",
		"null":                  "watch-list",
		"<html>":                "watch-list",
	} {
		play(t, nil, func(s *script) {
			_ = s.expect("watch-list").watch(saidListEnd("10")).CloseWithError(io.ErrUnexpectedEOF)
			s.expect("check 10").reply(200, strings.NewReader(body))
			if _, got := s.next(); got != next {
				t.Errorf("after a check that was answered by %s the request is %q, want %q", body, got, next)
			}
		})
	}
}
