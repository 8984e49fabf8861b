package rest_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/wire"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

func connect(t *testing.T, cfg *rest.Config) *rest.Client {
	t.Helper()
	c, err := rest.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func configMap(name string, data map[string]string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: data}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// The life of an object, in the two formats, as everyone writes it.
func TestALifeOfAConfigMap(t *testing.T) {
	cluster := controlplane.Start(t)
	for _, format := range []wire.Format{wire.Protobuf, wire.JSON} {
		t.Run(format.String(), func(t *testing.T) {
			ns := cluster.Namespace(t)
			cfg := cluster.Config()
			cfg.JSONOnly = format == wire.JSON
			c, ctx := connect(t, cfg), t.Context()
			configMaps := func(r *rest.Request) *rest.Request { return r.Namespace(ns).Resource("configmaps") }

			var made corev1.ConfigMap
			res := configMaps(c.Post()).Body(configMap("web", map[string]string{"a": "1"})).Do(ctx)
			must(t, res.Into(&made))
			if made.UID == "" || made.Data["a"] != "1" || made.Kind != "ConfigMap" || res.StatusCode() != http.StatusCreated {
				t.Errorf("created %+v with status %d", made, res.StatusCode())
			}
			if res.ContentType() != format.ContentType() {
				t.Errorf("the answer is %s", res.ContentType())
			}

			var got corev1.ConfigMap
			must(t, configMaps(c.Get()).Name("web").Do(ctx).Into(&got))
			if got.UID != made.UID || len(got.ManagedFields) == 0 {
				t.Errorf("got %+v", got)
			}
			must(t, configMaps(c.Patch(types.MergePatchType)).Name("web").Body([]byte(`{"data":{"b":"2"}}`)).Do(ctx).Error())
			must(t, configMaps(c.Patch(types.ApplyPatchType)).Name("web").VersionedParams(&metav1.PatchOptions{FieldManager: "tester"}).
				Body(configMap("web", map[string]string{"c": "3"})).Do(ctx).Error())

			var list corev1.ConfigMapList
			must(t, configMaps(c.Get()).VersionedParams(&metav1.ListOptions{FieldSelector: "metadata.name=web"}).Do(ctx).Into(&list))
			if len(list.Items) != 1 || len(list.Items[0].Data) != 3 || list.ResourceVersion == "" {
				t.Errorf("listed %+v", list)
			}
			stream, err := configMaps(c.Get()).VersionedParams(&metav1.ListOptions{FieldSelector: "metadata.name=web"}).List(ctx, wire.Options{})
			must(t, err)
			defer stream.Close()
			object, err := stream.Next()
			must(t, err)
			if object.Meta.Key() != ns+"/web" || object.Format != format || object.Kind != "ConfigMap" {
				t.Errorf("streamed %+v", object.Meta)
			}
			if _, err := stream.Next(); err != io.EOF {
				t.Errorf("the stream ends with %v", err)
			}

			list.Items[0].Data["d"] = "4"
			must(t, configMaps(c.Put()).Name("web").Body(&list.Items[0]).Do(ctx).Error())
			uid := made.UID
			must(t, configMaps(c.Delete()).Name("web").Body(&metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}}).Do(ctx).Error())
			err = configMaps(c.Get()).Name("web").Do(ctx).Error()
			if !apierrors.IsNotFound(err) {
				t.Errorf("after deletion: %v", err)
			}
			must(t, configMaps(c.Delete()).VersionedParams(&metav1.ListOptions{LabelSelector: "a=b"}).Do(ctx).Error())
		})
	}
}

