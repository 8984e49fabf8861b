package storage

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// freshness is how long a server waits for a version that it has not come to.
const freshness = 3 * time.Second

// Selection is what a list or a watch chooses by.
type Selection struct {
	Namespace string             // "" is all
	Has       func(*Object) bool // nil is all
}

// Selects reports whether an object, which may be nil, is selected.
func (s Selection) Selects(o *Object) bool {
	return o != nil && (s.Namespace == "" || o.Meta.Namespace == s.Namespace) && (s.Has == nil || s.Has(o))
}

// Page is which part of a list is asked for, as of when.
type Page struct {
	limit    int64  // 0 is all
	after    string // the key after which it begins
	notOlder uint64 // 0 is any version
	exactly  uint64 // 0 is the newest
}

// ParsePage returns the page that the parameters of a list ask for. Its errors are failed Statuses.
func ParsePage(q url.Values) (p Page, err error) {
	if text := q.Get("limit"); text != "" {
		if p.limit, err = strconv.ParseInt(text, 10, 64); err != nil {
			return p, badRequest(fmt.Sprintf("limit: %v", err))
		}
	}
	if err := validate(q); err != nil {
		return p, err
	}
	version, err := parseVersion(q.Get("resourceVersion"))
	if err != nil {
		return p, badRequest("invalid resource version: " + err.Error())
	}
	match, next := q.Get("resourceVersionMatch"), q.Get("continue")
	switch {
	case next != "" && version != 0:
		return p, badRequest("specifying resource version is not allowed when using continue")
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

// validate applies the rules for parameters that exclude or need each other.
func validate(q url.Values) error {
	o := internalversion.ListOptions{
		ResourceVersion:      q.Get("resourceVersion"),
		ResourceVersionMatch: metav1.ResourceVersionMatch(q.Get("resourceVersionMatch")),
		Continue:             q.Get("continue"),
		Watch:                isTrue(q.Get("watch")),
		AllowWatchBookmarks:  isTrue(q.Get("allowWatchBookmarks")),
	}
	if q.Has("sendInitialEvents") {
		send := isTrue(q.Get("sendInitialEvents"))
		o.SendInitialEvents = &send
	}
	if errs := validation.ValidateListOptions(&o, true); len(errs) > 0 {
		return apierrors.NewInvalid(schema.GroupKind{Group: metav1.GroupName, Kind: "ListOptions"}, "", errs)
	}
	return nil
}

func isTrue(text string) bool { return text == "true" || text == "1" }

// List is a list or a page of one.
type List struct {
	Version   string
	Continue  string // "" if it is the last page
	Remaining *int64 // objects after this page; nil if that is not said
	Items     []*Object
}

// List returns the objects of a collection that are selected. It waits a short time for a version that
// the store has not come to. Its errors are failed Statuses.
func (s *Store) List(ctx context.Context, c Collection, sel Selection, p Page) (List, error) {
	if err := s.waitFor(ctx, p.notOlder); err != nil {
		return List{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	version := s.version
	if p.exactly != 0 {
		version = p.exactly
	}
	switch {
	case version > s.version:
		return List{}, s.tooLarge(version)
	case version < s.oldest && p.after != "":
		return List{}, tokenExpired(p.after)
	case version < s.oldest:
		return List{}, gone(fmt.Sprintf("The resourceVersion for the provided list is too old: %d (%d)",
			version, s.oldest))
	}
	list := List{Version: format(version)}
	remaining := int64(0)
	for _, o := range s.at(c, version) {
		switch {
		case sel.Namespace != "" && o.Meta.Namespace != sel.Namespace,
			p.after != "" && compareKeys(o.Key(), p.after) <= 0:
		case p.limit > 0 && int64(len(list.Items)) == p.limit: // more objects, selected or not
			remaining++
			list.Continue = token(version, list.Items[len(list.Items)-1].Key())
		case sel.Selects(o):
			list.Items = append(list.Items, o)
		}
	}
	if remaining > 0 && sel.Has == nil { // the API does not say it with selectors
		list.Remaining = &remaining
	}
	return list, nil
}

// waitFor waits a short time for the store to come to a version.
func (s *Store) waitFor(ctx context.Context, version uint64) error {
	timer := time.NewTimer(freshness)
	defer timer.Stop()
	for {
		s.mu.Lock()
		reached, changed := s.version >= version, s.changed
		err := s.tooLarge(version)
		s.mu.Unlock()
		if reached {
			return nil
		}
		select {
		case <-changed:
		case <-timer.C:
			return err
		case <-ctx.Done():
			return err
		}
	}
}

// CheckVersion returns a failed Status unless text is a version, or empty.
func CheckVersion(text string) error {
	if _, err := parseVersion(text); err != nil {
		return NewError(http.StatusInternalServerError, "", err.Error(), nil)
	}
	return nil
}

func parseVersion(text string) (uint64, error) {
	if text == "" {
		return 0, nil
	}
	version, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("resourceVersion: Invalid value: %q: %w", text, err)
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
	return 0, "", NewError(http.StatusBadRequest, metav1.StatusReasonBadRequest, "continue key is not valid", nil)
}
