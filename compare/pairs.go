package compare

import (
	"context"
	"io"
	"net/http"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	clientgodiscovery "k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes/scheme"
	clientgorest "k8s.io/client-go/rest"
	"k8s.io/client-go/tools/pager"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/discovery"
	"github.com/skiff-k8s/skiff/remote"
	"github.com/skiff-k8s/skiff/rest"
)

// pair is a call that the libraries write differently, or that needs a configuration of its own.
type pair struct {
	name        string
	theirConfig func(*clientgorest.Config)
	ourConfig   func(*rest.Config)
	theirs      func(context.Context, *theirs) error
	ours        func(context.Context, *ours) error
}

func second[T any](_ T, err error) error { return err }

// pairs are the calls that are not made from the tables.
func pairs() []pair {
	all := append(configPairs(), subresourcePairs()...)
	all = append(all, applyPairs()...)
	return append(all, otherPairs()...)
}

// configPairs read a pod with another configuration.
func configPairs() []pair {
	var all []pair
	add := func(name string, theirs func(*clientgorest.Config), ours func(*rest.Config)) {
		all = append(all, pair{name: "config: " + name, theirConfig: theirs, ourConfig: ours,
			theirs: func(ctx context.Context, c *theirsClient) error {
				return second(c.core.Pods("ns").Get(ctx, "p", metav1.GetOptions{}))
			},
			ours: func(ctx context.Context, c *oursClient) error {
				return second(client.Of[corev1.Pod](c.rest).In("ns").Get(ctx, "p", metav1.GetOptions{}))
			}})
	}
	extra := map[string][]string{"scopes": {"a", "b"}, "Example.com/Ä %": {"ü"}}
	add("impersonation of a user", func(c *clientgorest.Config) { c.Impersonate.UserName = "me" }, func(c *rest.Config) { c.Impersonate.User = "me" })
	add("impersonation with groups, uid and extra", func(c *clientgorest.Config) {
		c.Impersonate = clientgorest.ImpersonationConfig{UserName: "me", UID: "7", Groups: []string{"a", "b"}, Extra: extra}
	}, func(c *rest.Config) {
		c.Impersonate = rest.Impersonation{User: "me", UID: "7", Groups: []string{"a", "b"}, Extra: extra}
	})
	add("impersonation of groups without a user", func(c *clientgorest.Config) { c.Impersonate.Groups = []string{"a"} },
		func(c *rest.Config) { c.Impersonate.Groups = []string{"a"} })
	add("a token", func(c *clientgorest.Config) { c.BearerToken = "t0ken-of-mine" },
		func(c *rest.Config) { c.BearerToken, c.PlaintextCredentials = "t0ken-of-mine", true })
	add("a token over http", func(c *clientgorest.Config) { c.BearerToken = "t0ken-of-mine" }, func(c *rest.Config) { c.BearerToken = "t0ken-of-mine" })
	add("basic", func(c *clientgorest.Config) { c.Username, c.Password = "u", "p" },
		func(c *rest.Config) { c.Username, c.Password, c.PlaintextCredentials = "u", "p", true })
	add("basic over http", func(c *clientgorest.Config) { c.Username, c.Password = "u", "p" }, func(c *rest.Config) { c.Username, c.Password = "u", "p" })
	add("basic and a token", func(c *clientgorest.Config) { c.Username, c.Password, c.BearerToken = "u", "p", "t0ken-of-mine" },
		func(c *rest.Config) {
			c.Username, c.Password, c.BearerToken, c.PlaintextCredentials = "u", "p", "t0ken-of-mine", true
		})
	add("a user agent", func(c *clientgorest.Config) { c.UserAgent = "me/1" }, func(c *rest.Config) { c.UserAgent = "me/1" })
	add("a path", func(c *clientgorest.Config) { c.Host += "/clusters/a" }, func(c *rest.Config) { c.Host += "/clusters/a" })
	add("a path with a slash", func(c *clientgorest.Config) { c.Host += "/clusters/a/" }, func(c *rest.Config) { c.Host += "/clusters/a/" })
	add("a path with escapes", func(c *clientgorest.Config) { c.Host += "/a%20b" }, func(c *rest.Config) { c.Host += "/a%20b" })
	add("a timeout", func(c *clientgorest.Config) { c.Timeout = 10 * time.Second }, func(c *rest.Config) { c.Timeout = 10 * time.Second })
	add("JSON", func(c *clientgorest.Config) {
		c.ContentType, c.AcceptContentTypes = runtime.ContentTypeJSON, runtime.ContentTypeJSON
	},
		func(c *rest.Config) { c.JSONOnly = true })
	add("no compression", func(c *clientgorest.Config) { c.DisableCompression = true }, func(c *rest.Config) { c.Compression = -1 })
	return all
}

