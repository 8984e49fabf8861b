package webhook_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/faults"
	"github.com/skiff-k8s/skiff/operator/webhook"
	"github.com/skiff-k8s/skiff/rest"
)

// Replicas that start at once agree about one Secret.
func TestReplicasThatStartAtOnce(t *testing.T) {
	c := start(t)
	const n = 6
	var all [n]*webhook.Authority
	var looked sync.WaitGroup
	for i := range all {
		all[i] = webhook.NewAuthority(c.c, webhook.AuthorityOptions{Namespace: c.ns, Secret: "webhooks", Service: "web", Logger: c.logger()})
		if _, err := all[i].Get(nil); err == nil || all[i].CABundle() != nil {
			t.Error("it has a certificate before it has looked")
		}
		looked.Go(func() {
			if err := webhook.LookAt(c.ctx, all[i], time.Now()); err != nil {
				t.Error(err)
			}
		})
	}
	looked.Wait()
	secret, err := client.Of[corev1.Secret](c.c).In(c.ns).Get(c.ctx, "webhooks", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range all {
		if !bytes.Equal(a.CABundle(), secret.Data["ca.crt"]) {
			t.Errorf("replica %d has another CA", i)
		}
		leaf, err := a.Get(nil)
		if err != nil {
			t.Fatal(err)
		}
		for host, ok := range map[string]bool{"web." + c.ns + ".svc": true, "web." + c.ns + ".svc.cluster.local": true, "web": false, "127.0.0.1": false} {
			if err := leaf.Leaf.VerifyHostname(host); (err == nil) != ok {
				t.Errorf("for %s: %v", host, err)
			}
		}
	}
}

// A caBundle is written where a configuration calls the Service or one of the hosts, and nothing
// else is touched; once it is right, a look reads the metadata only.
func TestOnlyItsOwnBundles(t *testing.T) {
	c := start(t)
	c.remove("validatingwebhookconfigurations", "mixed")
	c.remove("validatingwebhookconfigurations", "others")
	hook := func(name, where string) string {
		return fmt.Sprintf(`
- name: %s.skiff.test
  admissionReviewVersions: [v1]
  sideEffects: None
  failurePolicy: Ignore
  rules: [{apiGroups: [none.skiff.test], apiVersions: [v1], resources: [nones], operations: [CREATE]}]
  clientConfig: %s`, name, where)
	}
	const head = "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {name: %s, annotations: {keep: me}}\nwebhooks:"
	c.apply(fmt.Sprintf(head, "others") + hook("a", `{service: {namespace: elsewhere, name: web, path: /a}}`))
	theirs := string(c.bundleWithCA(t))
	c.apply(fmt.Sprintf(head, "mixed") +
		hook("their-service", fmt.Sprintf(`{service: {namespace: %s, name: other, path: /a}, caBundle: %s}`, c.ns, theirs)) +
		hook("our-service", fmt.Sprintf(`{service: {namespace: %s, name: web, path: /a}}`, c.ns)) +
		hook("their-url", `{url: "https://other.test/a"}`) +
		hook("our-url", `{url: "https://here.test:1234/missing"}`) +
		hook("our-old", fmt.Sprintf(`{service: {namespace: %s, name: web}, caBundle: %s}`, c.ns, theirs)))
	before := c.configuration("mixed")

	config := c.Config()
	var mu sync.Mutex
	var sent []string
	config.Metrics = &rest.Metrics{Attempt: func(_ context.Context, info rest.RequestInfo, _ rest.AttemptMetrics) {
		mu.Lock()
		defer mu.Unlock()
		sent = append(sent, info.Method+" "+info.Resource)
	}}
	counted, err := rest.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(counted.CloseIdleConnections)
	var log bytes.Buffer
	a := webhook.NewAuthority(counted, webhook.AuthorityOptions{Namespace: c.ns, Secret: "webhooks", Service: "web", Hosts: []string{"here.test"},
		Validating: []string{"mixed"}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	webhook.NewServer(webhook.Options{Authority: a}, webhook.ValidateRaw("/a", nil), webhook.ValidateRaw("/", nil))
	look := func() []string {
		t.Helper()
		mu.Lock()
		sent = nil
		mu.Unlock()
		if err := webhook.LookAt(c.ctx, a, time.Now()); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(sent)
	}
	const config1 = "validatingwebhookconfigurations"
	if got := look(); !slices.Equal(got, []string{"GET secrets", "GET " + config1, "POST secrets", "GET " + config1, "PATCH " + config1}) {
		t.Errorf("the first look sends %q", got)
	}
	after := c.configuration("mixed")
	for i, ours := range []bool{false, true, false, true, true} {
		was, now := before["webhooks"].([]any)[i].(map[string]any), after["webhooks"].([]any)[i].(map[string]any)
		data, _ := json.Marshal(now["clientConfig"].(map[string]any)["caBundle"])
		var bundle []byte
		_ = json.Unmarshal(data, &bundle)
		if bytes.Equal(bundle, a.CABundle()) != ours {
			t.Errorf("%s: its own is %v", now["name"], ours)
		}
		delete(was["clientConfig"].(map[string]any), "caBundle")
		delete(now["clientConfig"].(map[string]any), "caBundle")
		if fmt.Sprint(was) != fmt.Sprint(now) && ours {
			t.Errorf("%v has become %v", was, now)
		}
	}
	if got := log.String(); strings.Count(got, "a path that is not served") != 1 || !strings.Contains(got, "path=/missing") {
		t.Errorf("logged %s", got)
	}
	if got := look(); !slices.Equal(got, []string{"GET secrets", "GET " + config1}) {
		t.Errorf("the second look sends %q", got)
	}
	gvr := c.c.Patch(types.MergePatchType).AbsPath("apis", "admissionregistration.k8s.io", "v1", config1, "mixed")
	if err := gvr.Body([]byte(`{"metadata":{"annotations":{"more":"x"}}}`)).Do(c.ctx).Error(); err != nil {
		t.Fatal(err)
	}
	if got := look(); !slices.Equal(got, []string{"GET secrets", "GET " + config1, "GET " + config1}) {
		t.Errorf("a look after another's change sends %q", got)
	}

	for name, want := range map[string]string{
		"others":  "it has no webhook that calls Service \"web\" in namespace",
		"missing": "not found",
	} {
		a := webhook.NewAuthority(c.c, webhook.AuthorityOptions{Namespace: c.ns, Secret: "webhooks", Service: "web",
			Validating: []string{name, "mixed"}, Logger: c.logger()})
		err := webhook.LookAt(c.ctx, a, time.Now())
		if err == nil || !strings.Contains(err.Error(), want) || strings.Count(err.Error(), "\n") != 0 {
			t.Errorf("%s: %v", name, err)
		}
		if a.CABundle() == nil {
			t.Errorf("%s: nothing is served", name)
		}
	}
}

// bundleWithCA returns the caBundle of another server, in base64.
func (c *cluster) bundleWithCA(t *testing.T) []byte {
	t.Helper()
	ca, _, _, err := webhook.MakeCertificate(time.Now(), "other.test")
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(ca)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Trim(data, `"`)
}

func (c *cluster) configuration(name string) (object map[string]any) {
	c.t.Helper()
	data, err := c.c.Get().AbsPath("apis", "admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations", name).DoRaw(c.ctx)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := json.Unmarshal(data, &object); err != nil {
		c.t.Fatal(err)
	}
	return object
}

// Others' writes between a look's read and its write are read, and a writer that always wins is
// given up after five times.
func TestConflicts(t *testing.T) {
	c := start(t)
	c.remove("validatingwebhookconfigurations", "busy")
	h := webhook.Validate(func(context.Context, *webhook.Request[Widget]) ([]string, error) { return nil, nil })
	c.apply(configurations(c.t, webhook.ConfigurationOptions{Name: "busy", Namespace: c.ns, Service: "web"}, h))
	for others, want := range map[int]int{1: 2, 4: 5, 5: 5} {
		config := c.Config()
		tries, left := 0, others
		config.Wrap(func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				if r.Method == http.MethodPatch {
					if tries++; left > 0 {
						left--
						err := c.c.Patch(types.MergePatchType).AbsPath("apis", "admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations", "busy").
							Body([]byte(fmt.Sprintf(`{"metadata":{"annotations":{"n":"%d-%d"}}}`, others, left))).Do(c.ctx).Error()
						if err != nil {
							t.Error(err)
						}
					}
				}
				return next.RoundTrip(r)
			})
		})
		wrapped, err := rest.NewClient(config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(wrapped.CloseIdleConnections)
		a := webhook.NewAuthority(wrapped, webhook.AuthorityOptions{Namespace: c.ns, Secret: fmt.Sprintf("webhooks-%d", others), Service: "web",
			Validating: []string{"busy"}, Logger: c.logger()})
		err = webhook.LookAt(c.ctx, a, time.Now())
		if tries != want || (err != nil) != (others == 5) || err != nil && !apierrors.IsConflict(err) && !strings.Contains(err.Error(), "the object has been modified") {
			t.Errorf("after %d writes of others: %d tries, %v", others, tries, err)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// While the API server does not answer, the pauses grow to a minute, each fault is a line, and then
// the certificate is there. A certificate that is there is served during a fault.
func TestFaultsOfTheAPIServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var at []time.Time
		broken := true
		store := faults.NewStore()
		server := faults.Start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			at = append(at, time.Now())
			fails := broken
			mu.Unlock()
			if fails {
				http.Error(w, "out of order", http.StatusInternalServerError)
				return
			}
			store.ServeHTTP(w, r)
		}), faults.Options{})
		c, err := rest.NewClient(&rest.Config{Host: server.URL(), Dial: server.Dial, JSONOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		defer c.CloseIdleConnections()
		var log lines
		a := webhook.NewAuthority(c, webhook.AuthorityOptions{Namespace: "ns", Secret: "webhooks", Service: "web",
			Logger: slog.New(slog.NewTextHandler(&log, nil))})
		s := webhook.NewServer(webhook.Options{Address: "127.0.0.1:0", Authority: a, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
		ctx, stop := context.WithCancel(t.Context())
		kept := make(chan struct{})
		go func() { webhook.Keep(ctx, a); close(kept) }()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		mu.Lock()
		times := slices.Clone(at)
		broken = false
		mu.Unlock()
		if n := len(times); n < 12 || n > 20 || log.count("keep certificate of webhooks") != n {
			t.Errorf("%d requests in 10 minutes, %d lines", n, log.count("keep certificate of webhooks"))
		}
		for i, want := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 32 * time.Second} {
			if got := times[i+1].Sub(times[i]); got != want {
				t.Errorf("pause %d is %v", i, got)
			}
		}
		if last := times[len(times)-1].Sub(times[len(times)-2]); last < 54*time.Second || last > time.Minute {
			t.Errorf("the last pause is %v", last)
		}
		if _, err := a.Get(nil); err == nil || !strings.Contains(err.Error(), "out of order") {
			t.Errorf("without a certificate: %v", err)
		}
		if err := s.Check(ctx); err == nil {
			t.Error("it is ready")
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		leaf, err := a.Get(nil)
		if err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		broken = true
		mu.Unlock()
		time.Sleep(time.Hour)
		if now, err := a.Get(nil); err != nil || now != leaf {
			t.Errorf("during a fault: %v", err)
		}
		stop()
		<-kept
	})
}

// lines counts lines of a log.
type lines struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(p)
}

func (l *lines) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.all.String(), text)
}

