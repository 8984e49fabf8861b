package operator_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/election"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/operator"
	"github.com/skiff-k8s/skiff/rest"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

// connect returns a client, whose requests m counts if it is not nil.
func connect(t *testing.T, config *rest.Config, m *operator.Metrics) *rest.Client {
	t.Helper()
	if m != nil {
		config.Metrics = m.REST()
	}
	c, err := rest.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// The series that dashboards and alerts are made of are there, and count what happens.
func TestTheMetricsOfAnOperator(t *testing.T) {
	cluster := controlplane.Start(t)
	namespace := cluster.Namespace(t)
	m := operator.NewMetrics(nil)
	c := connect(t, cluster.Config(), m)
	f := informer.NewFactory(c, informer.Namespace(namespace))
	maps := informer.For[corev1.ConfigMap](f)
	informer.For[corev1.ConfigMap](f, informer.Drop("data")) // of the same name: a scrape must not fail for it
	reconcile := func(ctx context.Context, key controller.Key) (controller.Result, error) {
		if key.Name == "bad" {
			return controller.Result{}, controller.Terminalf("bad")
		}
		return controller.Result{}, nil
	}
	elector, err := election.New(cluster.Config(), election.Options{Namespace: namespace, Name: "maps.example.com", Metrics: m.Election()})
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, operator.New(operator.Options{Name: "maps", Factories: []*informer.Factory{f}, Settings: anyPort,
		Elector: elector, Metrics: m, Logger: logger(t)},
		controller.New("maps", reconcile, controller.For(maps), controller.Workers(3))))
	for _, name := range []string{"good", "bad"} {
		_, err := client.Of[corev1.ConfigMap](c).In(namespace).Create(r.ctx, &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
	host := strings.TrimPrefix(cluster.Config().Host, "https://")
	ofInformer := `{host="` + host + `",informer="configmaps in namespace \"` + namespace + `\"",resource="configmaps"} `
	// kube-root-ca.crt is the controller manager's
	want := []string{
		"skiff_informer_objects" + ofInformer + "3\n",
		"skiff_informer_synced" + ofInformer + "1\n",
		"skiff_informer_lists_total" + ofInformer + "1\n",
		"skiff_informer_watches_total" + ofInformer + "1\n",
		"skiff_informer_failures" + ofInformer + "0\n",
		"skiff_informer_lag_seconds" + ofInformer + "0\n",
		"skiff_informer_last_error_timestamp_seconds" + ofInformer + "0\n",
		"skiff_informer_packed_bytes" + ofInformer,
		"skiff_informer_unpacked_bytes" + ofInformer,
		"skiff_informer_decoded_bytes" + ofInformer,
		"skiff_informer_events_total" + ofInformer,
		`informer="configmaps in namespace \"` + namespace + `\" (2)"`,
		`controller_runtime_reconcile_errors_total{controller="maps"} 1` + "\n",
		`controller_runtime_reconcile_total{controller="maps",result="error"} 1` + "\n",
		`controller_runtime_max_concurrent_reconciles{controller="maps"} 3` + "\n",
		`controller_runtime_active_workers{controller="maps"} 0` + "\n",
		`controller_runtime_reconcile_total{controller="maps",result="success"} 2` + "\n",
		`controller_runtime_terminal_reconcile_errors_total{controller="maps"} 1` + "\n",
		`controller_runtime_reconcile_panics_total{controller="maps"} 0` + "\n",
		`controller_runtime_reconcile_time_seconds_count{controller="maps"} 3` + "\n",
		`skiff_workqueue_oldest_key_seconds{controller="maps",name="maps"} 0` + "\n",
		`workqueue_depth{controller="maps",name="maps",priority="0"} 0` + "\n",
		`workqueue_depth{controller="maps",name="maps",priority="-100"} 0` + "\n",
		`controller_runtime_reconcile_timeouts_total{controller="maps"} 0` + "\n",
		`skiff_controller_failing_longest_seconds{controller="maps"} 0` + "\n",
		`skiff_informer_unwatchable{`,
		`workqueue_adds_total{controller="maps",name="maps"} `,
		`workqueue_queue_duration_seconds_count{controller="maps",name="maps"} `,
		`workqueue_work_duration_seconds_count{controller="maps",name="maps"} `,
		`workqueue_unfinished_work_seconds{controller="maps",name="maps"} 0` + "\n",
		`workqueue_longest_running_processor_seconds{controller="maps",name="maps"} 0` + "\n",
		`workqueue_retries_total{controller="maps",name="maps"} 0` + "\n",
		`rest_client_requests_total{code="201",host="` + host + `",method="POST"} 2` + "\n",
		`rest_client_requests_total{code="200",host="` + host + `",method="GET"} `,
		`rest_client_request_duration_seconds_count{host="` + host + `",verb="create"} 2` + "\n",
		`leader_election_master_status{name="maps.example.com"} 1` + "\n",
		"skiff_build_info{", "go_goroutines ", "process_resident_memory_bytes ",
	}
	// There are none of these without a retry.
	m.REST().Attempt(t.Context(), rest.RequestInfo{Verb: "get", Method: "GET"}, rest.AttemptMetrics{Code: 503, Retry: 1})
	for _, name := range seriesOf(t) { // what docs/operating.md names is there
		want = append(want, "\n# TYPE "+name+" ")
	}
	var missing []string
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("/metrics lacks %q", missing)
		}
	})
	r.until("all series are there", func() bool {
		code, body := r.get(0, "/metrics")
		missing = slices.DeleteFunc(slices.Clone(want), func(series string) bool { return strings.Contains(body, series) })
		return code == 200 && len(missing) == 0
	})
	if err := r.ends(); err != nil {
		t.Error(err)
	}
}

