package compare

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientgorest "k8s.io/client-go/rest"

	corev1client "github.com/skiff-k8s/skiff/clientset/corev1"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/dynamic"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
)

func TestControlPlane(t *testing.T) { check(t, inControlPlane, 110) }

// runControlPlane plays the steps to a control plane without controllers: nothing else changes what
// the calls return.
func runControlPlane(t *testing.T) *results {
	cluster := controlplane.Start(t, controlplane.WithoutControllerManager())
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	install(ctx, t, cluster.Config())
	r := &results{}
	their := playSteps(ctx, t, "theirs", namespace(ctx, t, cluster), func(as string, warn func(string)) func(context.Context, operation) (any, error) {
		c := cluster.Config()
		theirs, err := newTheirs(&clientgorest.Config{Host: c.Host, BearerToken: c.BearerToken, QPS: -1, WarningHandler: handler(warn),
			Impersonate: clientgorest.ImpersonationConfig{UserName: as},
			TLSClientConfig: clientgorest.TLSClientConfig{CAData: c.TLS.CAData, CertData: c.TLS.CertData, KeyData: c.TLS.KeyData,
				CAFile: c.TLS.CAFile, CertFile: c.TLS.CertFile, KeyFile: c.TLS.KeyFile}})
		if err != nil {
			t.Fatal(err)
		}
		return theirs.do
	})
	our := playSteps(ctx, t, "skiffs", namespace(ctx, t, cluster), func(as string, warn func(string)) func(context.Context, operation) (any, error) {
		c := cluster.Config()
		c.Impersonate.User, c.Warnings = as, func(w rest.Warning) { warn(w.Text) }
		ours, err := newOurs(c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(ours.rest.CloseIdleConnections)
		return ours.do
	})
	for i, s := range steps() {
		r.collect(inControlPlane, s.line(), compareOutcomes(their[i], our[i]))
	}
	return r
}

// namespace makes a namespace with the service account that its pods need.
func namespace(ctx context.Context, t *testing.T, cluster *controlplane.Cluster) string {
	name := cluster.Namespace(t)
	client, err := rest.NewClient(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	if _, err := corev1client.New(client).ServiceAccounts(name).Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}},
		metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	return name
}

type handler func(string)

func (h handler) HandleWarningHeader(_ int, _ string, text string) { h(text) }

// install makes the custom resources.
func install(ctx context.Context, t *testing.T, c *rest.Config) {
	client, err := rest.NewClient(c)
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	crds := dynamic.New(client).Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	for _, k := range []kind.Info{cronTabs, other} {
		version := m{"name": "v1", "served": true, "storage": true, "schema": m{"openAPIV3Schema": m{"type": "object", "properties": m{
			"spec":   m{"type": "object", "properties": m{"schedule": m{"type": "string"}, "replicas": m{"type": "integer"}}},
			"status": m{"type": "object", "properties": m{"observed": m{"type": "string"}, "replicas": m{"type": "integer"}}}}}}}
		if k == cronTabs {
			version["subresources"] = m{"status": m{}, "scale": m{"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}}
		}
		text, err := json.Marshal(m{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
			"metadata": m{"name": k.Resource + "." + k.Group},
			"spec": m{"group": k.Group, "scope": "Namespaced", "versions": []any{version},
				"names": m{"plural": k.Resource, "singular": strings.ToLower(k.Kind), "kind": k.Kind, "listKind": k.Kind + "List"}}})
		if err != nil {
			t.Fatal(err)
		}
		u := &unstructured.Unstructured{}
		if err := u.UnmarshalJSON(text); err != nil {
			t.Fatal(err)
		}
		if _, err := crds.Create(ctx, u, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		// Established comes before every handler serves it: the steps begin when a list works.
		for {
			_, err := dynamic.New(client).Resource(k.GVR()).List(ctx, metav1.ListOptions{})
			if err == nil {
				break
			}
			select {
			case <-ctx.Done():
				t.Fatal(err)
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
}

// playSteps makes the calls of all steps with one library.
func playSteps(ctx context.Context, t *testing.T, side, ns string,
	connect func(as string, warn func(string)) func(context.Context, operation) (any, error)) []outcome {
	var warnings []string
	do := map[string]func(context.Context, operation) (any, error){}
	var all []outcome
	for _, s := range steps() {
		if do[s.as] == nil {
			do[s.as] = connect(s.as, func(text string) { warnings = append(warnings, text) })
		}
		o := placed(s.operation, side, ns)
		warnings = nil
		got := outcomeOf(ctx, func(ctx context.Context) (any, error) { return do[s.as](ctx, o) })
		got.Warnings = slices.Clone(warnings)
		all = append(all, neutral(t, got, side, ns))
	}
	return all
}

// placed returns an operation with its marks replaced.
func placed(o operation, side, ns string) operation {
	r := strings.NewReplacer("NS", ns, "SIDE", side)
	for _, text := range []*string{&o.namespace, &o.name, &o.object, &o.patch, &o.list.LabelSelector, &o.list.FieldSelector} {
		*text = r.Replace(*text)
	}
	return o
}

// generated are names and UIDs that the server makes up.
var generated = regexp.MustCompile(`gen-SIDE-[a-z0-9]{5}|kube-api-access-[a-z0-9]{5}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// neutral removes from an outcome what is never the same twice.
func neutral(t *testing.T, o outcome, side, ns string) outcome {
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	plain := strings.NewReplacer(ns, "NS", side, "SIDE").Replace(string(text))
	plain = generated.ReplaceAllString(plain, "generated")
	var out outcome
	if err := json.Unmarshal([]byte(plain), &out); err != nil {
		t.Fatal(err)
	}
	if text, ok := out.Object.(string); ok { // the answer of the REST client
		out.Object = bodyValue("application/json", []byte(text))
	}
	forget(out.Object)
	out.Object = pruned(out.Object)
	return out
}

func forget(v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range []string{"uid", "resourceVersion", "creationTimestamp", "time", "deletionTimestamp"} {
			if v[key] != nil {
				v[key] = "set"
			}
		}
		if v["continue"] != nil && v["continue"] != "" {
			v["continue"] = "set"
		}
		for _, x := range v {
			forget(x)
		}
	case []any:
		for _, x := range v {
			forget(x)
		}
	}
}