func TestTheServersErrorsAreRecognised(t *testing.T) {
	cluster := controlplane.Start(t)
	ns := cluster.Namespace(t)
	c, ctx := connect(t, cluster.Config()), t.Context()
	must(t, c.Post().Namespace(ns).Resource("configmaps").Body(configMap("web", nil)).Do(ctx).Error())
	nobody := cluster.Config()
	nobody.Impersonate = rest.Impersonation{User: "nobody"}
	stranger := cluster.Config()
	stranger.TLS.CertData, stranger.TLS.CertFile, stranger.TLS.KeyData, stranger.TLS.KeyFile = nil, "", nil, ""
	stranger.BearerToken = "hunter2-token"
	stale := configMap("web", nil)
	stale.ResourceVersion = "1"
	for name, test := range map[string]struct {
		r    *rest.Request
		is   func(error) bool
		want []string
	}{
		"not found":      {c.Get().Namespace(ns).Resource("configmaps").Name("nope"), apierrors.IsNotFound, []string{`configmaps "nope" not found`}},
		"no resource":    {c.Get().Namespace(ns).Resource("nopes"), apierrors.IsNotFound, []string{"list nopes", ns}},
		"already exists": {c.Post().Namespace(ns).Resource("configmaps").Body(configMap("web", nil)), apierrors.IsAlreadyExists, []string{`"web" already exists`}},
		"conflict":       {c.Put().Namespace(ns).Resource("configmaps").Name("web").Body(stale), apierrors.IsConflict, []string{`"web"`}},
		"invalid":        {c.Post().Namespace(ns).Resource("configmaps").Body(configMap("Not A Name", nil)), apierrors.IsInvalid, []string{"Not A Name"}},
		"bad request":    {c.Post().Namespace(ns).Resource("configmaps").Body([]byte("{]")), apierrors.IsBadRequest, []string{"configmaps"}},
		"media type": {c.Post().Namespace(ns).Resource("configmaps").Body([]byte("x")).SetHeader("Content-Type", "text/x"),
			apierrors.IsUnsupportedMediaType, nil},
		"method":       {c.Post().Namespace(ns).Resource("configmaps").Name("web").Body(configMap("web", nil)), apierrors.IsMethodNotSupported, nil},
		"expired":      {c.Get().Namespace(ns).Resource("configmaps").Param("continue", "nonsense"), apierrors.IsBadRequest, nil},
		"forbidden":    {connect(t, nobody).Get().Namespace(ns).Resource("configmaps"), apierrors.IsForbidden, []string{"nobody", "configmaps"}},
		"unauthorized": {connect(t, stranger).Get().Namespace(ns).Resource("configmaps").Name("web"), apierrors.IsUnauthorized, []string{"configmaps", "web"}},
	} {
		t.Run(name, func(t *testing.T) {
			err := test.r.Do(ctx).Error()
			if !test.is(err) {
				t.Fatalf("error: %v", err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is missing in %q", want, err)
				}
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error shows the token: %v", err)
			}
		})
	}
}

func TestTheVersionByItsPath(t *testing.T) {
	c := connect(t, controlplane.Start(t).Config())
	data, err := c.Get().AbsPath("/version").DoRaw(t.Context())
	must(t, err)
	var version struct{ GitVersion string }
	must(t, json.Unmarshal(data, &version))
	if !strings.HasPrefix(version.GitVersion, "v1.") {
		t.Errorf("the server answers %s", data)
	}
	metrics, err := c.Get().AbsPath("/metrics").Stream(t.Context()) // text, not JSON
	must(t, err)
	defer metrics.Close()
	line := make([]byte, 6)
	if _, err := io.ReadFull(metrics, line); err != nil || string(line) != "# HELP" {
		t.Errorf("metrics begin with %q, %v", line, err)
	}
}