// An informer without its server for longer than the limit is not ready and is named, the process is
// alive, and both are well when the server is back.
func TestReadinessNamesAnInformerWithoutItsServer(t *testing.T) {
	cluster := controlplane.New(t, controlplane.WithoutControllerManager())
	f := informer.NewFactory(connect(t, cluster.Config(), nil), informer.Logger(logger(t)))
	informer.For[corev1.ConfigMap](f)
	settings := anyPort
	settings.UnreachableAfter, settings.Page = time.Second, true
	r := start(t, operator.New(operator.Options{Factories: []*informer.Factory{f}, Settings: settings, Logger: logger(t)}))
	ready := func() (is bool) { code, _ := r.get(1, "/readyz"); return code == 200 }
	r.until("it is ready", ready)
	if err := cluster.StopAPIServer(r.ctx); err != nil {
		t.Fatal(err)
	}
	r.until("it is not ready", func() bool { return !ready() })
	code, body := r.get(1, "/readyz")
	if code != 500 || !strings.Contains(body, "[-]informers failed: without the API server for more than 1s: configmaps (") ||
		!strings.Contains(body, "[+]informer-sync ok\n") {
		t.Errorf("/readyz: %d %s", code, body)
	}
	if code, body := r.get(1, "/healthz"); code != 200 {
		t.Errorf("/healthz: %d %s", code, body)
	}
	var s operator.State
	r.until("the page has the error", func() bool {
		s = r.state()
		return strings.Contains(s.Informers[0].LastError, "connection refused")
	})
	if i := s.Informers[0]; i.LastErrorAt == nil || i.Failures == 0 || i.LagMs == 0 ||
		!strings.Contains(s.NotReady, "without the API server for more than 1s: configmaps") {
		t.Errorf("the page has %+v", s)
	}
	if _, body := r.get(0, "/metrics"); strings.Contains(body, `skiff_informer_lag_seconds{host="`+
		strings.TrimPrefix(cluster.Config().Host, "https://")+`",informer="configmaps",resource="configmaps"} 0`+"\n") {
		t.Error("/metrics tells of no lag")
	}
	if err := cluster.StartAPIServer(r.ctx); err != nil {
		t.Fatal(err)
	}
	r.until("it is ready again", ready)
	if err := r.ends(); err != nil {
		t.Error(err)
	}
}

// Before its first list an operator is not ready, and says what it waits for. It stops all the same.
func TestAnOperatorWithoutItsServerIsNotReady(t *testing.T) {
	f := informer.NewFactory(connect(t, &rest.Config{Host: "http://127.0.0.1:1"}, nil), informer.Logger(logger(t)))
	r := start(t, operator.New(operator.Options{Factories: []*informer.Factory{f}, Settings: anyPort, Logger: logger(t)},
		controller.New("pods", nothing, controller.For(pods(f)))))
	if code, body := r.get(1, "/readyz/informer-sync"); code != 500 || !strings.HasPrefix(body, "[-]informer-sync failed: no initial list yet: pods (") {
		t.Errorf("/readyz: %d %s", code, body)
	}
	if err := r.ends(); err != nil {
		t.Error(err)
	}
}

