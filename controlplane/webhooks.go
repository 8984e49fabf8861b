package controlplane

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/dynamic"
	"github.com/skiff-k8s/skiff/rest"
)

// Webhooks are admission and conversion webhooks that this process serves. A *Server of package
// operator/webhook is one.
type Webhooks interface {
	// ServeLocal serves them by HTTPS on a free port of 127.0.0.1 until ctx ends. wait returns when the
	// server has ended after that.
	//
	// manifests is YAML: a ValidatingWebhookConfiguration and a MutatingWebhookConfiguration of that
	// name, or one of them, and CustomResourceDefinitions with their name and spec.conversion only. Each
	// clientConfig has a url and a caBundle. Paths without a webhook are answered 404.
	ServeLocal(ctx context.Context, name string) (manifests string, wait func() error, err error)
}

// WithWebhooks makes the API server call webhooks that run in this process: before the control plane
// is handed out, they are served on 127.0.0.1, registered under a name of their own, and called. The
// conversions are in the definitions of [WithCRDs] from the beginning. [Cluster.Stop] stops them.
// Options may be repeated.
//
//	hooks := webhook.NewServer(webhook.Options{}, validate, defaults, webhook.Convert(…))
//	cluster := controlplane.New(t, controlplane.WithCRDs("config/crd"), controlplane.WithWebhooks(hooks))
//
// With [Start] all tests of the package have the webhooks. With $SKIFF_TEST_KUBECONFIG the cluster
// has to run on this machine, and Stop, which [Main] calls, removes what was registered. What a process
// that was killed has left there, the next one removes that installs webhooks.
func WithWebhooks(server Webhooks) Option {
	return func(o *options) { o.webhooks = append(o.webhooks, server) }
}

// InstallWebhooks makes the API server call webhooks until the test t ends: see [WithWebhooks]. With
// namespaces they are called for objects in those only, so that the other tests that share the control
// plane do not meet them; without namespaces a test of admission wants a control plane of its own
// ([New]). It returns when they are called.
//
// The API server learns a conversion of a definition that it has already a moment later than that;
// a conversion is for the whole cluster, whatever the namespaces, and is None again when t has ended.
//
// It fails the test if
//   - the webhooks cannot be served;
//   - the cluster of $SKIFF_TEST_KUBECONFIG is not on 127.0.0.1, or its API server does not reach this
//     process there (it runs in a container, for example): the error has its answer;
//   - the server refuses a configuration, or has no definition of a kind that is converted.
func (c *Cluster) InstallWebhooks(t TB, server Webhooks, namespaces ...string) {
	t.Helper()
	one := &Cluster{runner: c.runner, config: c.config, stays: true} // whose webhooks end with t
	t.Cleanup(func() {
		for _, w := range one.webhooks {
			if err := errors.Join(w.unregister(), w.end()); err != nil {
				t.Logf("controlplane: remove webhooks: %v", err)
			}
		}
	})
	if err := one.installWebhooks(t.Context(), nil, namespaces, server); err != nil {
		t.Fatalf("%v", err)
	}
}

// installWebhooks installs definitions and webhooks.
func (c *Cluster) installWebhooks(ctx context.Context, crds, namespaces []string, servers ...Webhooks) error {
	fail := func(err error) error { return fmt.Errorf("controlplane: install webhooks: %w", err) }
	if err := local(c.config.Host); err != nil {
		return fail(err)
	}
	client, err := rest.NewClient(c.Config())
	if err != nil {
		return fail(err)
	}
	defer client.CloseIdleConnections()
	if err := removeLeft(ctx, client); err != nil {
		return fail(fmt.Errorf("remove what processes that were killed have left: %w", err))
	}
	conversions := map[string]any{}
	var webhooks []*installed
	for _, server := range servers {
		w := &installed{config: c.config, name: namePrefix + strings.ToLower(rand.Text()[:10])}
		if err := w.serve(ctx, server, namespaces); err != nil {
			return fail(err)
		}
		c.mu.Lock()
		c.webhooks = append(c.webhooks, w)
		c.mu.Unlock()
		webhooks = append(webhooks, w)
		maps.Copy(conversions, w.conversions)
	}
	if err := c.installCRDs(ctx, crds, conversions); err != nil {
		return err
	}
	for _, w := range webhooks {
		if err := w.register(ctx, client, conversions); err != nil {
			return fail(err)
		}
	}
	return nil
}

