package faults

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// freshness is how long a server waits for a version that it has not come to.
const freshness = 3 * time.Second

// list answers with a list, or a page of one, by the rules of the API concepts page: "Resource
// versions", "Retrieving large results sets in chunks".
func (c *call) list() error {
	s, err := c.selection()
	if err != nil {
		return err
	}
	p, err := c.page()
	if err != nil {
		return err
	}
	if err := c.waitFor(p.notOlder); err != nil {
		return err
	}
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	version := c.store.version
	if p.exactly != 0 {
		version = p.exactly
	}
	switch {
	case version > c.store.version:
		return c.tooLarge(version)
	case version < c.store.oldest && p.after != "":
		return fail(http.StatusGone, "The provided continue parameter is too old to display a consistent list result.")
	case version < c.store.oldest:
		return c.expired(version)
	}
	var items []*object
	next, remaining := "", int64(0)
	for _, o := range c.store.at(c.in, version) {
		switch {
		case s.namespace != "" && o.meta.Namespace != s.namespace,
			p.after != "" && compareKeys(o.key(), p.after) <= 0:
		case p.limit > 0 && int64(len(items)) == p.limit: // more objects, selected or not
			remaining++
			next = token(version, items[len(items)-1].key())
		case s.has(o):
			items = append(items, o)
		}
	}
	if !s.labels.Empty() || !s.fields.Empty() {
		remaining = 0 // the API does not say it then
	}
	c.writeList(format(version), next, remaining, items)
	return nil
}

// page is which part of a list is asked for, as of when.
type page struct {
	limit    int64  // 0 is all
	after    string // the key after which it begins
	notOlder uint64 // 0 is any version
	exactly  uint64 // 0 is the newest
}

func (c *call) page() (p page, err error) {
	q := c.r.URL.Query()
	if text := q.Get("limit"); text != "" {
		if p.limit, err = strconv.ParseInt(text, 10, 64); err != nil {
			return p, fail(http.StatusBadRequest, fmt.Sprintf("limit: %v", err))
		}
	}
	version, err := parseVersion(q.Get("resourceVersion"))
	if err != nil {
		return p, err
	}
	match, next := q.Get("resourceVersionMatch"), q.Get("continue")
	switch {
	case q.Get("sendInitialEvents") != "":
		return p, invalidOptions(forbidden, "sendInitialEvents is forbidden for list")
	case match != "" && next != "":
		return p, invalidOptions(forbidden, "resourceVersionMatch is forbidden when continue is provided")
	case match != "" && q.Get("resourceVersion") == "":
		return p, invalidOptions(forbidden, "resourceVersionMatch is forbidden unless resourceVersion is provided")
	case match == "Exact" && version == 0:
		return p, invalidOptions(forbidden, "resourceVersionMatch \"Exact\" is forbidden for resourceVersion \"0\"")
	case match != "" && match != "Exact" && match != "NotOlderThan":
		return p, invalidOptions(unsupported, "resourceVersionMatch: supported values: \"Exact\", \"NotOlderThan\"")
	case next != "" && version != 0:
		return p, fail(http.StatusBadRequest, "specifying resource version is not allowed when using continue")
	case next != "":
		p.exactly, p.after, err = parseToken(next)
	case match == "Exact", match == "" && version != 0 && p.limit > 0:
		p.exactly = version
	default:
		p.notOlder = version
	}
	if version == 0 && q.Get("resourceVersion") == "0" {
		p.limit = 0 // the watch cache answers, which has no pages
	}
	return p, err
}

const (
	forbidden   = metav1.CauseTypeForbidden
	unsupported = metav1.CauseTypeFieldValueNotSupported
)

// invalidOptions returns a 422 for the parameters of a list or a watch.
func invalidOptions(cause metav1.CauseType, text string, more ...StatusOption) error {
	options := []StatusOption{Cause(cause, text), func(s *metav1.Status, _ http.Header) {
		details(s).Group, details(s).Kind = "meta.k8s.io", "ListOptions"
	}}
	return fail(http.StatusUnprocessableEntity, "ListOptions.meta.k8s.io \"\" is invalid: "+text,
		append(options, more...)...)
}

func (c *call) expired(version uint64) error {
	return fail(http.StatusGone, fmt.Sprintf("The resourceVersion for the provided list is too old: %d (%d)",
		version, c.store.oldest))
}

func (c *call) tooLarge(version uint64) error {
	return fail(http.StatusGatewayTimeout, fmt.Sprintf("Timeout: Too large resource version: %d, current: %d",
		version, c.store.version), TooLarge(), RetryAfter(1))
}

// waitFor waits a short time for the store to come to a version.
func (c *call) waitFor(version uint64) error {
	timer := time.NewTimer(freshness)
	defer timer.Stop()
	for {
		c.store.mu.Lock()
		reached, changed := c.store.version >= version, c.store.changed
		err := c.tooLarge(version)
		c.store.mu.Unlock()
		if reached {
			return nil
		}
		select {
		case <-changed:
		case <-timer.C:
			return err
		case <-c.r.Context().Done():
			return err
		}
	}
}

// writeList answers with a list.
func (c *call) writeList(version, next string, remaining int64, items []*object) {
	m := metav1.ListMeta{ResourceVersion: version, Continue: next}
	if remaining > 0 {
		m.RemainingItemCount = &remaining
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"kind":%q,"apiVersion":%q,"metadata":%s,"items":[`,
		c.kind.Kind+"List", c.kind.APIVersion(), mustJSON(m))
	for i, o := range items {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(o.json)
	}
	b.WriteString("]}\n")
	c.write(http.StatusOK, b.Bytes())
}

func parseVersion(text string) (uint64, error) {
	if text == "" {
		return 0, nil
	}
	version, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, fail(http.StatusBadRequest, fmt.Sprintf("Invalid value: %q: %v", text, err))
	}
	return version, nil
}

// token returns the continue token of the page that begins after a key.
func token(version uint64, after string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(format(version) + " " + after))
}

func parseToken(text string) (version uint64, after string, err error) {
	data, err := base64.RawURLEncoding.DecodeString(text)
	number, after, ok := strings.Cut(string(data), " ")
	if version, err2 := strconv.ParseUint(number, 10, 64); err == nil && ok && err2 == nil {
		return version, after, nil
	}
	return 0, "", fail(http.StatusBadRequest, "continue key is not valid")
}

func typesUID(uid string) types.UID { return types.UID(uid) }
