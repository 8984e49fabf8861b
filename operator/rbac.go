package operator

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/rest"
)

// RBACOptions are what RBAC cannot see in controllers. The zero value is a role of the caches
// alone.
type RBACOptions struct {
	// Name is the ClusterRole's. "" means "operator".
	Name string
	// Election, Events and Authorize add what package election, package events and an Authorizer
	// need.
	Election, Events, Authorize bool
	// Requests adds what a run has asked for: a test run that comes by all writes. nil adds
	// nothing.
	Requests *Requests
	// Rules are added as they are, such as those that webhook.Server.Rules returns.
	Rules []rbacv1.PolicyRule
	// NamespacedRules are those of a Role in Namespace, with the same name, which is printed behind the
	// ClusterRole if there are any: rights that are harmless in one namespace only, such as those that
	// webhook.Server.NamespacedRules returns.
	NamespacedRules []rbacv1.PolicyRule
	Namespace       string
}

// RBAC returns the ClusterRole that these controllers need, as YAML for kubectl apply: list and
// watch for the caches of their sources and of Reads, what the options say, and what was recorded.
// It holds no more than that. With NamespacedRules a Role follows. Other rights within a namespace can
// be moved to it by hand.
func RBAC(o RBACOptions, controllers ...*controller.Controller) string {
	role := clusterRole(o, controllers)
	all := yamlOf("ClusterRole", role.ObjectMeta, role.Rules)
	if len(o.NamespacedRules) > 0 {
		all += "---\n" + yamlOf("Role", metav1.ObjectMeta{Name: role.Name, Namespace: o.Namespace},
			o.NamespacedRules)
	}
	return all
}

func clusterRole(o RBACOptions, controllers []*controller.Controller) *rbacv1.ClusterRole {
	r := rights{}
	for _, c := range controllers {
		for _, i := range c.Caches() {
			r.add(i.Kind().Group, i.Kind().Resource, "list", "watch")
		}
	}
	if o.Election {
		r.add("coordination.k8s.io", "leases", "get", "create", "update")
	}
	if o.Events {
		r.add("events.k8s.io", "events", "get", "create", "patch")
	}
	if o.Authorize {
		r.add("authentication.k8s.io", "tokenreviews", "create")
		r.add("authorization.k8s.io", "subjectaccessreviews", "create")
	}
	if o.Requests != nil {
		o.Requests.mu.Lock()
		for at, verbs := range o.Requests.asked {
			r.add(at.group, at.resource, slices.Collect(maps.Keys(verbs))...)
		}
		o.Requests.mu.Unlock()
	}
	role := &rbacv1.ClusterRole{Rules: append(r.rules(), o.Rules...)}
	if role.Name = o.Name; role.Name == "" {
		role.Name = "operator"
	}
	return role
}

// Requests records which verbs a program uses on which resources. The zero value records nothing
// yet. It is safe for concurrent use.
type Requests struct {
	mu    sync.Mutex
	asked rights
}

// REST returns functions that record the requests of a client, for the Metrics of its rest.Config,
// and then call those of next, which may be nil. A server-side apply counts as patch and create,
// which it needs where there is no object. Paths that are no resources are left out: every account
// may read versions and discovery.
func (r *Requests) REST(next *rest.Metrics) *rest.Metrics {
	var m rest.Metrics
	if next != nil {
		m = *next
	}
	of := m.Attempt
	m.Attempt = func(ctx context.Context, info rest.RequestInfo, a rest.AttemptMetrics) {
		r.record(info)
		if of != nil {
			of(ctx, info, a)
		}
	}
	return &m
}

func (r *Requests) record(info rest.RequestInfo) {
	if info.Resource == "" {
		return
	}
	resource := info.Resource
	if info.Subresource != "" {
		resource += "/" + info.Subresource
	}
	verbs := []string{info.Verb}
	switch info.Verb {
	case "apply":
		verbs = []string{"patch", "create"}
	case "connect": // the server takes the verb from the method
		verbs = []string{"create"}
		if info.Method == "GET" {
			verbs = []string{"get"}
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.asked == nil {
		r.asked = rights{}
	}
	r.asked.add(info.Group, resource, verbs...)
}

// rights are verbs by group and resource.
type rights map[resourceOf]map[string]bool

type resourceOf struct{ group, resource string }

func (r rights) add(group, resource string, verbs ...string) {
	at := resourceOf{group, resource}
	if r[at] == nil {
		r[at] = map[string]bool{}
	}
	for _, v := range verbs {
		r[at][v] = true
	}
}

// order is in which order a rule has its verbs. Others come behind.
var order = []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"}

// rules returns a rule for each group and set of verbs, sorted.
func (r rights) rules() (rules []rbacv1.PolicyRule) {
	at := map[string]int{} // the rule of a group and its verbs
	keys := slices.SortedFunc(maps.Keys(r), func(a, b resourceOf) int {
		return strings.Compare(a.group+"\x00"+a.resource, b.group+"\x00"+b.resource)
	})
	for _, k := range keys {
		verbs := slices.SortedFunc(maps.Keys(r[k]), func(a, b string) int {
			if i, j := slices.Index(order, a), slices.Index(order, b); i != j && i >= 0 && j >= 0 {
				return i - j
			}
			return strings.Compare(a, b)
		})
		id := k.group + "\x00" + strings.Join(verbs, " ")
		if i, ok := at[id]; ok {
			rules[i].Resources = append(rules[i].Resources, k.resource)
			continue
		}
		at[id] = len(rules)
		rules = append(rules, rbacv1.PolicyRule{
			APIGroups: []string{k.group}, Resources: []string{k.resource}, Verbs: verbs,
		})
	}
	return rules
}

// yamlOf returns a role of a kind as YAML. All texts are quoted as JSON's are, which YAML reads.
func yamlOf(kind string, meta metav1.ObjectMeta, rules []rbacv1.PolicyRule) string {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: rbac.authorization.k8s.io/v1\nkind: %s\nmetadata:\n  name: %s\n",
		kind, strconv.Quote(meta.Name))
	if meta.Namespace != "" {
		fmt.Fprintf(&b, "  namespace: %s\n", strconv.Quote(meta.Namespace))
	}
	b.WriteString("rules:")
	if len(rules) == 0 {
		b.WriteString(" []")
	}
	b.WriteByte('\n')
	for _, rule := range rules {
		lead := "- "
		for _, part := range []struct {
			name   string
			values []string
		}{
			{"apiGroups", rule.APIGroups}, {"resources", rule.Resources},
			{"resourceNames", rule.ResourceNames},
			{"nonResourceURLs", rule.NonResourceURLs}, {"verbs", rule.Verbs},
		} {
			if len(part.values) == 0 {
				continue
			}
			quoted := make([]string, len(part.values))
			for i, v := range part.values {
				quoted[i] = strconv.Quote(v)
			}
			fmt.Fprintf(&b, "%s%s: [%s]\n", lead, part.name, strings.Join(quoted, ", "))
			lead = "  "
		}
	}
	return b.String()
}
