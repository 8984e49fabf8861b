package client_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"net/http"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
)

var web = map[string]string{"app": "web"}

func webTemplate() corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: web}, Spec: pod("").Spec}
}

// Each kind that has a scale is scaled by each verb, in protobuf and in JSON. Each has no replicas at
// first, so that no controller makes pods.
func TestScaleOfEachKindThatHasOne(t *testing.T) {
	for format, change := range map[string]func(*rest.Config){
		"protobuf": func(*rest.Config) {},
		"JSON":     func(cfg *rest.Config) { cfg.JSONOnly = true },
	} {
		t.Run(format, func(t *testing.T) {
			c, ctx := connect(t, change), soon(t)
			ns := namespace(t, c)
			establish(t, c)
			selector, none := &metav1.LabelSelector{MatchLabels: web}, new(int32(0))
			a := metav1.ObjectMeta{Name: "a"}

			deployments := client.Of[appsv1.Deployment](c).In(ns)
			must(deployments.Create(ctx, &appsv1.Deployment{ObjectMeta: a, Spec: appsv1.DeploymentSpec{
				Replicas: none, Selector: selector, Template: webTemplate()}}, metav1.CreateOptions{}))(t)
			scaled(t, client.SubresourceOf[autoscalingv1.Scale](deployments, "scale"), "apps/v1 Deployment")

			sets := client.Of[appsv1.StatefulSet](c).In(ns)
			must(sets.Create(ctx, &appsv1.StatefulSet{ObjectMeta: a, Spec: appsv1.StatefulSetSpec{
				Replicas: none, Selector: selector, Template: webTemplate()}}, metav1.CreateOptions{}))(t)
			scaled(t, client.SubresourceOf[autoscalingv1.Scale](sets, "scale"), "apps/v1 StatefulSet")

			replicaSets := client.Of[appsv1.ReplicaSet](c).In(ns)
			must(replicaSets.Create(ctx, &appsv1.ReplicaSet{ObjectMeta: a, Spec: appsv1.ReplicaSetSpec{
				Replicas: none, Selector: selector, Template: webTemplate()}}, metav1.CreateOptions{}))(t)
			scaled(t, client.SubresourceOf[autoscalingv1.Scale](replicaSets, "scale"), "apps/v1 ReplicaSet")

			template := webTemplate()
			controllers := client.Of[corev1.ReplicationController](c).In(ns)
			must(controllers.Create(ctx, &corev1.ReplicationController{ObjectMeta: a,
				Spec: corev1.ReplicationControllerSpec{Replicas: none, Selector: web, Template: &template}},
				metav1.CreateOptions{}))(t)
			scaled(t, client.SubresourceOf[autoscalingv1.Scale](controllers, "scale"), "v1 ReplicationController")

			widgets := client.Of[Widget](c).In(ns)
			must(widgets.Create(ctx, &Widget{ObjectMeta: a, Spec: WidgetSpec{Size: 1}}, metav1.CreateOptions{}))(t)
			scaled(t, client.SubresourceOf[autoscalingv1.Scale](widgets, "scale"), widget.String())
			scaled(t, client.SubresourceAt[autoscalingv1.Scale](c, widget.GVR(), "scale").In(ns), widget.String())
			gvr := widget.GVR()
			gvr.Resource = "unheardof"
			if _, err := client.SubresourceAt[autoscalingv1.Scale](c, gvr, "scale").In(ns).
				Get(ctx, "a", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
				t.Errorf("the scale of a resource that is not there: %v", err)
			}
		})
	}
}

