package wait_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/client/wait"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/faults"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
)

// A wait survives what a server may do, and lasts as long as its context.
func TestWaitForSurvivesFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := faults.NewStore()
		srv := faults.Start(t, store, faults.Options{})
		c := must(rest.NewClient(&rest.Config{Host: srv.URL(), Dial: srv.Dial, Logger: faults.NewLog().Logger()}))(t)
		maps := client.Of[corev1.ConfigMap](c).In("ns")
		done := make(chan *corev1.ConfigMap)
		go func() {
			m, err := maps.WaitFor(t.Context(), "a", wait.When("have k=9", func(m *corev1.ConfigMap) bool { return m.Data["k"] == "9" }))
			if err != nil {
				t.Error(err)
			}
			done <- m
		}()
		for i, fault := range []func(){store.EndWatches, store.Compact, store.Restart, srv.Disconnect, func() { store.Restore(store.Snapshot()) },
			func() { srv.Refuse(true); time.Sleep(time.Minute); srv.Refuse(false) },
			func() { srv.Freeze(true); time.Sleep(10 * time.Minute); srv.Freeze(false) }} {
			time.Sleep(time.Minute)
			put(t, store, "a", "u", fmt.Sprint(i))
			put(t, store, "b", "u2", "9")
			fault()
			synctest.Wait()
			select {
			case m := <-done:
				t.Fatalf("it ended with %v", m)
			default:
			}
		}
		store.Compact()
		srv.Disconnect()
		put(t, store, "a", "u", "9")
		if m := <-done; m.Name != "a" || m.Data["k"] != "9" || m.Kind != "ConfigMap" {
			t.Errorf("%+v", m)
		}
		if m, err := maps.WaitFor(t.Context(), "nobody", wait.Deleted("")); m != nil || err != nil {
			t.Errorf("%v, %v", m, err)
		}
	})
}

func TestWaitForSaysWhatItSawLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := faults.NewStore()
		layer := faults.NewLayer(store)
		srv := faults.Start(t, layer, faults.Options{})
		c := must(rest.NewClient(&rest.Config{Host: srv.URL(), Dial: srv.Dial, MaxRetries: -1, Logger: faults.NewLog().Logger()}))(t)
		jobs := client.Of[batchv1.Job](c).In("ns")
		tired := errors.New("tired")
		waitFor := func(until client.Condition) error {
			ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, tired)
			defer cancel()
			_, err := jobs.WaitFor(ctx, "j", until)
			return err
		}
		var e *client.WaitError
		err := waitFor(wait.JobDone())
		if !errors.As(err, &e) || e.Name != "j" || e.Last != "it does not exist" || !errors.Is(err, tired) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		job := &batchv1.Job{TypeMeta: metav1.TypeMeta{APIVersion: "batch/v1", Kind: "Job"}, ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "j", UID: "u"}, Status: batchv1.JobStatus{Active: 2}}
		version := must(store.Put(job))(t)
		err = waitFor(wait.JobDone())
		want := `wait for jobs.batch "ns/j" to be complete: follow jobs.batch: context deadline exceeded: tired; last seen: 2 pods are active, 0 have succeeded, 0 have failed (resourceVersion ` + version + ")"
		if !errors.As(err, &e) || err.Error() != want {
			t.Errorf("%v, want\n%s", err, want)
		}
		job.Status.Conditions = []batchv1.JobCondition{{Type: "Failed", Status: "True", Reason: "BackoffLimitExceeded", Message: "no more"}}
		must(store.Put(job))(t)
		begin := time.Now()
		if err := waitFor(wait.JobDone()); !errors.As(err, &e) || !strings.Contains(err.Error(), "the Job has failed: BackoffLimitExceeded: no more") || time.Since(begin) != 0 {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
		layer.SetRules(faults.Rule{Do: faults.Status(http.StatusForbidden)})
		if err := waitFor(wait.Exists()); !errors.As(err, &e) || !strings.Contains(err.Error(), "orbidden") || e.Last != "nothing, the server has not answered" {
			t.Errorf("%v", err)
		}
		layer.SetRules(faults.Rule{Do: faults.Status(http.StatusServiceUnavailable)})
		if err := waitFor(wait.Exists()); !errors.As(err, &e) || !errors.Is(err, tired) || !strings.Contains(err.Error(), "the last fault: ") {
			t.Errorf("%v", err)
		}
	})
	nowhere := must(rest.NewClient(&rest.Config{Host: "http://server.example", Dial: func(context.Context, string, string) (net.Conn, error) {
		t.Error("a request was made")
		return nil, errors.New("no server")
	}}))(t)
	if _, err := client.Of[batchv1.Job](nowhere).WaitFor(t.Context(), "j", wait.Exists()); !errors.As(err, new(*kind.MisuseError)) {
		t.Errorf("without a namespace: %v", err)
	}
	if _, err := client.Of[batchv1.Job](nowhere).In("n").WaitFor(t.Context(), "", wait.Exists()); !errors.As(err, new(*kind.MisuseError)) {
		t.Errorf("without a name: %v", err)
	}
}

