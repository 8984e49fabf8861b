package client_test

import (
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/kind"
)

// configuration is an apply configuration of which only the JSON counts. compare/migrate has those of
// client-go.
type configuration map[string]any

func (configuration) IsApplyConfiguration() {}

func parsed(t *testing.T, text string) configuration {
	t.Helper()
	var c configuration
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestApplyConfigurationSendsItAsItIs(t *testing.T) {
	c, ctx := connect(t), soon(t)
	ns := namespace(t, c)
	deployments := client.Of[appsv1.Deployment](c, client.Manager("test")).In(ns)
	web := parsed(t, `{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 0,
		"selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}}, "spec": {
		"hostNetwork": false, "containers": [{"name": "c", "image": "example.com/i"}]}}}}`)
	var told []client.Write
	d, err := client.ApplyConfiguration(client.WithWriteObserver(ctx, func(w client.Write) { told = append(told, w) }),
		deployments, web, metav1.ApplyOptions{})
	if err != nil || *d.Spec.Replicas != 0 || d.UID == "" || len(told) != 1 {
		t.Fatalf("got %v, %v, told %v", d, err, told)
	}
	if paths := strings.Join(owned(t, d, "test"), " "); !strings.Contains(paths, "spec/replicas") || !strings.Contains(paths, "hostNetwork") {
		t.Errorf("it owns %s", paths)
	}

	status := parsed(t, `{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "`+ns+`"},
		"spec": {"replicas": 7}, "status": {"conditions": [{"type": "Mine", "status": "True"}]}}`)
	d, err = client.ApplyConfiguration(ctx, deployments, status, metav1.ApplyOptions{FieldManager: "status"}, "status")
	if err != nil || *d.Spec.Replicas != 0 || !strings.Contains(strings.Join(owned(t, d, "status"), " "), "Mine") {
		t.Errorf("the status: %v, %v", d, err)
	}

	scales := client.SubresourceOf[autoscalingv1.Scale](deployments, "scale")
	_, err = scales.ApplyConfiguration(ctx, "web", parsed(t, `{"apiVersion": "autoscaling/v1", "kind": "Scale", "spec": {"replicas": 2}}`),
		metav1.ApplyOptions{FieldManager: "scaler"})
	if !apierrors.IsConflict(err) {
		t.Errorf("the scale belongs to test: %v", err)
	}
	scale, err := scales.ApplyConfiguration(ctx, "web", parsed(t, `{"apiVersion": "autoscaling/v1", "kind": "Scale", "spec": {"replicas": 2}}`),
		metav1.ApplyOptions{FieldManager: "scaler", Force: true})
	if err != nil || scale.Spec.Replicas != 2 || scale.Name != "web" {
		t.Errorf("the scale: %v, %v", scale, err)
	}
}

func TestApplyConfigurationRefusesWhatCannotBeRight(t *testing.T) {
	var sent atomic.Int64
	c, ctx := connect(t, counting(&sent)), soon(t)
	opts := metav1.ApplyOptions{FieldManager: "test"}
	deployments := client.Of[appsv1.Deployment](c).In("default")
	scales := client.SubresourceOf[autoscalingv1.Scale](deployments, "scale")
	k, _ := kind.Of[appsv1.Deployment]()
	deployment := func(metadata string) configuration {
		return parsed(t, `{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": `+metadata+`}`)
	}
	scale := parsed(t, `{"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "a"}}`)
	apply := func(c *client.Client[appsv1.Deployment], config runtime.ApplyConfiguration, sub ...string) error {
		_, err := client.ApplyConfiguration(ctx, c, config, opts, sub...)
		return err
	}
	applyScale := func(name string, config runtime.ApplyConfiguration) error {
		_, err := scales.ApplyConfiguration(ctx, name, config, opts)
		return err
	}
	_, metadata := client.ApplyConfiguration(ctx, client.Metadata(c, k).In("default"), deployment(`{"name": "a"}`), opts)
	_, manager := client.ApplyConfiguration(ctx, deployments, deployment(`{"name": "a"}`), metav1.ApplyOptions{})
	for want, err := range map[string]error{
		"the configuration is nil":                        apply(deployments, nil),
		"the configuration is nil ":                       apply(deployments, configuration(nil)),
		"cannot be encoded":                               apply(deployments, configuration{"x": make(chan int)}),
		"is no object of the API":                         apply(deployments, deployment(`7`)),
		"has no apiVersion and kind":                      apply(deployments, configuration{}),
		"the object's metadata.name is empty":             apply(deployments, deployment(`{}`)),
		"the object's kind is Scale":                      apply(deployments, parsed(t, `{"apiVersion": "apps/v1", "kind": "Scale", "metadata": {"name": "a"}}`)),
		"the object's apiVersion is autoscaling/v1":       apply(deployments, scale),
		"the object is in namespace \"other\"":            apply(deployments, deployment(`{"name": "a", "namespace": "other"}`)),
		"and no namespace was given":                      apply(deployments.In(""), deployment(`{"name": "a"}`)),
		"use SubresourceOf[Scale]":                        apply(deployments, deployment(`{"name": "a"}`), "scale"),
		"the client has the objects' metadata only":       metadata,
		"the options have no FieldManager":                manager,
		"the name is empty":                               applyScale("", scale),
		"the configuration's metadata.name is \"a\"":      applyScale("b", scale),
		"the configuration is of the kind apps/v1, Kind=": applyScale("a", deployment(`{"name": "a"}`)),
		"the configuration is nil  ":                      applyScale("a", nil),
	} {
		if !errors.As(err, new(*kind.MisuseError)) || !strings.Contains(err.Error(), strings.TrimSpace(want)) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	type unknown struct{ corev1.Pod }
	if _, err := client.ApplyConfiguration(ctx, client.Of[unknown](c), scale, opts); !errors.As(err, new(*kind.UnknownError)) {
		t.Errorf("a type that is not known: %v", err)
	}
	if n := sent.Load(); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}