// scaled sets the replicas of "a" by each verb, and at last to 0.
//
// The server applies no scale of a custom resource (Kubernetes 1.37): its answer is an error.
func scaled(t *testing.T, scales *client.Subresource[autoscalingv1.Scale], of string) {
	t.Helper()
	var told []client.Write
	ctx := client.WithWriteObserver(soon(t), func(w client.Write) { told = append(told, w) })
	is := func(verb string, s *autoscalingv1.Scale, err error, replicas int32) *autoscalingv1.Scale {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %s of the scale: %v", of, verb, err)
		}
		if s.APIVersion != "autoscaling/v1" || s.Kind != "Scale" || s.Name != "a" || s.Spec.Replicas != replicas {
			t.Errorf("%s: after %s it is %+v %+v %+v, want %d replicas", of, verb, s.TypeMeta, s.ObjectMeta, s.Spec, replicas)
		}
		if verb == "get" || t.Failed() {
			return s
		}
		if w := told[len(told)-1]; w.Kind.String() != of || w.Name != "a" || w.Namespace != s.Namespace ||
			w.UID != string(s.UID) || w.ResourceVersion != s.ResourceVersion || w.Deleted {
			t.Errorf("%s: of %s was told %+v", of, verb, w)
		}
		return s
	}
	s, err := scales.Get(ctx, "a", metav1.GetOptions{})
	if err != nil {
		t.Fatalf("%s: get of the scale: %v", of, err)
	}
	s = is("get", s, err, s.Spec.Replicas)
	stale := *s
	s.Spec.Replicas = 3
	before := asJSON(t, s)
	s2, err := scales.Update(ctx, "a", s, metav1.UpdateOptions{})
	is("update", s2, err, 3)
	if asJSON(t, s) != before {
		t.Errorf("Update changed what it was given: %+v", s)
	}
	stale.Spec.Replicas = 4
	if _, err := scales.Update(ctx, "a", &stale, metav1.UpdateOptions{}); !apierrors.IsConflict(err) {
		t.Errorf("%s: update of an old version of the scale: %v", of, err)
	}
	s, err = scales.Patch(ctx, "a", types.MergePatchType, []byte(`{"spec":{"replicas":2}}`), metav1.PatchOptions{})
	is("patch", s, err, 2)
	apply := metav1.ApplyOptions{FieldManager: "me", Force: true}
	one := &autoscalingv1.Scale{Spec: autoscalingv1.ScaleSpec{Replicas: 1}}
	s, err = scales.Apply(ctx, "a", one, apply)
	writes := 3
	if of != widget.String() {
		is("apply", s, err, 1)
		s, err = scales.Apply(ctx, "a", &autoscalingv1.Scale{}, apply, client.Set("spec.replicas"))
		is("apply of none", s, err, 0)
		writes = 5
	} else if !apierrors.IsInternalError(err) {
		t.Errorf("%s: apply of the scale: %v; if the server can, the comment of Apply is to say so", of, err)
	}
	s, err = scales.Update(ctx, "a", &autoscalingv1.Scale{Spec: autoscalingv1.ScaleSpec{Replicas: 0}}, metav1.UpdateOptions{})
	is("update to none", s, err, 0)
	if len(told) != writes {
		t.Errorf("%s: %d writes were told of, want %d: %+v", of, len(told), writes, told)
	}
	if _, err := scales.Get(ctx, "b", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("%s: the scale of what is not there: %v", of, err)
	}
}

