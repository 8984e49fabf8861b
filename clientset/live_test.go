package clientset_test

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/clientset"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/rest"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

func TestWhatTutorialsTeach(t *testing.T) {
	cluster := controlplane.Start(t)
	c, err := rest.NewClient(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cs, ns := clientset.New(c), cluster.Namespace(t)

	if _, err := cs.CoreV1().Secrets(ns).Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "a"}, StringData: map[string]string{"k": "v"},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	secrets, err := cs.CoreV1().Secrets("").List(ctx, metav1.ListOptions{FieldSelector: "metadata.namespace=" + ns})
	if err != nil || len(secrets.Items) != 1 || string(secrets.Items[0].Data["k"]) != "v" {
		t.Errorf("%+v, %v", secrets, err)
	}
	if pods, err := cs.CoreV1().Pods("default").List(ctx, metav1.ListOptions{}); err != nil || pods.Kind != "PodList" {
		t.Errorf("%+v, %v", pods, err)
	}
	if d, err := cs.AppsV1().Deployments("kube-system").List(ctx, metav1.ListOptions{}); err != nil || d.Kind != "DeploymentList" {
		t.Errorf("%+v, %v", d, err)
	}
	if i, err := cs.NetworkingV1().Ingresses(ns).List(ctx, metav1.ListOptions{}); err != nil || i.Kind != "IngressList" {
		t.Errorf("%+v, %v", i, err)
	}
	if n, err := cs.CoreV1().Namespaces().Get(ctx, ns, metav1.GetOptions{}); err != nil || n.Name != ns {
		t.Errorf("%+v, %v", n, err)
	}
	if v, err := cs.Discovery().ServerVersion(ctx); err != nil || v.GitVersion != cluster.Version() {
		t.Errorf("%+v, %v", v, err)
	}
	var raw corev1.NamespaceList
	if err := cs.CoreV1().RESTClient().Get().Resource("namespaces").Do(ctx).Into(&raw); err != nil || len(raw.Items) == 0 {
		t.Errorf("by RESTClient: %+v, %v", raw, err)
	}
}
