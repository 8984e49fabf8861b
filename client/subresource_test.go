package client_test

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/kind"
)

// What cannot be right is refused before a request, and says what to do.
func TestMisuseOfSubresourcesIsRefused(t *testing.T) {
	c, ctx := untouched(t), t.Context()
	deployments := client.Of[appsv1.Deployment](c).In("n")
	pods := client.Of[corev1.Pod](c).In("n")
	accounts := client.Of[corev1.ServiceAccount](c).In("n")
	scales := client.SubresourceOf[autoscalingv1.Scale](deployments, "scale")
	scale := &autoscalingv1.Scale{}
	named := &autoscalingv1.Scale{ObjectMeta: metav1.ObjectMeta{Name: "b"}}
	elsewhere := &autoscalingv1.Scale{ObjectMeta: metav1.ObjectMeta{Namespace: "m"}}
	as := func(apiVersion, kind string) *autoscalingv1.Scale {
		return &autoscalingv1.Scale{TypeMeta: metav1.TypeMeta{APIVersion: apiVersion, Kind: kind}}
	}
	get := func(s interface{ get(t *testing.T) error }) error { return s.get(t) }
	update := func(name string, s *autoscalingv1.Scale) error {
		_, err := scales.Update(ctx, name, s, metav1.UpdateOptions{})
		return err
	}
	err := func(_ any, err error) error { return err }
	for _, c := range []struct {
		name string
		err  error
		says []string
	}{
		{"get without a name", err(scales.Get(ctx, "", metav1.GetOptions{})), []string{"get deployments.apps", "the name is empty"}},
		{"get without a namespace", err(scales.In("").Get(ctx, "a", metav1.GetOptions{})), []string{"In(namespace)"}},
		{"create without a name", err(scales.Create(ctx, "", scale, metav1.CreateOptions{})), []string{"create deployments.apps/scale", "the name is empty"}},
		{"update without a name", update("", scale), []string{"the name is empty"}},
		{"update of nothing", update("a", nil), []string{`update deployments.apps/scale "a"`, "the object is nil"}},
		{"update by another name", update("a", named), []string{`metadata.name is "b"`}},
		{"update in another namespace", update("a", elsewhere), []string{`"m"`, `In("n")`}},
		{"update of another kind", update("a", as("autoscaling/v1", "Eviction")), []string{"the object is autoscaling/v1 Eviction", "autoscaling/v1 Scale"}},
		{"update of another version", update("a", as("autoscaling/v2", "Scale")), []string{"the object is autoscaling/v2 Scale"}},
		{"patch without a name", err(scales.Patch(ctx, "", types.MergePatchType, []byte("{}"), metav1.PatchOptions{})), []string{"the name is empty"}},
		{"patch of no type", err(scales.Patch(ctx, "a", "", []byte("{}"), metav1.PatchOptions{})), []string{"types.MergePatchType"}},
		{"apply without a manager", err(scales.Apply(ctx, "a", scale, metav1.ApplyOptions{})), []string{"FieldManager"}},
		{"apply of nothing", err(scales.Apply(ctx, "a", nil, metav1.ApplyOptions{FieldManager: "m"})), []string{"the object is nil"}},
		{"apply of a zero that is not there", err(scales.Apply(ctx, "a", scale, metav1.ApplyOptions{FieldManager: "m"}, client.Set("spec.nothing"))), []string{"spec.nothing"}},
		{"no subresource", get(sub[autoscalingv1.Scale]{client.SubresourceOf[autoscalingv1.Scale](deployments, "")}), []string{"name of the subresource is empty"}},
		{"another type", get(sub[policyv1.Eviction]{client.SubresourceOf[policyv1.Eviction](pods, "scale")}), []string{"use pods/scale", "kind Scale", "Eviction"}},
		{"a token of another type", get(sub[autoscalingv1.Scale]{client.SubresourceOf[autoscalingv1.Scale](accounts, "token")}), []string{"kind TokenRequest"}},
		{"a type of its own for the status", get(sub[autoscalingv1.Scale]{client.SubresourceOf[autoscalingv1.Scale](deployments, "status")}), []string{"kind Deployment", "methods of Client"}},
		{"a stream", get(sub[corev1.Pod]{client.SubresourceOf[corev1.Pod](pods, "log")}), []string{"stream"}},
		{"any kind", get(sub[unstructured.Unstructured]{client.SubresourceOf[unstructured.Unstructured](pods, "eviction")}), []string{"package dynamic"}},
		{"no kind", get(sub[noType]{client.SubresourceOf[noType](deployments, "scale")}), []string{"embed metav1.TypeMeta"}},
		{"a Client's get", err(deployments.Get(ctx, "a", metav1.GetOptions{}, "scale")), []string{`get deployments.apps "a"`, "SubresourceOf[Scale]"}},
		{"a Client's update", err(pods.Update(ctx, pod("a"), metav1.UpdateOptions{}, "eviction")), []string{"SubresourceOf[Eviction]"}},
		{"a Client's patch", err(accounts.Patch(ctx, "a", types.MergePatchType, []byte("{}"), metav1.PatchOptions{}, "token")), []string{"SubresourceOf[TokenRequest]"}},
		{"a Client's stream", err(pods.Get(ctx, "a", metav1.GetOptions{}, "log")), []string{"stream"}},
		{"a Client's status of no name", err(pods.Get(ctx, "", metav1.GetOptions{}, "status")), []string{"the name is empty"}},
	} {
		if !isMisuse(c.err) {
			t.Errorf("%s: %v is no MisuseError", c.name, c.err)
			continue
		}
		for _, says := range c.says {
			if !strings.Contains(c.err.Error(), says) {
				t.Errorf("%s: %q does not say %q", c.name, c.err, says)
			}
		}
	}
}