// The names of the types, where a field hides them.
type (
	theirsClient = theirs
	oursClient   = ours
)

func subresourcePairs() []pair {
	deployments := func(c *ours) *client.Client[appsv1.Deployment] { return client.Of[appsv1.Deployment](c.rest).In("ns") }
	scales := func(c *ours) *client.Subresource[autoscalingv1.Scale] {
		return client.SubresourceOf[autoscalingv1.Scale](deployments(c), "scale")
	}
	pods := func(c *ours) *client.Client[corev1.Pod] { return client.Of[corev1.Pod](c.rest).In("ns") }
	scale := func() *autoscalingv1.Scale {
		return &autoscalingv1.Scale{ObjectMeta: metav1.ObjectMeta{Name: "d", Namespace: "ns"}, Spec: autoscalingv1.ScaleSpec{Replicas: 3}}
	}
	eviction := func() *policyv1.Eviction {
		return &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "ns"}, DeleteOptions: &metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))}}
	}
	binding := func() *corev1.Binding {
		return &corev1.Binding{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "ns"}, Target: corev1.ObjectReference{Kind: "Node", Name: "n"}}
	}
	token := func() *authenticationv1.TokenRequest {
		return &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: []string{"a"}, ExpirationSeconds: new(int64(600))}}
	}
	pod := func() *corev1.Pod { return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "ns"}} }
	return []pair{
		{name: "subresource: read a scale",
			theirs: func(ctx context.Context, c *theirs) error {
				return second(c.apps.Deployments("ns").GetScale(ctx, "d", metav1.GetOptions{}))
			},
			ours: func(ctx context.Context, c *ours) error { return second(scales(c).Get(ctx, "d", metav1.GetOptions{})) }},
		{name: "subresource: update a scale",
			theirs: func(ctx context.Context, c *theirs) error {
				return second(c.apps.Deployments("ns").UpdateScale(ctx, "d", scale(), metav1.UpdateOptions{FieldManager: "m"}))
			},
			ours: func(ctx context.Context, c *ours) error {
				return second(scales(c).Update(ctx, "d", scale(), metav1.UpdateOptions{FieldManager: "m"}))
			}},
		{name: "subresource: patch a scale",
			theirs: func(ctx context.Context, c *theirs) error {
				return second(c.apps.Deployments("ns").Patch(ctx, "d", types.MergePatchType, []byte(`{"spec":{"replicas":0}}`), metav1.PatchOptions{}, "scale"))
			},
			ours: func(ctx context.Context, c *ours) error {
				return second(scales(c).Patch(ctx, "d", types.MergePatchType, []byte(`{"spec":{"replicas":0}}`), metav1.PatchOptions{}))
			}},
		{name: "subresource: evict",
			theirs: func(ctx context.Context, c *theirs) error { return c.core.Pods("ns").EvictV1(ctx, eviction()) },
			ours: func(ctx context.Context, c *ours) error {
				return second(client.SubresourceOf[policyv1.Eviction](pods(c), "eviction").Create(ctx, "p", eviction(), metav1.CreateOptions{}))
			}},
		{name: "subresource: bind",
			theirs: func(ctx context.Context, c *theirs) error {
				return c.core.Pods("ns").Bind(ctx, binding(), metav1.CreateOptions{})
			},
			ours: func(ctx context.Context, c *ours) error {
				return second(client.SubresourceOf[corev1.Binding](pods(c), "binding").Create(ctx, "p", binding(), metav1.CreateOptions{}))
			}},
		{name: "subresource: request a token",
			theirs: func(ctx context.Context, c *theirs) error {
				return second(c.core.ServiceAccounts("ns").CreateToken(ctx, "s", token(), metav1.CreateOptions{}))
			},
			ours: func(ctx context.Context, c *ours) error {
				return second(client.SubresourceOf[authenticationv1.TokenRequest](client.Of[corev1.ServiceAccount](c.rest).In("ns"), "token").
					Create(ctx, "s", token(), metav1.CreateOptions{}))
			}},
		{name: "subresource: ephemeral containers",
			theirs: func(ctx context.Context, c *theirs) error {
				return second(c.core.Pods("ns").UpdateEphemeralContainers(ctx, "p", pod(), metav1.UpdateOptions{}))
			},
			ours: func(ctx context.Context, c *ours) error {
				return second(pods(c).Update(ctx, pod(), metav1.UpdateOptions{}, "ephemeralcontainers"))
			}},
		{name: "subresource: resize",
			theirs: func(ctx context.Context, c *theirs) error {
				return second(c.core.Pods("ns").UpdateResize(ctx, "p", pod(), metav1.UpdateOptions{}))
			},
			ours: func(ctx context.Context, c *ours) error {
				return second(pods(c).Update(ctx, pod(), metav1.UpdateOptions{}, "resize"))
			}},
		{name: "subresource: finalize a namespace",
			theirs: func(ctx context.Context, c *theirs) error {
				return second(c.core.Namespaces().Finalize(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "n"}}, metav1.UpdateOptions{}))
			},
			ours: func(ctx context.Context, c *ours) error {
				return second(client.Of[corev1.Namespace](c.rest).Update(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "n"}}, metav1.UpdateOptions{}, "finalize"))
			}},
	}
}