// tokenOf makes a ServiceAccount and returns a token of it.
func tokenOf(t *testing.T, c *rest.Client, namespace, name string) string {
	t.Helper()
	_, err := client.Of[corev1.ServiceAccount](c).In(namespace).Create(t.Context(),
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
	var made authenticationv1.TokenRequest
	err = c.Post().Namespace(namespace).Resource("serviceaccounts").Name(name).SubResource("token").
		Body(&authenticationv1.TokenRequest{TypeMeta: metav1.TypeMeta{APIVersion: "authentication.k8s.io/v1", Kind: "TokenRequest"}}).
		Do(t.Context()).Into(&made)
	if err != nil {
		t.Fatal(err)
	}
	return made.Status.Token
}

// permit gives a ServiceAccount a ClusterRole of these rules until the test ends.
func permit(t *testing.T, c *rest.Client, namespace, account string, rules ...rbacv1.PolicyRule) {
	t.Helper()
	name := namespace + "-" + account
	_, err := client.Of[rbacv1.ClusterRole](c).Create(t.Context(),
		&rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: rules}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Of[rbacv1.ClusterRoleBinding](c).Create(t.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: namespace, Name: account}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_ = client.Of[rbacv1.ClusterRoleBinding](c).Delete(ctx, name, metav1.DeleteOptions{})
		_ = client.Of[rbacv1.ClusterRole](c).Delete(ctx, name, metav1.DeleteOptions{})
	})
}

// With Authorize the API server says who may read /metrics. The probes are open to everybody.
func TestTheAPIServerSaysWhoMayReadMetrics(t *testing.T) {
	cluster := controlplane.Start(t)
	namespace := cluster.Namespace(t)
	admin := connect(t, cluster.Config(), nil)
	scraper, stranger := tokenOf(t, admin, namespace, "scraper"), tokenOf(t, admin, namespace, "stranger")
	permit(t, admin, namespace, "scraper", rbacv1.PolicyRule{NonResourceURLs: []string{"/metrics"}, Verbs: []string{"get"}})

	// The operator itself has an account that may ask and nothing else.
	own := tokenOf(t, admin, namespace, "operator")
	permit(t, admin, namespace, "operator",
		rbacv1.PolicyRule{APIGroups: []string{"authentication.k8s.io"}, Resources: []string{"tokenreviews"}, Verbs: []string{"create"}},
		rbacv1.PolicyRule{APIGroups: []string{"authorization.k8s.io"}, Resources: []string{"subjectaccessreviews"}, Verbs: []string{"create"}})
	config := cluster.Config()
	as := &rest.Config{Host: config.Host, BearerToken: own,
		TLS: rest.TLSConfig{CAData: config.TLS.CAData, CAFile: config.TLS.CAFile, ServerName: config.TLS.ServerName}}
	m := operator.NewMetrics(nil)
	f := informer.NewFactory(connect(t, as, m))
	settings := anyPort
	settings.Authorize, settings.Page, settings.Pprof = true, true, true
	r := start(t, operator.New(operator.Options{Factories: []*informer.Factory{f}, Settings: settings, Metrics: m, Logger: logger(t)}))

	// RBAC's own cache in the API server may lag behind the binding.
	r.until("the scraper may read the metrics", func() bool {
		code, _ := r.get(0, "/metrics", "Authorization", "Bearer "+scraper)
		return code == 200
	})
	asked := reviews(r, scraper)
	if again := reviews(r, scraper); again != asked || asked == "" {
		t.Errorf("a second scrape asks again: before %q, after %q", asked, again)
	}
	for _, tc := range []struct {
		path, token string
		code        int
		body        string
	}{
		{"/metrics", "", 401, "a bearer token is needed\n"},
		{"/metrics", "Bearer ", 401, "a bearer token is needed\n"},
		{"/metrics", "Basic YTpi", 401, "a bearer token is needed\n"},
		{"/metrics", "Bearer nonsense", 401, "the API server does not know this token\n"},
		{"/metrics", "Bearer " + stranger, 403, `"system:serviceaccount:` + namespace + `:stranger" may not get path "/metrics"` + "\n"},
		{"/debug/pprof/", "Bearer " + scraper, 403, `"system:serviceaccount:` + namespace + `:scraper" may not get path "/debug/pprof/"` + "\n"},
	} {
		header := []string{"Authorization", tc.token}
		if tc.token == "" {
			header = nil
		}
		if code, body := r.get(0, tc.path, header...); code != tc.code || body != tc.body {
			t.Errorf("%s with %.15q: %d %s, want %d %s", tc.path, tc.token, code, body, tc.code, tc.body)
		}
	}
	if code, body := r.get(1, "/healthz"); code != 200 {
		t.Errorf("/healthz: %d %s", code, body)
	}
	// A browser that comes by kubectl port-forward sends no token.
	for _, path := range []string{"/debug/skiff/state", "/debug/pprof/cmdline"} {
		if code, body := r.get(2, path); code != 200 {
			t.Errorf("%s by the loopback address: %d %s", path, code, body)
		}
	}
	if err := r.ends(); err != nil {
		t.Error(err)
	}
}

// reviews returns the line of /metrics about the requests that asked.
func reviews(r *running, token string) string {
	_, body := r.get(0, "/metrics", "Authorization", "Bearer "+token)
	for line := range strings.Lines(body) {
		if strings.HasPrefix(line, "rest_client_requests_total{") && strings.Contains(line, `method="POST"`) {
			return line
		}
	}
	return ""
}