// A budget refuses an eviction with 429, at once and without retries; without it, the pod goes.
func TestEviction(t *testing.T) {
	c, ctx := connect(t), soon(t)
	ns := namespace(t, c)
	pods := client.Of[corev1.Pod](c).In(ns)
	p := must(pods.Create(ctx, pod("a"), metav1.CreateOptions{}))(t)
	p.Status.Phase = corev1.PodRunning
	p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	must(pods.UpdateStatus(ctx, p, metav1.UpdateOptions{}))(t)
	budgets := client.Of[policyv1.PodDisruptionBudget](c).In(ns)
	budget := must(budgets.Create(ctx, &policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Name: "a"},
		Spec: policyv1.PodDisruptionBudgetSpec{MinAvailable: new(intstr.FromInt32(1)),
			Selector: &metav1.LabelSelector{MatchLabels: web}},
	}, metav1.CreateOptions{}))(t)
	// What the disruption controller, which the control plane of the tests does not run, would say.
	budget.Status = policyv1.PodDisruptionBudgetStatus{ObservedGeneration: budget.Generation,
		CurrentHealthy: 1, DesiredHealthy: 1, ExpectedPods: 1}
	must(budgets.UpdateStatus(ctx, budget, metav1.UpdateOptions{}))(t)

	told := 0
	ctx = client.WithWriteObserver(ctx, func(client.Write) { told++ })
	evictions := client.SubresourceOf[policyv1.Eviction](pods, "eviction")
	if _, err := evictions.Create(ctx, "a", &policyv1.Eviction{}, metav1.CreateOptions{}); !apierrors.IsTooManyRequests(err) {
		t.Fatalf("an eviction against the budget: %v", err)
	}
	if _, err := evictions.Create(ctx, "b", &policyv1.Eviction{}, metav1.CreateOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("an eviction of what is not there: %v", err)
	}
	if err := budgets.Delete(t.Context(), "a", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	sent := &policyv1.Eviction{DeleteOptions: &metav1.DeleteOptions{
		GracePeriodSeconds: new(int64(0)), Preconditions: &metav1.Preconditions{UID: &p.UID}}}
	e := must(evictions.Create(ctx, "a", sent, metav1.CreateOptions{}))(t)
	if e.Name != "a" || e.Kind != "Eviction" || sent.Name != "" || sent.Kind != "" {
		t.Errorf("the answer is %+v, of %+v", e, sent)
	}
	if _, err := pods.Get(ctx, "a", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the pod after its eviction: %v", err)
	}
	if told != 0 {
		t.Errorf("%d writes were told of: the server answers an eviction with no version", told)
	}
}

func TestBindingPutsAPodOnANode(t *testing.T) {
	c, ctx := connect(t), soon(t)
	pods := client.Of[corev1.Pod](c).In(namespace(t, c))
	n := node(t, c)
	must(pods.Create(ctx, pod("a"), metav1.CreateOptions{}))(t)
	bindings := client.SubresourceOf[corev1.Binding](pods, "binding")
	b := must(bindings.Create(ctx, "a", &corev1.Binding{Target: corev1.ObjectReference{Kind: "Node", Name: n}}, metav1.CreateOptions{}))(t)
	if b.Name != "a" || b.Target.Name != n {
		t.Errorf("the answer is %+v", b)
	}
	if p := must(pods.Get(ctx, "a", metav1.GetOptions{}))(t); p.Spec.NodeName != n {
		t.Errorf("the pod is on node %q, want %q", p.Spec.NodeName, n)
	}
	if _, err := bindings.Create(ctx, "a", b, metav1.CreateOptions{}); !apierrors.IsConflict(err) {
		t.Errorf("bound again: %v", err)
	}
}

// node makes a node, which no kubelet runs, for the length of the test.
func node(t *testing.T, c *rest.Client) string {
	t.Helper()
	nodes := client.Of[corev1.Node](c)
	n := must(nodes.Create(soon(t), &corev1.Node{ObjectMeta: metav1.ObjectMeta{GenerateName: "node-"}}, metav1.CreateOptions{}))(t)
	t.Cleanup(func() { _ = nodes.Delete(t.Context(), n.Name, metav1.DeleteOptions{}) })
	return n.Name
}

// The token of a service account logs in as that account, and is no write of it.
func TestATokenLogsIn(t *testing.T) {
	c, ctx := connect(t), soon(t)
	ns := namespace(t, c)
	ctx = client.WithWriteObserver(ctx, func(w client.Write) { t.Errorf("a write was told of: %+v", w) })
	accounts := client.Of[corev1.ServiceAccount](c).In(ns)
	tokens := client.SubresourceOf[authenticationv1.TokenRequest](accounts, "token")
	token := must(tokens.Create(ctx, "default", &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: new(int64(600))},
	}, metav1.CreateOptions{}))(t)
	if token.Status.Token == "" || token.Status.ExpirationTimestamp.IsZero() {
		t.Fatalf("no token, until %v", token.Status.ExpirationTimestamp)
	}
	admin := controlplane.Start(t).Config()
	cfg := &rest.Config{Host: admin.Host, TLS: rest.TLSConfig{CAData: admin.TLS.CAData, CAFile: admin.TLS.CAFile}, BearerToken: token.Status.Token}
	as, err := rest.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	review := must(client.Of[authenticationv1.SelfSubjectReview](as).Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{}))(t)
	if want := "system:serviceaccount:" + ns + ":default"; review.Status.UserInfo.Username != want {
		t.Errorf("logged in as %q, want %q", review.Status.UserInfo.Username, want)
	}
	if _, err := tokens.Create(ctx, "nobody", &authenticationv1.TokenRequest{}, metav1.CreateOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("a token of who is not there: %v", err)
	}
}