// The rights are those of the names that are configured. TestTheWebhooks of operator/examples runs
// under them.
func TestRights(t *testing.T) {
	c, err := rest.NewClient(&rest.Config{Host: "https://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	a := webhook.NewAuthority(c, webhook.AuthorityOptions{Namespace: "ns", Secret: "s", Service: "web", Validating: []string{"v"}, CRDs: []string{"a", "b"}})
	inNamespace := []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"create"}},
		{APIGroups: []string{""}, Resources: []string{"secrets"}, ResourceNames: []string{"s"}, Verbs: []string{"get", "update"}},
	}
	want := []rbacv1.PolicyRule{
		{APIGroups: []string{"admissionregistration.k8s.io"}, Resources: []string{"validatingwebhookconfigurations"}, ResourceNames: []string{"v"}, Verbs: []string{"get", "patch"}},
		{APIGroups: []string{"apiextensions.k8s.io"}, Resources: []string{"customresourcedefinitions"}, ResourceNames: []string{"a", "b"}, Verbs: []string{"get", "patch"}},
	}
	s := webhook.NewServer(webhook.Options{Authority: a})
	same := func(a, b rbacv1.PolicyRule) bool { return a.String() == b.String() }
	if got := s.Rules(); !slices.EqualFunc(got, want, same) {
		t.Errorf("%v", got)
	}
	if got := s.NamespacedRules(); !slices.EqualFunc(got, inNamespace, same) {
		t.Errorf("%v", got)
	}
	for want, o := range map[string]webhook.AuthorityOptions{
		"the name of a Secret":              {Namespace: "ns", Service: "web"},
		"needs the namespace":               {Secret: "s", Service: "web"},
		"it needs a Service, or":            {Namespace: "ns", Secret: "s"},
		`the host "[::1]" is neither`:       {Namespace: "ns", Secret: "s", Hosts: []string{"web", "127.0.0.1", "::1", "[::1]"}},
		`the host "https://web" is neither`: {Namespace: "ns", Secret: "s", Hosts: []string{"https://web"}},
		`the host "web:9443" is neither`:    {Namespace: "ns", Secret: "s", Hosts: []string{"web:9443"}},
		`the host "" is neither`:            {Namespace: "ns", Secret: "s", Hosts: []string{""}},
		`the host "a/b.ns.svc" is neither`:  {Namespace: "ns", Secret: "s", Service: "a/b"},
	} {
		err := webhook.NewServer(webhook.Options{Address: "127.0.0.1:0", Authority: webhook.NewAuthority(c, o)}).Listen(t.Context())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

// A webhook for Secrets does not stand in the way of the Secret that it needs itself, and does of
// others.
func TestAWebhookForSecrets(t *testing.T) {
	c := start(t)
	c.remove("validatingwebhookconfigurations", "secrets")
	a := webhook.NewAuthority(c.c, webhook.AuthorityOptions{Namespace: c.ns, Secret: "webhooks", Service: "web",
		Validating: []string{"secrets"}, Logger: c.logger()})
	h := webhook.Validate(func(context.Context, *webhook.Request[corev1.Secret]) ([]string, error) { return nil, nil })
	// Nobody answers, and failurePolicy is Fail. Other namespaces of the control plane are left alone.
	c.apply(strings.ReplaceAll(configurations(t, webhook.ConfigurationOptions{Name: "secrets", Namespace: c.ns, Service: "web", Authority: a}, h),
		"  clientConfig:\n", "  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: "+c.ns+"}}\n  clientConfig:\n"))
	secrets := client.Of[corev1.Secret](c.c).In(c.ns)
	c.until("another Secret is refused", func() bool {
		_, err := secrets.Create(c.ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{GenerateName: "other-"}}, metav1.CreateOptions{DryRun: []string{"All"}})
		return err != nil && strings.Contains(err.Error(), "failed calling webhook")
	})
	for _, now := range []time.Time{time.Now().Add(-70 * 24 * time.Hour), time.Now()} { // it is made, and renewed
		if err := webhook.LookAt(c.ctx, a, now); err != nil {
			t.Error(err)
		}
	}
	if got, err := secrets.Get(c.ctx, "webhooks", metav1.GetOptions{}); err != nil || got.ResourceVersion == "" {
		t.Error(err)
	}
}