// applyPairs apply what client-go's apply configurations and skiff's objects say alike.
func applyPairs() []pair {
	o := metav1.ApplyOptions{FieldManager: "m", Force: true}
	selector := map[string]string{"a": "b"}
	return []pair{
		{name: "apply: a ConfigMap",
			theirs: func(ctx context.Context, c *theirs) error {
				return second(c.core.ConfigMaps("ns").Apply(ctx, corev1ac.ConfigMap("a", "ns").WithLabels(selector).WithData(map[string]string{"k": ""}), o))
			},
			ours: func(ctx context.Context, c *ours) error {
				return second(client.Of[corev1.ConfigMap](c.rest).Apply(ctx, &corev1.ConfigMap{
					ObjectMeta: metav1.ObjectMeta{Name: "a", Namespace: "ns", Labels: selector}, Data: map[string]string{"k": ""}}, o))
			}},
		{name: "apply: a Deployment of no replicas",
			theirs: func(ctx context.Context, c *theirs) error {
				return second(c.apps.Deployments("ns").Apply(ctx, appsv1ac.Deployment("a", "ns").WithSpec(appsv1ac.DeploymentSpec().WithReplicas(0).
					WithTemplate(corev1ac.PodTemplateSpec().WithSpec(corev1ac.PodSpec().WithContainers(corev1ac.Container().WithName("c").WithImage("i"))))), o))
			},
			ours: func(ctx context.Context, c *ours) error {
				return second(client.Of[appsv1.Deployment](c.rest).Apply(ctx, &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "a", Namespace: "ns"},
					Spec: appsv1.DeploymentSpec{Replicas: new(int32(0)), Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i"}}}}}}, o))
			}},
		{name: "apply: a status",
			theirs: func(ctx context.Context, c *theirs) error {
				return second(c.apps.Deployments("ns").ApplyStatus(ctx, appsv1ac.Deployment("a", "ns").WithStatus(appsv1ac.DeploymentStatus().WithReadyReplicas(1)), o))
			},
			ours: func(ctx context.Context, c *ours) error {
				return second(client.Of[appsv1.Deployment](c.rest).ApplyStatus(ctx, &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "a", Namespace: "ns"},
					Status: appsv1.DeploymentStatus{ReadyReplicas: 1}}, o))
			}},
	}
}