// local returns why an API server cannot call this process on 127.0.0.1.
func local(host string) error {
	u, err := url.Parse(host)
	if err != nil {
		return err
	}
	if name := u.Hostname(); name != "localhost" && !net.ParseIP(name).IsLoopback() {
		return fmt.Errorf("the API server is at %s, and the webhooks are at 127.0.0.1 of this machine, where it cannot call them", host)
	}
	return nil
}

// installed are webhooks that run.
type installed struct {
	config         *rest.Config
	name           string // of the configurations
	configurations []*unstructured.Unstructured
	conversions    map[string]any // spec.conversion, by the name of the definition
	stop           context.CancelFunc
	wait           func() error
}

// serve starts the server, and reads what registers it.
func (w *installed) serve(ctx context.Context, server Webhooks, namespaces []string) error {
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	manifests, wait, err := server.ServeLocal(serving, w.name)
	if err != nil {
		stop()
		return err
	}
	w.stop, w.wait, w.conversions = stop, wait, map[string]any{}
	for object, err := range dynamic.Decode(strings.NewReader(manifests)) {
		if err != nil {
			return errors.Join(fmt.Errorf("read what ServeLocal returned: %w", err), w.end())
		}
		if object.GetKind() == "CustomResourceDefinition" {
			w.conversions[object.GetName()], _, _ = unstructured.NestedFieldCopy(object.Object, "spec", "conversion")
			continue
		}
		if err := w.prepare(object, namespaces); err != nil {
			return errors.Join(err, w.end())
		}
		w.configurations = append(w.configurations, object)
	}
	return nil
}

const (
	// readyName is the webhook that each configuration gets in addition: for a Lease with the label
	// readyLabel the API server calls a path that is not served. By its answer, 404, it is seen that the
	// configuration is in effect, and that the API server reaches this process and trusts it.
	readyName  = "ready.controlplane.skiff.test"
	readyLabel = "controlplane.skiff.test/ready"
	readyPath  = "/not-served"
)

// prepare adds the readiness webhook and the namespaces to a configuration.
func (w *installed) prepare(object *unstructured.Unstructured, namespaces []string) error {
	webhooks, _, err := unstructured.NestedSlice(object.Object, "webhooks")
	if err != nil || len(webhooks) == 0 {
		return fmt.Errorf("read what ServeLocal returned: %s %s has no webhooks", object.GetKind(), object.GetName())
	}
	first, _ := webhooks[0].(map[string]any)
	address, _, _ := unstructured.NestedString(first, "clientConfig", "url")
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return fmt.Errorf("read what ServeLocal returned: the url of %s is %q", object.GetName(), address)
	}
	bundle, _, _ := unstructured.NestedString(first, "clientConfig", "caBundle")
	if len(namespaces) > 0 {
		for _, each := range webhooks {
			if hook, ok := each.(map[string]any); ok {
				hook["namespaceSelector"] = map[string]any{"matchExpressions": []any{map[string]any{
					"key": "kubernetes.io/metadata.name", "operator": "In", "values": anys(namespaces)}}}
			}
		}
	}
	webhooks = append(webhooks, map[string]any{
		"name": readyName, "admissionReviewVersions": anys([]string{"v1"}), "sideEffects": "None",
		"failurePolicy": "Fail", "timeoutSeconds": int64(5),
		"rules": []any{map[string]any{"apiGroups": anys([]string{"coordination.k8s.io"}), "apiVersions": anys([]string{"v1"}),
			"resources": anys([]string{"leases"}), "operations": anys([]string{"CREATE"})}},
		"objectSelector": map[string]any{"matchLabels": map[string]any{readyLabel: w.probe(object)}},
		"clientConfig":   map[string]any{"url": u.Scheme + "://" + u.Host + readyPath, "caBundle": bundle},
	})
	return unstructured.SetNestedSlice(object.Object, webhooks, "webhooks")
}