// A new replica finds no Secret. What the other replicas serve until they look stays trusted: its CA is
// in the caBundle. What is no CA there, or of others, is left out.
func TestANewReplicaWithoutASecret(t *testing.T) {
	c := start(t)
	c.remove("validatingwebhookconfigurations", "new")
	h := webhook.Validate(func(context.Context, *webhook.Request[Widget]) ([]string, error) { return nil, nil })
	c.apply(configurations(t, webhook.ConfigurationOptions{Name: "new", Namespace: c.ns, Service: "web"}, h))
	replica := func(logger *slog.Logger) *webhook.Authority {
		return webhook.NewAuthority(c.c, webhook.AuthorityOptions{Namespace: c.ns, Secret: "webhooks", Service: "web",
			Validating: []string{"new"}, Logger: logger})
	}
	old := replica(c.logger())
	if err := webhook.LookAt(c.ctx, old, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := client.Of[corev1.Secret](c.c).In(c.ns).Delete(c.ctx, "webhooks", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	fresh := replica(c.logger())
	if err := webhook.LookAt(c.ctx, fresh, time.Now()); err != nil {
		t.Fatal(err)
	}
	bundle := c.bundleOf("new")
	if !bytes.Equal(bundle, fresh.CABundle()) || bytes.Count(bundle, []byte("BEGIN")) != 2 || !bytes.HasSuffix(bundle, old.CABundle()) {
		t.Errorf("the caBundle is\n%s, the old CA\n%s", bundle, old.CABundle())
	}
}

// A replica that cannot read the Secret writes no caBundle, which may be an old one, and is not ready
// when it could not for half of the time that a new CA has to be learned.
func TestAReplicaThatCannotReadTheSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		broken := false
		var sent []string
		store := faults.NewStore()
		server := faults.Start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			fails := broken && strings.Contains(r.URL.Path, "secrets")
			sent = append(sent, r.Method+" "+r.URL.Path[strings.LastIndex(r.URL.Path[:strings.LastIndex(r.URL.Path, "/")], "/")+1:])
			mu.Unlock()
			if fails {
				http.Error(w, "out of order", http.StatusInternalServerError)
				return
			}
			store.ServeHTTP(w, r)
		}), faults.Options{})
		c, err := rest.NewClient(&rest.Config{Host: server.URL(), Dial: server.Dial, JSONOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		defer c.CloseIdleConnections()
		a := webhook.NewAuthority(c, webhook.AuthorityOptions{Namespace: "ns", Secret: "webhooks", Service: "web",
			Validating: []string{"missing"}, Logger: slog.New(slog.DiscardHandler)})
		look := func() (string, error) {
			mu.Lock()
			sent = nil
			mu.Unlock()
			err := webhook.LookAt(t.Context(), a, time.Now())
			mu.Lock()
			defer mu.Unlock()
			return strings.Join(sent, ", "), err
		}
		if err := webhook.CheckOf(a); err != nil {
			t.Error(err)
		}
		if got, err := look(); !strings.Contains(got, "validatingwebhookconfigurations/missing") || err == nil {
			t.Errorf("the first look sends %q, %v", got, err)
		}
		mu.Lock()
		broken = true
		mu.Unlock()
		time.Sleep(15 * time.Minute / 2)
		if got, err := look(); strings.Contains(got, "validatingwebhookconfigurations") || err == nil {
			t.Errorf("without the Secret it sends %q, %v", got, err)
		}
		if err := webhook.CheckOf(a); err != nil {
			t.Errorf("after 7.5 minutes: %v", err)
		}
		time.Sleep(time.Nanosecond)
		if err := webhook.CheckOf(a); err == nil || !strings.Contains(err.Error(), "not compared with Secret ns/webhooks for 7m30s") {
			t.Errorf("after more than 7.5 minutes: %v", err)
		}
		mu.Lock()
		broken = false
		mu.Unlock()
		_, _ = look()
		if err := webhook.CheckOf(a); err != nil {
			t.Errorf("when it can again: %v", err)
		}
	})
}