func TestApprovalOfACertificateSigningRequest(t *testing.T) {
	c, ctx := connect(t), soon(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "web"}}, key)
	if err != nil {
		t.Fatal(err)
	}
	requests := client.Of[certificatesv1.CertificateSigningRequest](c)
	r := must(requests.Create(ctx, &certificatesv1.CertificateSigningRequest{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "web-"},
		Spec: certificatesv1.CertificateSigningRequestSpec{
			Request:    pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}),
			SignerName: "client.skiff.example.com/nobody", Usages: []certificatesv1.KeyUsage{certificatesv1.UsageClientAuth},
		},
	}, metav1.CreateOptions{}))(t)
	r.Status.Conditions = []certificatesv1.CertificateSigningRequestCondition{{
		Type: certificatesv1.CertificateApproved, Status: corev1.ConditionTrue, Reason: "Test"}}
	if _, err := requests.UpdateStatus(ctx, r, metav1.UpdateOptions{}); !apierrors.IsInvalid(err) {
		t.Errorf("approved by an update of the status: %v", err)
	}
	r = must(requests.Update(ctx, r, metav1.UpdateOptions{}, "approval"))(t)
	if len(r.Status.Conditions) != 1 || r.Kind != "CertificateSigningRequest" {
		t.Errorf("after the approval it is %+v", r)
	}
	if got := must(requests.Get(ctx, r.Name, metav1.GetOptions{}, "approval"))(t); got.UID != r.UID || len(got.Status.Conditions) != 1 {
		t.Errorf("by its approval it is %+v", got)
	}
}

func TestEphemeralContainersAndResizeOfAPod(t *testing.T) {
	c, ctx := connect(t), soon(t)
	ns := namespace(t, c)
	pods := client.Of[corev1.Pod](c).In(ns)
	p := pod("a")
	p.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m")}
	p = must(pods.Create(ctx, p, metav1.CreateOptions{}))(t)

	p.Spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{
		Name: "debug", Image: "example.com/debug", TerminationMessagePolicy: corev1.TerminationMessageReadFile}}}
	p = must(pods.Update(ctx, p, metav1.UpdateOptions{}, "ephemeralcontainers"))(t)
	if len(p.Spec.EphemeralContainers) != 1 || p.Spec.EphemeralContainers[0].Name != "debug" {
		t.Errorf("the ephemeral containers are %+v", p.Spec.EphemeralContainers)
	}
	if got := must(pods.Get(ctx, "a", metav1.GetOptions{}, "ephemeralcontainers"))(t); got.ResourceVersion != p.ResourceVersion || got.Kind != "Pod" {
		t.Errorf("by its ephemeral containers the pod is %+v", got.ObjectMeta)
	}

	p.Spec.Containers[0].Resources.Requests[corev1.ResourceCPU] = resource.MustParse("200m")
	if _, err := pods.Update(ctx, p, metav1.UpdateOptions{}); !apierrors.IsInvalid(err) {
		t.Errorf("resized by an ordinary update: %v", err)
	}
	p = must(pods.Update(ctx, p, metav1.UpdateOptions{}, "resize"))(t)
	if got := p.Spec.Containers[0].Resources.Requests.Cpu().String(); got != "200m" {
		t.Errorf("after the resize it requests %s", got)
	}
	p = must(pods.Patch(ctx, "a", types.StrategicMergePatchType,
		[]byte(`{"spec":{"containers":[{"name":"c","resources":{"requests":{"cpu":"300m"}}}]}}`), metav1.PatchOptions{}, "resize"))(t)
	if got := p.Spec.Containers[0].Resources.Requests.Cpu().String(); got != "300m" {
		t.Errorf("after the patch it requests %s", got)
	}
}

