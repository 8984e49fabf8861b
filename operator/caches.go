package operator

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/skiff-k8s/skiff/informer"
)

// DefaultUnreachableAfter is the default of Settings.UnreachableAfter. It is longer than the
// restart of an API server.
const DefaultUnreachableAfter = time.Minute

// Caches checks the informers of factories, for [Health]. It is safe for concurrent use.
type Caches struct {
	factories []*informer.Factory
	limit     time.Duration
}

// NewCaches returns the checks of the informers of these factories. limit is how long an informer
// may go on without its server; 0 means the default, DefaultUnreachableAfter; negative means for
// ever.
func NewCaches(limit time.Duration, factories ...*informer.Factory) *Caches {
	if limit == 0 {
		limit = DefaultUnreachableAfter
	}
	return &Caches{factories: factories, limit: limit}
}

// Synced returns nil if each informer has its initial list, and otherwise an error that names those
// that have not. It is for a Ready check.
func (c *Caches) Synced(context.Context) error {
	var missing []string
	for name, s := range c.each() {
		if !s.Synced {
			missing = append(missing, fmt.Sprintf("%s (%s)", name, s.State))
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("no initial list yet: %s", strings.Join(missing, ", "))
	}
	return nil
}

// Reachable returns nil if no informer has been without its server for longer than the limit, and
// otherwise an error that names the informers and the times. It is for a Ready check.
//
// An informer is without its server from the first attempt that failed, if none has succeeded since
// (informer.Status.FailingSince). An answer that is an error, such as 403, is a failure.
func (c *Caches) Reachable(context.Context) error {
	if c.limit < 0 {
		return nil
	}
	var lost []string
	for name, s := range c.each() {
		if silent := lag(s, time.Now()); silent > c.limit {
			lost = append(lost, fmt.Sprintf("%s (%s, for %v)", name, s.State, silent.Round(time.Second)))
		}
	}
	if len(lost) > 0 {
		return fmt.Errorf("without the API server for more than %v: %s", c.limit, strings.Join(lost, ", "))
	}
	return nil
}

// each returns the informers and their states, in the order in which they were made.
func (c *Caches) each() func(yield func(string, informer.Status) bool) {
	return func(yield func(string, informer.Status) bool) {
		for _, i := range allInformers(c.factories) {
			if !yield(i.label(), i.Status()) {
				return
			}
		}
	}
}

// named is an informer and what tells it from the others of the operator.
type named struct {
	informer.Untyped
	host   string // the API server
	number int    // 2 for the second informer of this name and host, and so on
	many   bool   // the operator's factories have several hosts
}

// name returns the name of the informer, which is unique among those of its host.
func (n named) name() string {
	if n.number > 1 {
		return fmt.Sprintf("%s (%d)", n.String(), n.number)
	}
	return n.String()
}

// label returns the name, and the host if there are several.
func (n named) label() string {
	if n.many {
		return n.name() + " of " + n.host
	}
	return n.name()
}

// allInformers returns the informers of the factories, each with its number.
func allInformers(factories []*informer.Factory) []named {
	var all []named
	hosts, numbers := map[string]bool{}, map[[2]string]int{}
	for _, f := range factories {
		host := hostOf(f)
		hosts[host] = true
		for _, i := range f.Informers() {
			id := [2]string{host, i.String()}
			numbers[id]++
			all = append(all, named{Untyped: i, host: host, number: numbers[id]})
		}
	}
	for i := range all {
		all[i].many = len(hosts) > 1
	}
	return all
}
