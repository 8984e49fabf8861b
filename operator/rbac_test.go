package operator_test

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/election"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/operator"
	"github.com/skiff-k8s/skiff/rest"
)

func TestRBACOfNothing(t *testing.T) {
	if got := operator.RBAC(operator.RBACOptions{}); got != "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: \"operator\"\nrules: []\n" {
		t.Errorf("got\n%s", got)
	}
}

func TestRBACOfANamespace(t *testing.T) {
	got := operator.RBAC(operator.RBACOptions{Name: "x", Namespace: "ns", NamespacedRules: []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"secrets"}, ResourceNames: []string{"s"}, Verbs: []string{"get"}}}})
	cluster, namespaced, _ := strings.Cut(got, "---\n")
	if cluster != operator.RBAC(operator.RBACOptions{Name: "x"}) || namespaced != `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: "x"
  namespace: "ns"
rules:
- apiGroups: [""]
  resources: ["secrets"]
  resourceNames: ["s"]
  verbs: ["get"]
` {
		t.Errorf("got\n%s", got)
	}
}

func TestRBACOfControllersAndOptions(t *testing.T) {
	f, _ := inMemory(t)
	ctrl := controller.New("c", nothing, controller.For(pods(f)), controller.Reads(informer.For[corev1.ConfigMap](f)))
	var asked operator.Requests
	m := asked.REST(nil)
	for _, r := range []rest.RequestInfo{
		{Verb: "apply", Resource: "configmaps"},
		{Verb: "update", Resource: "pods", Subresource: "status"},
		{Verb: "connect", Method: "GET", Resource: "pods", Subresource: "exec"},
		{Verb: "connect", Method: "POST", Resource: "pods", Subresource: "attach"},
		{Verb: "delete", Group: "apps", Resource: "deployments"},
		{Verb: "get"}, // a path
	} {
		m.Attempt(t.Context(), r, rest.AttemptMetrics{})
	}
	got := operator.RBAC(operator.RBACOptions{Name: "c", Election: true, Events: true, Authorize: true, Requests: &asked,
		Rules: []rbacv1.PolicyRule{{NonResourceURLs: []string{"/x"}, Verbs: []string{"get"}}}}, ctrl)
	want := `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: "c"
rules:
- apiGroups: [""]
  resources: ["configmaps"]
  verbs: ["list", "watch", "create", "patch"]
- apiGroups: [""]
  resources: ["pods"]
  verbs: ["list", "watch"]
- apiGroups: [""]
  resources: ["pods/attach"]
  verbs: ["create"]
- apiGroups: [""]
  resources: ["pods/exec"]
  verbs: ["get"]
- apiGroups: [""]
  resources: ["pods/status"]
  verbs: ["update"]
- apiGroups: ["apps"]
  resources: ["deployments"]
  verbs: ["delete"]
- apiGroups: ["authentication.k8s.io"]
  resources: ["tokenreviews"]
  verbs: ["create"]
- apiGroups: ["authorization.k8s.io"]
  resources: ["subjectaccessreviews"]
  verbs: ["create"]
- apiGroups: ["coordination.k8s.io"]
  resources: ["leases"]
  verbs: ["get", "create", "update"]
- apiGroups: ["events.k8s.io"]
  resources: ["events"]
  verbs: ["get", "create", "patch"]
- nonResourceURLs: ["/x"]
  verbs: ["get"]
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// mirror is an operator that copies the ConfigMap "source" by an apply, and deletes the copy when the
// source goes, on the leader.
type mirror struct {
	operator *operator.Operator
	ctrl     *controller.Controller
	failed   atomic.Int32
}

func newMirror(t *testing.T, config *rest.Config, namespace string, asked *operator.Requests) *mirror {
	t.Helper()
	elector, err := election.New(config, election.Options{Namespace: namespace, Name: "mirror", Logger: logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	fenced := elector.Fence(config)
	if asked != nil {
		fenced.Metrics = asked.REST(nil)
	}
	c, err := rest.NewClient(fenced)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	f := informer.NewFactory(c, informer.Logger(logger(t)))
	maps := informer.For[corev1.ConfigMap](f)
	writes := client.Of[corev1.ConfigMap](c).In(namespace)
	m := &mirror{}
	m.ctrl = controller.New("mirror", func(ctx context.Context, key controller.Key) (done controller.Result, err error) {
		if key.Namespace != namespace || key.Name != "source" {
			return done, nil
		}
		defer func() {
			if err != nil {
				m.failed.Add(1)
			}
		}()
		if _, err := maps.Lister().Get(namespace, "source"); err != nil {
			return done, client.IgnoreNotFound(writes.Delete(ctx, "copy", metav1.DeleteOptions{}))
		}
		_, err = writes.Apply(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "copy"}}, metav1.ApplyOptions{FieldManager: "mirror"})
		return done, err
	}, controller.For(maps), controller.Logger(logger(t)))
	m.operator = operator.New(operator.Options{Factories: []*informer.Factory{f}, Settings: anyPort, Logger: logger(t), Elector: elector}, m.ctrl)
	return m
}

// works lets the mirror copy and delete.
func (m *mirror) works(t *testing.T, admin *rest.Client, namespace string) {
	t.Helper()
	r := start(t, m.operator)
	maps := client.Of[corev1.ConfigMap](admin).In(namespace)
	has := func() bool { _, err := maps.Get(r.ctx, "copy", metav1.GetOptions{}); return err == nil }
	if _, err := maps.Create(r.ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "source"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	r.until("there is a copy", has)
	if err := maps.Delete(r.ctx, "source", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	r.until("the copy is gone", func() bool { return !has() })
	if err := r.ends(); err != nil {
		t.Error(err)
	}
}

// An operator runs under exactly the role that RBAC prints, with its election; without it, it does not.
func TestAnOperatorRunsUnderItsRole(t *testing.T) {
	cluster := controlplane.Start(t)
	namespace := cluster.Namespace(t)
	admin := connect(t, cluster.Config(), nil)
	var asked operator.Requests
	first := newMirror(t, cluster.Config(), namespace, &asked)
	first.works(t, admin, namespace)

	text := operator.RBAC(operator.RBACOptions{Name: "mirror", Election: true, Requests: &asked}, first.ctrl)
	var role rbacv1.ClusterRole
	if err := yaml.UnmarshalStrict([]byte(text), &role); err != nil || role.Name != "mirror" || role.Kind != "ClusterRole" {
		t.Fatalf("the role is not one: %v\n%s", err, text)
	}
	want := []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"list", "watch", "create", "patch", "delete"}},
		{APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, Verbs: []string{"get", "create", "update"}},
	}
	if !slices.EqualFunc(role.Rules, want, func(a, b rbacv1.PolicyRule) bool { return a.String() == b.String() }) {
		t.Errorf("the role is\n%s", text)
	}

	config := cluster.Config()
	as := &rest.Config{Host: config.Host, BearerToken: tokenOf(t, admin, namespace, "mirror"), Logger: logger(t),
		TLS: rest.TLSConfig{CAData: config.TLS.CAData, CAFile: config.TLS.CAFile, ServerName: config.TLS.ServerName}}
	_, err := client.Of[corev1.ConfigMap](connect(t, as.Copy(), nil)).In(namespace).List(t.Context(), metav1.ListOptions{})
	if err == nil || !strings.Contains(err.Error(), "forbidden") {
		t.Errorf("without the role it may list: %v", err)
	}
	permit(t, admin, namespace, "mirror", role.Rules...)
	second := newMirror(t, as, namespace, nil)
	second.works(t, admin, namespace)
	if n := second.failed.Load(); n > 0 {
		t.Errorf("under its role %d reconciles failed", n)
	}
}

// Of two replicas one leads. When it stops the other one does, and both tell who leads.
func TestTwoReplicas(t *testing.T) {
	cluster := controlplane.Start(t)
	namespace := cluster.Namespace(t)
	var replicas [2]*running
	for i := range replicas {
		elector, err := election.New(cluster.Config(), election.Options{Namespace: namespace, Name: "pair",
			Identity: []string{"a", "b"}[i], Logger: logger(t)})
		if err != nil {
			t.Fatal(err)
		}
		settings := anyPort
		settings.Page = true
		replicas[i] = start(t, operator.New(operator.Options{Name: "pair", Settings: settings, Logger: logger(t), Elector: elector}))
		if i == 0 {
			replicas[0].until("the first leads", replicas[0].Leads)
		}
	}
	a, b := replicas[0], replicas[1]
	b.until("the second knows who leads", func() bool { return b.state().Leader == "a" })
	if s := b.state(); s.Leads || s.Identity != "b" || b.Leads() {
		t.Errorf("the second tells %+v", s)
	}
	if _, body := b.get(1, "/healthz?verbose"); !strings.Contains(body, "[+]election ok\n") {
		t.Errorf("/healthz: %s", body)
	}
	if err := a.ends(); err != nil {
		t.Error(err)
	}
	b.until("the second leads", func() bool { s := b.state(); return s.Leads && s.Leader == "b" })
	if err := b.ends(); err != nil {
		t.Error(err)
	}
}
