package client_test

import (
	"fmt"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
)

var configMapType = metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}

func TestEveryVerbOnAConfigMap(t *testing.T) {
	for format, change := range map[string]func(*rest.Config){
		"protobuf": func(*rest.Config) {},
		"JSON":     func(cfg *rest.Config) { cfg.JSONOnly = true },
	} {
		t.Run(format, func(t *testing.T) {
			c, ctx := connect(t, change), soon(t)
			ns := namespace(t, c)
			maps := client.Of[corev1.ConfigMap](c).In(ns)
			is := func(m *corev1.ConfigMap, want map[string]string) {
				t.Helper()
				if m.TypeMeta != configMapType || m.Namespace != ns || m.Name != "a" || m.ResourceVersion == "" || m.UID == "" {
					t.Errorf("it is %+v %+v", m.TypeMeta, m.ObjectMeta)
				}
				if fmt.Sprint(m.Data) != fmt.Sprint(want) {
					t.Errorf("its data is %v, want %v", m.Data, want)
				}
			}
			sent := &corev1.ConfigMap{
				ObjectMeta: metav1.ObjectMeta{Name: "a", Labels: map[string]string{"l": "1"}},
				Data:       map[string]string{"k": "create"},
			}
			before := asJSON(t, sent)
			created := must(maps.Create(ctx, sent, metav1.CreateOptions{}))(t)
			is(created, map[string]string{"k": "create"})
			if asJSON(t, sent) != before {
				t.Errorf("Create changed what it was given: %+v", sent)
			}
			if _, err := maps.Create(ctx, sent, metav1.CreateOptions{}); !apierrors.IsAlreadyExists(err) {
				t.Errorf("create again: %v", err)
			}

			read := must(maps.Get(ctx, "a", metav1.GetOptions{}))(t)
			is(read, map[string]string{"k": "create"})
			if read.UID != created.UID || len(read.ManagedFields) == 0 {
				t.Errorf("what was read is not all of what was created: %+v", read.ObjectMeta)
			}
			if _, err := maps.Get(ctx, "b", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
				t.Errorf("get of what is not there: %v", err)
			}

			read.Data["k"] = "update"
			updated := must(maps.Update(ctx, read, metav1.UpdateOptions{}))(t)
			is(updated, map[string]string{"k": "update"})
			if _, err := maps.Update(ctx, read, metav1.UpdateOptions{}); !apierrors.IsConflict(err) {
				t.Errorf("update of an old version: %v", err)
			}

			for _, p := range []struct {
				pt          types.PatchType
				patch, want string
			}{
				{types.JSONPatchType, `[{"op":"replace","path":"/data/k","value":"json"}]`, "json"},
				{types.MergePatchType, `{"data":{"k":"merge"}}`, "merge"},
				{types.StrategicMergePatchType, `{"data":{"k":"strategic"}}`, "strategic"},
				{types.ApplyPatchType, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"k":"apply"}}`, "apply"},
			} {
				opts := metav1.PatchOptions{}
				if p.pt == types.ApplyPatchType {
					opts.FieldManager, opts.Force = "patcher", new(true)
				}
				is(must(maps.Patch(ctx, "a", p.pt, []byte(p.patch), opts))(t), map[string]string{"k": p.want})
			}
			applied := must(maps.Apply(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Data: map[string]string{"mine": "yes"}},
				metav1.ApplyOptions{FieldManager: "applier"}))(t)
			is(applied, map[string]string{"k": "apply", "mine": "yes"})

			list := must(maps.List(ctx, metav1.ListOptions{LabelSelector: "l=1"}))(t)
			if list.Kind != "ConfigMapList" || list.APIVersion != "v1" || list.ResourceVersion == "" || len(list.Items) != 1 {
				t.Fatalf("the list is %+v %+v of %d", list.TypeMeta, list.ListMeta, len(list.Items))
			}
			is(&list.Items[0], applied.Data)
			everywhere := must(client.Of[corev1.ConfigMap](c).List(ctx, metav1.ListOptions{FieldSelector: "metadata.name=a,metadata.namespace=" + ns}))(t)
			if len(everywhere.Items) != 1 {
				t.Errorf("in all namespaces there are %d of that name in %s", len(everywhere.Items), ns)
			}
			if none := must(maps.List(ctx, metav1.ListOptions{LabelSelector: "l=2"}))(t); none.Items == nil || len(none.Items) != 0 {
				t.Errorf("a list of none is %+v", none.Items)
			}

			// An object from a list has no managedFields; to write it back leaves them as they are.
			fromList := &list.Items[0]
			fromList.Data["k"] = "from list"
			written := must(maps.Update(ctx, fromList, metav1.UpdateOptions{}))(t)
			if got := owned(t, written, "applier"); !slices.Equal(got, []string{"data/mine"}) {
				t.Errorf("who had applied owns %q after that", got)
			}

			if err := maps.Delete(ctx, "a", metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: new(types.UID("another"))}}); !apierrors.IsConflict(err) {
				t.Errorf("delete of another object of that name: %v", err)
			}
			if err := maps.Delete(ctx, "a", metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
			if err := maps.Delete(ctx, "a", metav1.DeleteOptions{}); !apierrors.IsNotFound(err) {
				t.Errorf("delete again: %v", err)
			}
		})
	}
}

// managersOf says which fields each manager owns, as JSON.
func managersOf(obj metav1.Object) map[string]string {
	out := map[string]string{}
	for _, m := range obj.GetManagedFields() {
		if m.FieldsV1 != nil {
			out[m.Manager] += m.FieldsV1.GetRawString()
		}
	}
	return out
}

func TestCreateOptionsReachTheServer(t *testing.T) {
	c, ctx := connect(t), soon(t)
	maps := client.Of[corev1.ConfigMap](c).In(namespace(t, c))
	dry := must(maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "dry"}}, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}))(t)
	if _, err := maps.Get(ctx, "dry", metav1.GetOptions{}); dry.UID == "" || !apierrors.IsNotFound(err) {
		t.Errorf("a dry run made %+v: %v", dry.ObjectMeta, err)
	}
	named := must(maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{GenerateName: "gen-"}, Data: map[string]string{"k": "v"}},
		metav1.CreateOptions{FieldManager: "maker"}))(t)
	if len(named.Name) <= len("gen-") || managersOf(named)["maker"] == "" {
		t.Errorf("it is %q, managed by %v", named.Name, managersOf(named))
	}
}

func TestTheNamespaceComesFromTheObjectIfNotFromIn(t *testing.T) {
	c, ctx := connect(t), soon(t)
	ns := namespace(t, c)
	maps := client.Of[corev1.ConfigMap](c)
	m := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "a"}}
	m = must(maps.Create(ctx, m, metav1.CreateOptions{}))(t)
	m.Data = map[string]string{"k": "v"}
	m = must(maps.Update(ctx, m, metav1.UpdateOptions{}))(t)
	applied := must(maps.Apply(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "a"}, Data: map[string]string{"l": "w"}},
		metav1.ApplyOptions{FieldManager: "applier"}))(t)
	if m.Namespace != ns || applied.Namespace != ns || applied.Data["k"] != "v" {
		t.Errorf("%+v\n%+v", m, applied)
	}
}

func pod(name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": "web"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "example.com/i"}}},
	}
}

func TestStatusIsWrittenApartOnAPod(t *testing.T) {
	c, ctx := connect(t), soon(t)
	pods := client.Of[corev1.Pod](c).In(namespace(t, c))
	p := must(pods.Create(ctx, pod("a"), metav1.CreateOptions{}))(t)

	p.Labels["app"] = "ignored"
	p.Status.Phase = corev1.PodRunning
	p = must(pods.UpdateStatus(ctx, p, metav1.UpdateOptions{}))(t)
	if p.Status.Phase != corev1.PodRunning || p.Spec.Containers[0].Image != "example.com/i" {
		t.Errorf("after UpdateStatus: %s, %s", p.Status.Phase, p.Spec.Containers[0].Image)
	}
	p.Status.Phase = corev1.PodFailed
	p.Labels["app"] = "db"
	p = must(pods.Update(ctx, p, metav1.UpdateOptions{}))(t)
	if p.Status.Phase != corev1.PodRunning || p.Labels["app"] != "db" {
		t.Errorf("after Update: %s, %s", p.Status.Phase, p.Labels["app"])
	}
	p = must(pods.Patch(ctx, "a", types.StrategicMergePatchType, []byte(`{"status":{"message":"patched"}}`), metav1.PatchOptions{}, "status"))(t)
	if p.Status.Message != "patched" || p.Kind != "Pod" {
		t.Errorf("after Patch of the status: %q, %s", p.Status.Message, p.Kind)
	}
	p = must(pods.ApplyStatus(ctx, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "a", Labels: map[string]string{"app": "ignored"}},
		Status:     corev1.PodStatus{Reason: "Applied"},
	}, metav1.ApplyOptions{FieldManager: "applier"}))(t)
	if p.Status.Reason != "Applied" || p.Status.Message != "patched" || p.Labels["app"] != "db" {
		t.Errorf("after ApplyStatus: %+v, %v", p.Status, p.Labels)
	}
	if owned := managersOf(p)["applier"]; owned != `{"f:status":{"f:reason":{}}}` {
		t.Errorf("the one who applied the status owns %s", owned)
	}
}

func TestADeletedPodLivesOnForItsGracePeriod(t *testing.T) {
	c, ctx := connect(t), soon(t)
	ns := namespace(t, c)
	pods := client.Of[corev1.Pod](c).In(ns)
	must(pods.Create(ctx, pod("a"), metav1.CreateOptions{}))(t)
	bind := &corev1.Binding{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Target: corev1.ObjectReference{Kind: "Node", Name: "nowhere"}}
	bound := must(client.Of[corev1.Binding](c).In(ns).Create(ctx, bind, metav1.CreateOptions{}))(t)
	if bound.Name != "a" || bound.Target.Name != "nowhere" {
		t.Errorf("the server says nothing of a binding, and so it is what was sent; this is %+v", bound)
	}
	if p := must(pods.Get(ctx, "a", metav1.GetOptions{}))(t); p.Spec.NodeName != "nowhere" {
		t.Fatalf("the pod is on node %q", p.Spec.NodeName)
	}
	if err := pods.Delete(ctx, "a", metav1.DeleteOptions{GracePeriodSeconds: new(int64(30))}); err != nil {
		t.Fatal(err)
	}
	p := must(pods.Get(ctx, "a", metav1.GetOptions{}))(t)
	if p.DeletionTimestamp == nil || *p.DeletionGracePeriodSeconds != 30 {
		t.Errorf("deleted at %v, grace %v", p.DeletionTimestamp, p.DeletionGracePeriodSeconds)
	}
	if err := pods.Delete(ctx, "a", metav1.DeleteOptions{GracePeriodSeconds: new(int64)}); err != nil {
		t.Fatal(err)
	}
	if _, err := pods.Get(ctx, "a", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("without grace: %v", err)
	}
}

func TestDeleteCollectionDeletesWhatIsSelected(t *testing.T) {
	c, ctx := connect(t), soon(t)
	pods := client.Of[corev1.Pod](c).In(namespace(t, c))
	for _, name := range []string{"a", "b", "c"} {
		p := pod(name)
		p.Labels["keep"] = fmt.Sprint(name == "b")
		must(pods.Create(ctx, p, metav1.CreateOptions{}))(t)
	}
	if err := pods.DeleteCollection(ctx, metav1.DeleteOptions{DryRun: []string{metav1.DryRunAll}}, metav1.ListOptions{}); err != nil {
		t.Fatal(err)
	}
	if list := must(pods.List(ctx, metav1.ListOptions{}))(t); len(list.Items) != 3 {
		t.Errorf("a dry run left %d", len(list.Items))
	}
	if err := pods.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "keep=false"}); err != nil {
		t.Fatal(err)
	}
	if list := must(pods.List(ctx, metav1.ListOptions{}))(t); len(list.Items) != 1 || list.Items[0].Name != "b" {
		t.Errorf("left are %d: %+v", len(list.Items), list.Items)
	}
}

func TestDeploymentsHaveGenerationsAndScale(t *testing.T) {
	c, ctx := connect(t), soon(t)
	deployments := client.Of[appsv1.Deployment](c).In(namespace(t, c))
	labels := map[string]string{"app": "web"}
	d := must(deployments.Create(ctx, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "a"},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(1)),
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: pod("").Spec},
		},
	}, metav1.CreateOptions{}))(t)
	if d.Generation != 1 || d.APIVersion != "apps/v1" || d.Kind != "Deployment" {
		t.Errorf("%+v %+v", d.TypeMeta, d.ObjectMeta)
	}
	d = must(deployments.Patch(ctx, "a", types.MergePatchType, []byte(`{"spec":{"replicas":3}}`), metav1.PatchOptions{}))(t)
	if d.Generation != 2 || *d.Spec.Replicas != 3 {
		t.Errorf("generation %d, %d replicas", d.Generation, *d.Spec.Replicas)
	}
	d.Status.ObservedGeneration, d.Status.Replicas = 2, 3
	d = must(deployments.UpdateStatus(ctx, d, metav1.UpdateOptions{}))(t)
	if d.Status.ObservedGeneration != 2 || d.Generation != 2 {
		t.Errorf("%+v", d.Status)
	}
}

func TestClusterScopedObjects(t *testing.T) {
	c, ctx := connect(t), soon(t)
	nodes := client.Of[corev1.Node](c)
	n := must(nodes.Create(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{GenerateName: "node-"}}, metav1.CreateOptions{}))(t)
	if got := must(nodes.Get(ctx, n.Name, metav1.GetOptions{}))(t); got.UID != n.UID || got.Kind != "Node" {
		t.Errorf("%+v %+v", got.TypeMeta, got.ObjectMeta)
	}
	if err := nodes.Delete(ctx, n.Name, metav1.DeleteOptions{}); err != nil {
		t.Error(err)
	}
}

func TestAQuestionHasNoNameAndIsNoWrite(t *testing.T) {
	c, ctx := connect(t), soon(t)
	ctx = client.WithWriteObserver(ctx, func(w client.Write) { t.Errorf("a write was told of: %+v", w) })
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: "get", Resource: "pods"},
	}}
	answer := must(client.Of[authorizationv1.SelfSubjectAccessReview](c).Create(ctx, review, metav1.CreateOptions{}))(t)
	if !answer.Status.Allowed {
		t.Errorf("%+v", answer.Status)
	}
}

// slimPod is a pod with the two fields that a program reads.
type slimPod struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              struct {
		NodeName string `json:"nodeName,omitempty"`
	} `json:"spec"`
}

func TestATypeOfOnesOwnForABuiltInKind(t *testing.T) {
	c, ctx := connect(t), soon(t)
	ns := namespace(t, c)
	must(client.Of[corev1.Pod](c).In(ns).Create(ctx, pod("a"), metav1.CreateOptions{}))(t)
	k, err := kind.Of[corev1.Pod]()
	if err != nil {
		t.Fatal(err)
	}
	slim := client.Of[slimPod](c, client.WithKind(k)).In(ns)
	p := must(slim.Get(ctx, "a", metav1.GetOptions{}))(t)
	if p.Name != "a" || p.Kind != "Pod" {
		t.Errorf("%+v", p)
	}
	p = must(slim.Patch(ctx, "a", types.MergePatchType, []byte(`{"metadata":{"labels":{"x":"y"}}}`), metav1.PatchOptions{}))(t)
	if p.Labels["x"] != "y" {
		t.Errorf("%+v", p.Labels)
	}
}