// A custom resource is JSON, also for a client that would rather have protobuf.
func TestACustomResource(t *testing.T) {
	cluster := controlplane.Start(t)
	ns := cluster.Namespace(t)
	c, ctx := connect(t, cluster.Config()), t.Context()
	gv := schema.GroupVersion{Group: "rest.acme.example", Version: "v1"}
	definition := &unstructured.Unstructured{}
	must(t, json.Unmarshal([]byte(`{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
		"metadata":{"name":"widgets.rest.acme.example"},"spec":{"group":"rest.acme.example","scope":"Namespaced",
		"names":{"plural":"widgets","kind":"Widget"},"versions":[{"name":"v1","served":true,"storage":true,
		"schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}}`), definition))
	extensions := c.GroupVersion(schema.GroupVersion{Group: "apiextensions.k8s.io", Version: "v1"})
	must(t, extensions.Post().Resource("customresourcedefinitions").Body(definition).Do(ctx).Error())
	watch, err := extensions.Get().Resource("customresourcedefinitions").
		VersionedParams(&metav1.ListOptions{FieldSelector: "metadata.name=widgets.rest.acme.example"}).Watch(ctx, wire.Options{})
	must(t, err)
	defer watch.Close()
	for established := false; !established; {
		event, err := watch.Next()
		must(t, err)
		if event.Object.Format != wire.Protobuf {
			t.Fatal("apiextensions.k8s.io does not speak protobuf")
		}
		established = strings.Contains(string(event.Object.Data), "Established")
	}

	widgets := func(r *rest.Request) *rest.Request { return r.GroupVersion(gv).Namespace(ns).Resource("widgets") }
	widget := &unstructured.Unstructured{Object: map[string]any{"metadata": map[string]any{"name": "w"}, "size": int64(3)}}
	widget.SetGroupVersionKind(gv.WithKind("Widget"))
	for { // the path is served a moment after the condition says so
		err = widgets(c.Post()).Body(widget).Do(ctx).Error()
		if !apierrors.IsNotFound(err) {
			break
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			t.Fatal(ctx.Err())
		}
	}
	must(t, err)
	for _, r := range []*rest.Request{widgets(c.Get()), widgets(c.Get()).Format(wire.Protobuf)} {
		var list unstructured.UnstructuredList
		must(t, r.Do(ctx).Into(&list))
		if len(list.Items) != 1 || list.Items[0].Object["size"] != int64(3) {
			t.Errorf("listed %+v", list)
		}
		stream, err := r.List(ctx, wire.Options{})
		must(t, err)
		object, err := stream.Next()
		must(t, err)
		if object.Format != wire.JSON || object.Kind != "Widget" || object.Meta.Name != "w" {
			t.Errorf("streamed %+v", object)
		}
		must(t, stream.Close())
	}
	must(t, widgets(c.Delete()).Name("w").Body(&metav1.DeleteOptions{}).Do(ctx).Error())
}

func TestAWatchSeesWhatHappensAndEndsWithItsContext(t *testing.T) {
	cluster := controlplane.Start(t)
	for _, format := range []wire.Format{wire.Protobuf, wire.JSON} {
		t.Run(format.String(), func(t *testing.T) {
			ns := cluster.Namespace(t)
			c := connect(t, cluster.Config())
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			watch, err := c.Get().Namespace(ns).Resource("configmaps").Format(format).
				VersionedParams(&metav1.ListOptions{FieldSelector: "metadata.name=web"}).Watch(ctx, wire.Options{})
			must(t, err)
			defer watch.Close()
			must(t, c.Post().Namespace(ns).Resource("configmaps").Body(configMap("web", nil)).Do(ctx).Error())
			must(t, c.Patch(types.MergePatchType).Namespace(ns).Resource("configmaps").Name("web").Body([]byte(`{"data":{"a":"1"}}`)).Do(ctx).Error())
			must(t, c.Delete().Namespace(ns).Resource("configmaps").Name("web").Do(ctx).Error())
			for _, want := range []wire.EventType{wire.Added, wire.Modified, wire.Deleted} {
				event, err := watch.Next()
				must(t, err)
				if event.Object.Format != format {
					t.Errorf("the event is in %v", event.Object.Format)
				}
				if event.Type != want || event.Object.Meta.Key() != ns+"/web" {
					t.Errorf("%s %s, not %s", event.Type, event.Object.Meta.Key(), want)
				}
			}
			ended := make(chan error, 1)
			go func() { _, err := watch.Next(); ended <- err }()
			cancel()
			select {
			case err := <-ended:
				if !errors.Is(err, context.Canceled) {
					t.Errorf("ends with %v", err)
				}
			case <-time.After(5 * time.Second):
				t.Error("goes on after its context")
			}
		})
	}
}