// On a real control plane. The test is the controllers, and the kubelet.
func TestWaitForOnTheServer(t *testing.T) {
	cluster := controlplane.Start(t)
	c := must(rest.NewClient(cluster.Config()))(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	ns := cluster.Namespace(t)
	if _, err := client.Of[corev1.ServiceAccount](c).In(ns).WaitFor(ctx, "default", wait.Exists()); err != nil {
		t.Fatal(err)
	}
	deployments, pods := client.Of[appsv1.Deployment](c).In(ns), client.Of[corev1.Pod](c).In(ns)
	labels := map[string]string{"app": "web"}
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: appsv1.DeploymentSpec{
		Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels},
			Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "a", Image: "example.com/a:1"}}}},
	}}
	waits := make(chan error)
	go func() {
		d, err := deployments.WaitFor(ctx, "web", wait.And(wait.Exists(), wait.RolledOut()))
		if err == nil && (d.Status.AvailableReplicas != 1 || d.Kind != "Deployment") {
			err = fmt.Errorf("it is %+v", d)
		}
		waits <- err
	}()
	go func() {
		_, err := pods.WaitFor(ctx, "p", wait.PodReady())
		waits <- err
	}()
	must(deployments.Create(ctx, deployment, metav1.CreateOptions{}))(t)
	pod := must(pods.Create(ctx, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p"}, Spec: deployment.Spec.Template.Spec}, metav1.CreateOptions{}))(t)
	for _, updated := range []int32{0, 1} {
		must(deployments.ModifyStatus(ctx, "web", func(d *appsv1.Deployment) error {
			d.Status = appsv1.DeploymentStatus{ObservedGeneration: d.Generation, Replicas: 1, UpdatedReplicas: updated, ReadyReplicas: updated, AvailableReplicas: updated,
				Conditions: []appsv1.DeploymentCondition{{Type: "Available", Status: "True"}}}
			return nil
		}))(t)
	}
	must(pods.ModifyStatus(ctx, "p", func(p *corev1.Pod) error {
		p.Status.Phase = corev1.PodRunning
		p.Status.Conditions = []corev1.PodCondition{{Type: "Ready", Status: "True", LastTransitionTime: metav1.Now()}}
		return nil
	}))(t)
	for range 2 {
		if err := <-waits; err != nil {
			t.Error(err)
		}
	}
	if _, err := deployments.WaitFor(ctx, "web", wait.Condition("available", "true")); err != nil {
		t.Error(err)
	}
	if err := pods.Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))}); err != nil {
		t.Error(err)
	}
	if _, err := pods.WaitFor(ctx, pod.Name, wait.Deleted(pod.UID)); err != nil {
		t.Error(err)
	}
	crd := []byte(`{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "waits.wait.skiff.example.com"},
		"spec": {"group": "wait.skiff.example.com", "scope": "Namespaced", "names": {"plural": "waits", "kind": "Wait"},
			"versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}}}]}}`)
	k, _ := kind.ByGVK(schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"})
	if err := c.Post().GroupVersion(k.GroupVersion()).Resource(k.Resource).Body(crd).Do(ctx).Error(); err != nil {
		t.Fatal(err)
	}
	crds := client.Of[metav1.PartialObjectMetadata](c, client.WithKind(k))
	made, err := crds.WaitFor(ctx, "waits.wait.skiff.example.com", wait.Established())
	if err != nil {
		t.Fatal(err)
	}
	if err := crds.Delete(ctx, made.Name, metav1.DeleteOptions{}); err != nil {
		t.Error(err)
	}
	if _, err := crds.WaitFor(ctx, made.Name, wait.Deleted(made.UID)); err != nil {
		t.Error(err)
	}
}

func TestMain(m *testing.M) { controlplane.Main(m) }

// must returns v if there is no error.
func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func put(t *testing.T, s *faults.Store, name, uid, value string) {
	t.Helper()
	must(s.Put(&corev1.ConfigMap{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, UID: types.UID(uid)}, Data: map[string]string{"k": value}}))(t)
}