func TestFinalizeOfANamespace(t *testing.T) {
	c, ctx := connect(t), soon(t)
	namespaces := client.Of[corev1.Namespace](c)
	const keep = "client.skiff.example.com/keep"
	n := must(namespaces.Create(ctx, &corev1.Namespace{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "finalize-"},
		Spec:       corev1.NamespaceSpec{Finalizers: []corev1.FinalizerName{keep}},
	}, metav1.CreateOptions{}))(t)
	t.Cleanup(func() { _ = namespaces.Delete(t.Context(), n.Name, metav1.DeleteOptions{}) })
	if !slices.Contains(n.Spec.Finalizers, keep) {
		t.Fatalf("its finalizers are %v", n.Spec.Finalizers)
	}
	n.Spec.Finalizers = slices.DeleteFunc(n.Spec.Finalizers, func(f corev1.FinalizerName) bool { return f == keep })
	n.ResourceVersion = ""
	if got := must(namespaces.Update(ctx, n, metav1.UpdateOptions{}))(t); !slices.Contains(got.Spec.Finalizers, keep) {
		t.Errorf("an ordinary update takes finalizers away: %v", got.Spec.Finalizers)
	}
	n = must(namespaces.Update(ctx, n, metav1.UpdateOptions{}, "finalize"))(t)
	if slices.Contains(n.Spec.Finalizers, keep) || n.Kind != "Namespace" {
		t.Errorf("after finalize it is %+v", n)
	}
}

// Get of the status is the object. What was asked of the server is the path of the subresource.
func TestGetOfTheStatus(t *testing.T) {
	var paths []string
	c, ctx := connect(t, func(cfg *rest.Config) {
		cfg.WrapTransport = func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				paths = append(paths, r.URL.Path)
				return next.RoundTrip(r)
			})
		}
	}), soon(t)
	ns := controlplane.Start(t).Namespace(t)
	n := must(client.Of[corev1.Namespace](c).Get(ctx, ns, metav1.GetOptions{}, "status"))(t)
	if want := "/api/v1/namespaces/" + ns + "/status"; n.Name != ns || !slices.Equal(paths, []string{want}) {
		t.Errorf("got %q from %q, want %s", n.Name, paths, want)
	}
}

// A type of a program's own is read by what the server calls it, and written if it says its kind.
type ownScale struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              struct {
		Replicas int32 `json:"replicas"`
	} `json:"spec"`
}

func TestASubresourceOfATypeOfOnesOwn(t *testing.T) {
	c, ctx := connect(t), soon(t)
	establish(t, c)
	widgets := client.Of[Widget](c).In(namespace(t, c))
	must(widgets.Create(ctx, &Widget{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Spec: WidgetSpec{Size: 1}}, metav1.CreateOptions{}))(t)
	scales := client.SubresourceOf[ownScale](widgets, "scale")
	s := must(scales.Get(ctx, "a", metav1.GetOptions{}))(t)
	if s.Kind != "Scale" || s.Name != "a" {
		t.Errorf("%+v", s)
	}
	s.Spec.Replicas = 7
	if s = must(scales.Update(ctx, "a", s, metav1.UpdateOptions{}))(t); s.Spec.Replicas != 7 {
		t.Errorf("%+v", s)
	}
	s.TypeMeta = metav1.TypeMeta{}
	if _, err := scales.Update(ctx, "a", s, metav1.UpdateOptions{}); !isMisuse(err) || !bytes.Contains([]byte(err.Error()), []byte("set apiVersion and kind")) {
		t.Errorf("without a kind: %v", err)
	}
}

func isMisuse(err error) bool { _, ok := err.(*kind.MisuseError); return ok }