func TestWhoAsks(t *testing.T) {
	cluster := controlplane.Start(t)
	ns := cluster.Namespace(t)
	admin, ctx := connect(t, cluster.Config()), t.Context()
	who := func(cfg *rest.Config) authenticationv1.UserInfo {
		t.Helper()
		var review authenticationv1.SelfSubjectReview
		must(t, connect(t, cfg).GroupVersion(authenticationv1.SchemeGroupVersion).Post().Resource("selfsubjectreviews").
			Body(&authenticationv1.SelfSubjectReview{}).Do(ctx).Into(&review))
		return review.Status.UserInfo
	}

	impersonated := cluster.Config()
	impersonated.Impersonate = rest.Impersonation{User: "jane", UID: "42", Groups: []string{"dev", "ops"},
		Extra: map[string][]string{"acme.example/project%": {"x", "y"}}}
	got := who(impersonated)
	groups := slices.Sorted(slices.Values(got.Groups))
	if got.Username != "jane" || got.UID != "42" || !slices.Equal(groups, []string{"dev", "ops", "system:authenticated"}) ||
		!maps.EqualFunc(got.Extra, map[string]authenticationv1.ExtraValue{"acme.example/project%": {"x", "y"}}, slices.Equal) {
		t.Errorf("impersonated: %+v", got)
	}

	must(t, admin.Post().Namespace(ns).Resource("serviceaccounts").Body(&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "robot"}}).Do(ctx).Error())
	var token authenticationv1.TokenRequest
	must(t, admin.Post().Namespace(ns).Resource("serviceaccounts").Name("robot").SubResource("token").
		Kind(authenticationv1.SchemeGroupVersion.WithKind("TokenRequest")).Body(&authenticationv1.TokenRequest{}).Do(ctx).Into(&token))
	robot := cluster.Config()
	robot.TLS.CertData, robot.TLS.CertFile, robot.TLS.KeyData, robot.TLS.KeyFile = nil, "", nil, ""
	robot.BearerTokenFile = filepath.Join(t.TempDir(), "token")
	must(t, os.WriteFile(robot.BearerTokenFile, []byte("not-yet"), 0o600))
	c := connect(t, robot)
	review := c.GroupVersion(authenticationv1.SchemeGroupVersion).Post().Resource("selfsubjectreviews").Body(&authenticationv1.SelfSubjectReview{})
	if err := review.Do(ctx).Error(); !apierrors.IsUnauthorized(err) {
		t.Errorf("with a wrong token: %v", err)
	}
	must(t, os.WriteFile(robot.BearerTokenFile, []byte(token.Status.Token+"\n"), 0o600))
	must(t, review.Do(ctx).Error()) // the same client reads the renewed file after the 401
	if got := who(robot); got.Username != "system:serviceaccount:"+ns+":robot" {
		t.Errorf("by token file: %+v", got)
	}
}

func TestTheServersWarningsArrive(t *testing.T) {
	cluster := controlplane.Start(t)
	cfg := cluster.Config()
	var mu sync.Mutex
	var got []rest.Warning
	cfg.Warnings = func(w rest.Warning) { mu.Lock(); got = append(got, w); mu.Unlock() }
	must(t, connect(t, cfg).Get().Resource("componentstatuses").Do(t.Context()).Error()) // deprecated since 1.19
	if len(got) != 1 || !strings.Contains(got[0].Text, "deprecated") {
		t.Errorf("warnings: %q", got)
	}
}

func TestALargeListArrivesCompressedOnlyWhenAskedFor(t *testing.T) {
	cluster := controlplane.Start(t)
	ns := cluster.Namespace(t)
	c, ctx := connect(t, cluster.Config()), t.Context()
	for i := range 4 { // the server compresses from 128 KB
		must(t, c.Post().Namespace(ns).Resource("configmaps").Body(configMap(fmt.Sprintf("big-%d", i), map[string]string{"k": strings.Repeat("x", 100<<10)})).Do(ctx).Error())
	}
	cfg := cluster.Config()
	_, address, _ := strings.Cut(cfg.Host, "://")
	host, port, err := net.SplitHostPort(address)
	must(t, err)
	cfg.TLS.ServerName = host
	cfg.Host = "https://" + net.JoinHostPort("away.example", port) // loopback is never asked to compress
	count := new(countingConn)
	cfg.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err == nil {
			conn = count.of(conn)
		}
		return conn, err
	}
	read := func(cfg *rest.Config) (objects int, bytes int64) {
		count.reset()
		stream, err := connect(t, cfg).Get().Namespace(ns).Resource("configmaps").List(ctx, wire.Options{})
		must(t, err)
		defer stream.Close()
		for {
			if _, err := stream.Next(); err == io.EOF {
				return objects, count.read()
			} else if err != nil {
				t.Fatal(err)
			}
			objects++
		}
	}
	objects, compressed := read(cfg)
	cfg.Compression = -1
	same, plain := read(cfg)
	if objects != same || objects < 4 {
		t.Errorf("%d objects compressed, %d plain", objects, same)
	}
	if compressed > 100<<10 || plain < 400<<10 {
		t.Errorf("%d bytes compressed, %d plain", compressed, plain)
	}
}

