package compare

import (
	"context"
	"fmt"
	"slices"
	"strings"
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
	for _, p := range pairs() {
		r.collect(inRequests, p.name, compareSent(sendPair(t, server, kept, p)))
	}
	return r
}

// sendPair makes the calls of a pair with clients of its own. A client that is refused has sent nothing.
func sendPair(t *testing.T, server *faults.Server, kept *recorder, p pair) (their, our []request, theirErr, ourErr error) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	theirConfig := &clientgorest.Config{Host: server.URL(), Dial: server.Dial, QPS: -1}
	if p.theirConfig != nil {
		p.theirConfig(theirConfig)
	}
	theirs, theirErr := newTheirs(theirConfig)
	if theirErr == nil {
		theirErr = p.theirs(ctx, theirs)
	}
	their = kept.take()
	ourConfig := &rest.Config{Host: server.URL(), Dial: server.Dial}
	if p.ourConfig != nil {
		p.ourConfig(ourConfig)
	}
	ours, ourErr := newOurs(ourConfig)
	if ourErr == nil {
		ourErr = p.ours(ctx, ours)
		ours.rest.CloseIdleConnections()
	}
	return their, kept.take(), theirErr, ourErr
}

// compareSent returns the facets in which what was sent differs.
func compareSent(theirs, ours []request, theirErr, ourErr error) []difference {
	if len(theirs) != len(ours) {
		return []difference{{Facet: "sent", Theirs: fmt.Sprintf("%d %v", len(theirs), theirErr), Ours: fmt.Sprintf("%d %v", len(ours), ourErr)}}
	}
	// Discovery asks for several things at once.
	for _, sent := range [][]request{theirs, ours} {
		slices.SortStableFunc(sent, func(a, b request) int { return strings.Compare(a.Path, b.Path) })
	}
	var found []difference
	for i := range theirs {
		found = append(found, compareRequests(theirs[i], ours[i])...)
	}
	return found
}