func otherPairs() []pair {
	logs := corev1.PodLogOptions{Container: "c", Follow: true, Previous: true, SinceSeconds: new(int64(5)), TailLines: new(int64(7)), LimitBytes: new(int64(9)), Timestamps: true}
	proxied := func(ctx context.Context, rt http.RoundTripper, url string) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := rt.RoundTrip(r)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		return second(resp.Body.Close(), err)
	}
	theirDiscovery := func(c *theirs) (*clientgodiscovery.DiscoveryClient, error) {
		return clientgodiscovery.NewDiscoveryClientForConfig(c.config)
	}
	return []pair{
		{name: "logs",
			theirs: func(ctx context.Context, c *theirs) error {
				return second(c.core.Pods("ns").GetLogs("p", logs.DeepCopy()).Stream(ctx))
			},
			ours: func(ctx context.Context, c *ours) error { return second(remote.Log(ctx, c.rest, "ns", "p", logs)) }},
		{name: "logs without options",
			theirs: func(ctx context.Context, c *theirs) error {
				return second(c.core.Pods("ns").GetLogs("p", &corev1.PodLogOptions{}).Stream(ctx))
			},
			ours: func(ctx context.Context, c *ours) error {
				return second(remote.Log(ctx, c.rest, "ns", "p", corev1.PodLogOptions{}))
			}},
		{name: "proxy to a service",
			theirs: func(ctx context.Context, c *theirs) error {
				return second(c.core.Services("ns").ProxyGet("https", "s", "8443", "/a/b c", map[string]string{"x": "1"}).DoRaw(ctx))
			},
			ours: func(ctx context.Context, c *ours) error {
				return proxied(ctx, remote.ServiceProxy(c.rest, "ns", "https:s:8443"), "http://s/a/b%20c?x=1")
			}},
		{name: "proxy to a pod",
			theirs: func(ctx context.Context, c *theirs) error {
				return second(c.core.Pods("ns").ProxyGet("", "p", "80", "metrics", nil).DoRaw(ctx))
			},
			ours: func(ctx context.Context, c *ours) error {
				return proxied(ctx, remote.PodProxy(c.rest, "ns", "p:80"), "http://p/metrics")
			}},
		{name: "discovery: the version",
			theirs: func(ctx context.Context, c *theirs) error {
				d, err := theirDiscovery(c)
				if err != nil {
					return err
				}
				return second(d.ServerVersion())
			},
			ours: func(ctx context.Context, c *ours) error { return second(discovery.New(c.rest).ServerVersion(ctx)) }},
		{name: "discovery: everything, of a server without aggregated discovery",
			theirs: func(ctx context.Context, c *theirs) error {
				d, err := theirDiscovery(c)
				if err != nil {
					return err
				}
				_, lists, err := d.ServerGroupsAndResources()
				return second(lists, err)
			},
			ours: func(ctx context.Context, c *ours) error { return second(discovery.New(c.rest).Catalog(ctx)) }},
		{name: "pages",
			theirs: func(ctx context.Context, c *theirs) error {
				p := pager.New(func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
					return c.core.Pods("ns").List(ctx, o)
				})
				return p.EachListItem(ctx, metav1.ListOptions{LabelSelector: "a=b"}, func(runtime.Object) error { return nil })
			},
			ours: func(ctx context.Context, c *ours) error {
				for _, err := range client.Of[corev1.Pod](c.rest).In("ns").All(ctx, metav1.ListOptions{LabelSelector: "a=b"}) {
					if err != nil {
						return err
					}
				}
				return nil
			}},
		{name: "REST: an absolute path",
			theirs: func(ctx context.Context, c *theirs) error {
				return second(c.core.RESTClient().Get().AbsPath("/readyz").Param("verbose", "").Param("exclude", "a").Param("exclude", "b").DoRaw(ctx))
			},
			ours: func(ctx context.Context, c *ours) error {
				return second(c.rest.Get().AbsPath("/readyz").Param("verbose", "").Param("exclude", "a").Param("exclude", "b").DoRaw(ctx))
			}},
		{name: "REST: segments of a path",
			theirs: func(ctx context.Context, c *theirs) error {
				return second(c.core.RESTClient().Get().AbsPath("/apis", "apps", "v1/").DoRaw(ctx))
			},
			ours: func(ctx context.Context, c *ours) error {
				return second(c.rest.Get().AbsPath("/apis", "apps", "v1/").DoRaw(ctx))
			}},
		{name: "REST: a timeout",
			theirs: func(ctx context.Context, c *theirs) error {
				return second(c.core.RESTClient().Get().Namespace("ns").Resource("pods").Name("p").Timeout(1500 * time.Millisecond).DoRaw(ctx))
			},
			ours: func(ctx context.Context, c *ours) error {
				return second(c.rest.Get().Namespace("ns").Resource("pods").Name("p").Timeout(1500 * time.Millisecond).DoRaw(ctx))
			}},
		{name: "REST: headers",
			theirs: func(ctx context.Context, c *theirs) error {
				return second(c.core.RESTClient().Get().Resource("pods").SetHeader("X-Mine", "a", "b").SetHeader("Accept", "text/plain").DoRaw(ctx))
			},
			ours: func(ctx context.Context, c *ours) error {
				return second(c.rest.Get().Resource("pods").SetHeader("X-Mine", "a", "b").SetHeader("Accept", "text/plain").DoRaw(ctx))
			}},
		{name: "REST: an object as the body",
			theirs: func(ctx context.Context, c *theirs) error {
				return c.core.RESTClient().Post().Namespace("ns").Resource("pods").VersionedParams(&metav1.CreateOptions{DryRun: []string{"All"}}, scheme.ParameterCodec).
					Body(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p"}}).Do(ctx).Error()
			},
			ours: func(ctx context.Context, c *ours) error {
				return c.rest.Post().Namespace("ns").Resource("pods").VersionedParams(&metav1.CreateOptions{DryRun: []string{"All"}}).
					Body(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p"}}).Do(ctx).Error()
			}},
	}
}