// countingConn counts what its connections read.
type countingConn struct {
	mu sync.Mutex
	n  int64
}

func (c *countingConn) reset()      { c.mu.Lock(); c.n = 0; c.mu.Unlock() }
func (c *countingConn) read() int64 { c.mu.Lock(); defer c.mu.Unlock(); return c.n }

func (c *countingConn) of(conn net.Conn) net.Conn { return &counted{Conn: conn, count: c} }

type counted struct {
	net.Conn
	count *countingConn
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.count.mu.Lock()
	c.count.n += int64(n)
	c.count.mu.Unlock()
	return n, err
}

// A watch hears of a server that goes away, in whichever way, and the same client works when it is
// back.
func TestTheServerGoesAwayUnderAWatch(t *testing.T) {
	cluster := controlplane.New(t)
	ns := cluster.Namespace(t)
	cfg, ctx := cluster.Config(), t.Context()
	rest.SetHealthCheck(cfg, time.Second, time.Second)
	c := connect(t, cfg)
	open := func() *rest.WatchStream {
		t.Helper()
		watch, err := c.Get().Namespace(ns).Resource("configmaps").Watch(ctx, wire.Options{})
		must(t, err)
		return watch
	}
	ends := func(watch *rest.WatchStream) error {
		t.Helper()
		defer watch.Close()
		ended := make(chan error, 1)
		go func() {
			for {
				if _, err := watch.Next(); err != nil {
					ended <- err
					return
				}
			}
		}()
		select {
		case err := <-ended:
			return err
		case <-time.After(10 * time.Second):
			t.Error("the watch does not notice")
			return nil
		}
	}

	// Stopped in its tracks it keeps its connections open; only the pings tell.
	watch := open()
	must(t, cluster.PauseAPIServer(ctx))
	err := ends(watch)
	if err == io.EOF {
		t.Error("silence looks like the end of a watch")
	}
	t.Logf("silence ends the watch with: %v", err)
	must(t, cluster.ResumeAPIServer(ctx))
	must(t, c.Get().AbsPath("/version").Do(ctx).Error())

	watch = open()
	must(t, cluster.RestartAPIServer(ctx))
	t.Logf("a restart ends the watch with: %v", ends(watch))
	must(t, c.Post().Namespace(ns).Resource("configmaps").Body(configMap("after-restart", nil)).Do(ctx).Error())

	watch = open()
	must(t, cluster.KillAPIServer(ctx))
	err = ends(watch)
	t.Logf("a crash ends the watch with: %v", err)
	if err == io.EOF {
		t.Error("a crash looks like the end of a watch")
	}
	err = c.Get().AbsPath("/version").Do(ctx).Error()
	if err == nil || !strings.Contains(err.Error(), "is the API server running there?") {
		t.Errorf("while it is down: %v", err)
	}
	must(t, cluster.StartAPIServer(ctx))
	must(t, c.Get().Namespace(ns).Resource("configmaps").Name("after-restart").Do(ctx).Error())
}