func anys(texts []string) (all []any) {
	for _, t := range texts {
		all = append(all, t)
	}
	return all
}

// probe is the value of readyLabel for a configuration.
func (w *installed) probe(object *unstructured.Unstructured) string {
	return w.name + "-" + strings.ToLower(strings.TrimSuffix(object.GetKind(), "WebhookConfiguration"))
}

// webhookWait bounds the wait for the first call, beside the context.
const webhookWait = 30 * time.Second

// register registers the webhooks, and returns when they are called. conversions are those of
// definitions that the server has already.
func (w *installed) register(ctx context.Context, client *rest.Client, conversions map[string]any) error {
	d := dynamic.New(client)
	for _, name := range slices.Sorted(maps.Keys(w.conversions)) {
		if _, there := conversions[name]; !there {
			continue // installed with it
		}
		if err := convertBy(ctx, d, name, w.conversions[name]); err != nil {
			return fmt.Errorf("set the conversion of %s, which WithCRDs or InstallCRDs installs: %w", name, err)
		}
	}
	for _, object := range w.configurations {
		if _, err := d.Resource(gvr("admissionregistration.k8s.io", plural(object))).Create(ctx, object, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, webhookWait, fmt.Errorf("not called within %s", webhookWait))
	defer cancel()
	leases := d.Resource(gvr("coordination.k8s.io", "leases")).In("default")
	for _, object := range w.configurations {
		lease := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
			"metadata": map[string]any{"name": w.probe(object), "labels": map[string]any{readyLabel: w.probe(object)}}}}
		var last error
		err := poll(ctx, time.Second, func() (bool, error) {
			_, err := leases.Create(ctx, lease, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
			if ctx.Err() == nil {
				last = err
			}
			// What the API server makes of an answer 404.
			return err != nil && strings.Contains(err.Error(), readyName) &&
				strings.Contains(err.Error(), "could not find the requested resource"), nil
		})
		if err != nil {
			return fmt.Errorf("wait until the API server calls them: %w; its last answer: %v", err, last)
		}
	}
	return nil
}

// unregister removes what register has registered, if it is there.
func (w *installed) unregister() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	client, err := rest.NewClient(w.config.Copy())
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	d := dynamic.New(client)
	var errs []error
	for _, object := range w.configurations {
		errs = append(errs, d.Resource(gvr("admissionregistration.k8s.io", plural(object))).Delete(ctx, w.name, metav1.DeleteOptions{}))
	}
	for name := range w.conversions {
		errs = append(errs, convertBy(ctx, d, name, map[string]any{"strategy": "None", "webhook": nil}))
	}
	for i, err := range errs {
		if apierrors.IsNotFound(err) {
			errs[i] = nil
		}
	}
	return errors.Join(errs...)
}

// end stops the server.
func (w *installed) end() error {
	w.stop()
	return w.wait()
}

// convertBy sets how the API server converts the objects of a definition.
func convertBy(ctx context.Context, d *dynamic.Client, name string, conversion any) error {
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"conversion": conversion}})
	if err != nil {
		return err
	}
	_, err = d.Resource(gvr("apiextensions.k8s.io", "customresourcedefinitions")).
		Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{})
	return err
}

func plural(object *unstructured.Unstructured) string { return strings.ToLower(object.GetKind()) + "s" }

func gvr(group, resource string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: group, Version: "v1", Resource: resource}
}
