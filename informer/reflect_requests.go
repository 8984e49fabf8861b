package informer

import (
	"strconv"
	"time"

	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/wire"
)

// requests makes the requests of a reflector.
type requests struct {
	client        *rest.Client
	kind          kind.Info
	apiVersion    string // kind.APIVersion()
	namespace     string // "" is all
	labelSelector string
	fieldSelector string
	format        wire.Format
	options       wire.Options // for reading the answers; objects without a kind are left so
	pageSize      int64        // objects in a page; 0 or negative means one page for all
}

// get begins a request for the resource. The client does not repeat it: the reflector does, where
// Status shows it.
func (q *requests) get() *rest.Request {
	return q.client.Get().GroupVersion(q.kind.GroupVersion()).Namespace(q.namespace).
		Resource(q.kind.Resource).MaxRetries(-1)
}

func (q *requests) selected() *rest.Request {
	req := q.get().Format(q.format)
	if q.labelSelector != "" {
		req.Param("labelSelector", q.labelSelector)
	}
	if q.fieldSelector != "" {
		req.Param("fieldSelector", q.fieldSelector)
	}
	return req
}

// watchList asks for a watch that begins with the objects that exist, and that ends after a time.
// Without a resourceVersion they are of the most recent state, never older than what is cached.
func (q *requests) watchList(lasts time.Duration) *rest.Request {
	return q.selected().
		Param("sendInitialEvents", "true").
		Param("resourceVersionMatch", "NotOlderThan").
		Param("allowWatchBookmarks", "true").
		Param("timeoutSeconds", seconds(lasts))
}

// watch asks for the changes after a version, for a time.
func (q *requests) watch(version string, lasts time.Duration) *rest.Request {
	return q.selected().
		Param("resourceVersion", version).
		Param("allowWatchBookmarks", "true").
		Param("timeoutSeconds", seconds(lasts))
}

// page asks for a page of a list: the first one if token is empty, else the one that it stands for.
func (q *requests) page(list *paging, token string) *rest.Request {
	req := q.selected()
	if !list.whole && q.pageSize > 0 {
		req.Param("limit", strconv.FormatInt(q.pageSize, 10))
	}
	switch {
	case token != "":
		req.Param("continue", token)
	case list.from == mostRecent:
	case list.from == anyState:
		req.Param("resourceVersion", anyState)
	default:
		req.Param("resourceVersion", list.from).Param("resourceVersionMatch", "NotOlderThan")
	}
	return req
}

// check asks for one object of a list that must not be older than a version. If the server has not
// come to that version, the answer is 504 ("too large resource version"), at once or after the three
// seconds that its cache waits.
func (q *requests) check(version string) *rest.Request {
	return q.selected().
		Param("limit", "1").
		Param("resourceVersion", version).
		Param("resourceVersionMatch", "NotOlderThan")
}

// comeTo asks the server to bring its cache of the resource to a version. While the resource is
// idle, that cache is hardly further than the last change, and so are the bookmarks. A list that
// must not be older than a version makes the server ask etcd; a list of a name that no object can
// have is empty.
func (q *requests) comeTo(version string) *rest.Request {
	return q.get().
		Param("fieldSelector", "metadata.name=-").
		Param("resourceVersion", version).
		Param("resourceVersionMatch", "NotOlderThan")
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