// The API server is reached through a proxy as a kubeconfig's proxy-url names it: requests, a list and
// a watch over one connection.
func TestTheServerBehindAProxy(t *testing.T) {
	cluster := controlplane.Start(t)
	for _, scheme := range []string{"http", "socks5"} {
		t.Run(scheme, func(t *testing.T) {
			ns := cluster.Namespace(t)
			cfg, ctx := cluster.Config(), t.Context()
			address, connected := rest.StartProxy(t, scheme)
			proxy, err := rest.ProxyURL(address)
			must(t, err)
			cfg.Proxy = proxy
			c := connect(t, cfg)
			watch, err := c.Get().Namespace(ns).Resource("configmaps").Param("fieldSelector", "metadata.name=web").Watch(ctx, wire.Options{})
			must(t, err)
			defer watch.Close()
			must(t, c.Post().Namespace(ns).Resource("configmaps").Body(configMap("web", nil)).Do(ctx).Error())
			event, err := watch.Next()
			must(t, err)
			if event.Object.Meta.Key() != ns+"/web" || connected() != 1 {
				t.Errorf("%s after %d connections", event.Object.Meta.Key(), connected())
			}
		})
	}
}

// A client whose requests are traced, measured and part of a trace works with the API server, and its
// log holds neither the data of a Secret nor a token.
func TestWhatIsTracedAndMeasured(t *testing.T) {
	cluster := controlplane.Start(t)
	ns := cluster.Namespace(t)
	cfg, ctx := cluster.Config(), t.Context()
	cfg.JSONOnly = true
	var log strings.Builder
	cfg.Wrap(rest.Trace(slog.NewTextHandler(&log, nil), 9))
	cfg.Wrap(rest.TraceContext(func(_ context.Context, h http.Header) {
		h.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	}))
	codes := map[string]int{}
	var sizes int64
	cfg.Metrics = &rest.Metrics{
		Attempt: func(_ context.Context, r rest.RequestInfo, a rest.AttemptMetrics) {
			codes[fmt.Sprint(r.Verb, " ", r.Resource, " ", a.Code)]++
		},
		Request: func(_ context.Context, _ rest.RequestInfo, m rest.RequestMetrics) { sizes += m.Received },
	}
	c := connect(t, cfg)
	const value = "the-value-of-the-secret"
	must(t, c.Post().Namespace(ns).Resource("configmaps").Body(configMap("web", map[string]string{"a": "shown"})).Do(ctx).Error())
	must(t, c.Post().Namespace(ns).Resource("secrets").Body(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "a"}, StringData: map[string]string{"k": value}}).Do(ctx).Error())
	must(t, c.Get().Namespace(ns).Resource("secrets").Do(ctx).Error())
	must(t, c.Post().Namespace(ns).Resource("serviceaccounts").Body(&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "robot"}}).Do(ctx).Error())
	var token authenticationv1.TokenRequest
	must(t, c.Post().Namespace(ns).Resource("serviceaccounts").Name("robot").SubResource("token").
		Kind(authenticationv1.SchemeGroupVersion.WithKind("TokenRequest")).Body(&authenticationv1.TokenRequest{}).Do(ctx).Into(&token))
	review := c.GroupVersion(authenticationv1.SchemeGroupVersion).Post().Resource("tokenreviews").
		Body(&authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token.Status.Token}})
	must(t, review.Do(ctx).Error())
	if err := c.Get().Namespace(ns).Resource("configmaps").Name("none").Do(ctx).Error(); !apierrors.IsNotFound(err) {
		t.Error(err)
	}
	for _, secret := range []string{value, base64.StdEncoding.EncodeToString([]byte(value)), token.Status.Token} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log holds %s", secret)
		}
	}
	for _, text := range []string{"shown", "Traceparent=00-0af", "about secrets or tokens", "code=404", `configmaps \\\"none\\\" not found`} {
		if !strings.Contains(log.String(), text) {
			t.Errorf("the log does not hold %s:\n%s", text, log.String())
		}
	}
	want := map[string]int{"create configmaps 201": 1, "create secrets 201": 1, "list secrets 200": 1, "create serviceaccounts 201": 2,
		"create tokenreviews 201": 1, "get configmaps 404": 1}
	if !maps.Equal(codes, want) || sizes < 1000 {
		t.Errorf("%v, want %v; %d bytes", codes, want, sizes)
	}
}
