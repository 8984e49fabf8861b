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
	namespace     string // "" is all
	labelSelector string
	fieldSelector string
	format        wire.Format
	as            string       // the kind that the server converts the objects to; "" if to none
	options       wire.Options // for reading the answers; of another kind they are errors
	pageSize      int64        // objects in a page; 0 or negative means one page for all
}

// get returns a request for the resource with parameters, keys and values by turns. The client does
// not repeat it: the reflector does, where Status shows it.
func (q *requests) get(params ...string) *rest.Request {
	req := q.client.Get().GroupVersion(q.kind.GroupVersion()).Namespace(q.namespace).
		Resource(q.kind.Resource).MaxRetries(-1) //mutants:equal[2] negative is never
	for i := 0; i < len(params); i += 2 {
		if params[i+1] != "" {
			req.Param(params[i], params[i+1])
		}
	}
	return req
}

// selected is get for the objects that are selected. A parameter without a value is left out.
func (q *requests) selected(params ...string) *rest.Request {
	return q.get(append(params, "labelSelector", q.labelSelector, "fieldSelector",
		q.fieldSelector)...).Format(q.format).As(q.as)
}

const notOlderThan = "NotOlderThan"

// watchList asks for a watch that begins with the objects that exist, and that ends after a time.
// Without a resourceVersion they are of the most recent state, never older than what is cached.
func (q *requests) watchList(lasts time.Duration) *rest.Request {
	return q.selected("sendInitialEvents", "true", "resourceVersionMatch", notOlderThan,
		"allowWatchBookmarks", "true", "timeoutSeconds", seconds(lasts))
}

// watch asks for the changes after a version, for a time.
func (q *requests) watch(version string, lasts time.Duration) *rest.Request {
	return q.selected("resourceVersion", version, "allowWatchBookmarks", "true",
		"timeoutSeconds", seconds(lasts))
}

// page asks for a page of a list: the first one if token is empty, else the one that it stands for.
func (q *requests) page(list *paging, token string) *rest.Request {
	limit, version, match := "", "", ""
	if !list.whole && q.pageSize > 0 {
		limit = strconv.FormatInt(q.pageSize, 10)
	}
	if token == "" {
		if version = list.from; version != mostRecent && version != anyState {
			match = notOlderThan
		}
	}
	return q.selected("limit", limit, "continue", token, "resourceVersion", version,
		"resourceVersionMatch", match)
}

// check asks for one object of a list that must not be older than a version. If the server has not
// come to that version, the answer is 504 ("too large resource version"), at once or after the three
// seconds that its cache waits.
func (q *requests) check(version string) *rest.Request {
	return q.selected("limit", "1", "resourceVersion", version, "resourceVersionMatch", notOlderThan)
}

// newest asks for one object of a list of the most recent state, whose version is the server's
// newest.
func (q *requests) newest() *rest.Request { return q.selected("limit", "1") }

// comeTo asks the server to bring its cache of the resource to a version. While the resource is
// idle, that cache is hardly further than the last change, and so are the bookmarks. A list that
// must not be older than a version makes the server ask etcd; a list of a name that no object can
// have is empty.
func (q *requests) comeTo(version string) *rest.Request {
	return q.get("fieldSelector", "metadata.name=-", "resourceVersion", version,
		"resourceVersionMatch", notOlderThan)
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
