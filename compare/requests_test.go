package compare

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	clientgorest "k8s.io/client-go/rest"

	"github.com/skiff-k8s/skiff/faults"
	"github.com/skiff-k8s/skiff/rest"
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

// What the row about the metadata client's names says: the path of "." is that of the collection, and
// the path of ".." that of the namespace.
func TestTheMetadataClientOfClientGoDeletesMore(t *testing.T) {
	kept := &recorder{}
	server := faults.Start(t, kept, faults.Options{})
	theirs, err := newTheirs(&clientgorest.Config{Host: server.URL(), Dial: server.Dial})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{".": "/api/v1/namespaces/ns/pods", "..": "/api/v1/namespaces/ns"} {
		if _, err := theirs.do(t.Context(), operation{layer: metadata, verb: remove, on: pods, namespace: "ns", name: name}); err != nil {
			t.Error(err)
		}
		if got := kept.take(); len(got) != 1 || got[0].Method != "DELETE" || got[0].Path != want {
			t.Errorf("the delete of %q is %+v, want one of %s: the row is not true any more", name, got, want)
		}
	}
}