// sub hides the type of a Subresource's objects.
type sub[S any] struct{ *client.Subresource[S] }

func (s sub[S]) get(t *testing.T) error {
	_, err := s.Get(t.Context(), "a", metav1.GetOptions{})
	if _, again := s.Create(t.Context(), "a", new(S), metav1.CreateOptions{}); again == nil || again.Error() != err.Error() {
		t.Errorf("Get returns %v, and Create %v", err, again)
	}
	if _, again := s.Patch(t.Context(), "a", types.MergePatchType, []byte("{}"), metav1.PatchOptions{}); again == nil || again.Error() != err.Error() {
		t.Errorf("Get returns %v, and Patch %v", err, again)
	}
	return err
}

// The subresources of a client that cannot be used cannot be used either.
func TestSubresourceOfAnUnknownType(t *testing.T) {
	unknown := client.Of[noType](untouched(t))
	_, want := unknown.Kind()
	_, err := client.SubresourceOf[autoscalingv1.Scale](unknown, "scale").Get(t.Context(), "a", metav1.GetOptions{})
	if err == nil || err.Error() != want.Error() {
		t.Errorf("got %v, want %v", err, want)
	}
}

// An answer of another kind is refused, with both kinds named.
func TestAnswersOfAnotherKindAreNoSubresource(t *testing.T) {
	ctx := t.Context()
	const deployment = `{"kind":"Deployment","apiVersion":"apps/v1","metadata":{"name":"a"}}`
	scales := client.SubresourceOf[autoscalingv1.Scale](client.Of[appsv1.Deployment](says(t, deployment, jsonType)).In("n"), "scale")
	for verb, err := range map[string]error{
		"get":    second(scales.Get(ctx, "a", metav1.GetOptions{})),
		"update": second(scales.Update(ctx, "a", &autoscalingv1.Scale{}, metav1.UpdateOptions{})),
		"patch":  second(scales.Patch(ctx, "a", types.MergePatchType, []byte("{}"), metav1.PatchOptions{})),
	} {
		if err == nil || !strings.Contains(err.Error(), "apps/v1 Deployment") || !strings.Contains(err.Error(), "autoscaling/v1 Scale") {
			t.Errorf("%s: %v", verb, err)
		}
	}
	tokens := client.SubresourceOf[authenticationv1.TokenRequest](
		client.Of[corev1.ServiceAccount](says(t, failedStatus, jsonType)).In("n"), "token")
	if _, err := tokens.Create(ctx, "a", &authenticationv1.TokenRequest{}, metav1.CreateOptions{}); err == nil || !strings.Contains(err.Error(), "no") {
		t.Errorf("a Status of failure: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

// A resource that is known by its name only has its namespace checked by the server.
func TestSubresourceAtChecksWhatIsKnown(t *testing.T) {
	nodes, _ := kind.ByGVR(corev1.SchemeGroupVersion.WithResource("nodes"))
	_, err := client.SubresourceAt[autoscalingv1.Scale](untouched(t), nodes.GVR(), "scale").In("n").Get(t.Context(), "a", metav1.GetOptions{})
	if !isMisuse(err) || !strings.Contains(err.Error(), "cluster-scoped") {
		t.Errorf("%v", err)
	}
}
