package compare

import (
	"context"
	"fmt"
	"testing"
	"time"

	clientgorest "k8s.io/client-go/rest"

	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/skifftest/faults"
)

func runRequests(t *testing.T) *results {
	r := &results{}
	kept := &recorder{}
	server := faults.Start(t, kept, faults.Options{})
	theirs, err := newTheirs(&clientgorest.Config{Host: server.URL(), Dial: server.Dial, QPS: -1})
	if err != nil {
		t.Fatal(err)
	}
	ours, err := newOurs(&rest.Config{Host: server.URL(), Dial: server.Dial})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range operations() {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		_, theirErr := theirs.do(ctx, o)
		their := kept.take()
		_, ourErr := ours.do(ctx, o)
		our := kept.take()
		cancel()
		r.collect(inRequests, o.line(), compareSent(their, our, theirErr, ourErr))
	}
	return r
}

// compareSent returns the facets in which what was sent differs.
func compareSent(theirs, ours []request, theirErr, ourErr error) []difference {
	if len(theirs) != len(ours) {
		return []difference{{Facet: "sent", Theirs: fmt.Sprintf("%d %v", len(theirs), theirErr), Ours: fmt.Sprintf("%d %v", len(ours), ourErr)}}
	}
	var found []difference
	for i := range theirs {
		found = append(found, compareRequests(theirs[i], ours[i])...)
	}
	return found
}
