package dynamic_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/skiff-k8s/skiff/dynamic"
	"github.com/skiff-k8s/skiff/kind"
)

func deployment() *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{
			Name: "a", Labels: map[string]string{"l": "v"}, Generation: 1 << 60,
			CreationTimestamp: metav1.Time{Time: time.Unix(1e9, 0).Local()},
		},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(3)),
			Strategy: appsv1.DeploymentStrategy{RollingUpdate: &appsv1.RollingUpdateDeployment{MaxSurge: new(intstr.FromString("25%"))}},
			Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{
				Name: "c",
				Resources: corev1.ResourceRequirements{
					Limits: corev1.ResourceList{"cpu": resource.MustParse("100m")},
				},
			}}}},
		},
	}
}

func TestThereAndBackIsTheSameObject(t *testing.T) {
	want := deployment()
	u, err := dynamic.From(want)
	if err != nil {
		t.Fatal(err)
	}
	if u.GetAPIVersion() != "apps/v1" || u.GetKind() != "Deployment" || want.Kind != "" {
		t.Errorf("it says %s %s; the original %q", u.GetAPIVersion(), u.GetKind(), want.Kind)
	}
	if n, _, _ := unstructured.NestedInt64(u.Object, "spec", "replicas"); n != 3 {
		t.Errorf("replicas: %#v", u.Object["spec"])
	}
	got, err := dynamic.To[appsv1.Deployment](u)
	if err != nil {
		t.Fatal(err)
	}
	want.TypeMeta = metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"}
	if !equality.Semantic.DeepEqual(got, want) {
		t.Errorf("it is\n%+v, was\n%+v", got, want)
	}
	// What went through JSON is the same to To.
	data, err := json.Marshal(u)
	if err != nil {
		t.Fatal(err)
	}
	again := &unstructured.Unstructured{}
	if err := json.Unmarshal(data, again); err != nil {
		t.Fatal(err)
	}
	if got, err = dynamic.To[appsv1.Deployment](again); err != nil || !equality.Semantic.DeepEqual(got, want) {
		t.Errorf("by JSON: %+v, %v", got, err)
	}
}

func TestConversionsShareNoMemory(t *testing.T) {
	d := deployment()
	u, err := dynamic.From(d)
	if err != nil {
		t.Fatal(err)
	}
	before := u.DeepCopy()
	d.Labels["l"], *d.Spec.Replicas, d.Spec.Template.Spec.Containers[0].Name = "changed", 99, "changed"
	typed, err := dynamic.To[appsv1.Deployment](u)
	if err != nil {
		t.Fatal(err)
	}
	typed.Labels["l"], typed.Spec.Template.Spec.Containers[0].Name = "changed", "changed"
	copied, err := dynamic.From(u)
	if err != nil {
		t.Fatal(err)
	}
	copied.SetLabels(map[string]string{"l": "changed"})
	if !reflect.DeepEqual(u, before) {
		t.Errorf("it became\n%v, was\n%v", u, before)
	}
}

type unknown struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
}

func TestFromNeedsToKnowTheKind(t *testing.T) {
	said := &unknown{TypeMeta: metav1.TypeMeta{APIVersion: "example.com/v1", Kind: "Unknown"}, ObjectMeta: metav1.ObjectMeta{Name: "a"}}
	u, err := dynamic.From(said)
	if err != nil || u.GetKind() != "Unknown" || u.GetName() != "a" {
		t.Errorf("%v, %v", u, err)
	}
	if got, err := dynamic.To[unknown](u); err != nil || got.Kind != "Unknown" {
		t.Errorf("%+v, %v", got, err)
	}
	if data, _ := json.Marshal(u); strings.Contains(string(data), "creationTimestamp") {
		t.Errorf("it has a creationTimestamp that nobody set: %s", data)
	}
	var notKnown *kind.UnknownError
	if _, err := dynamic.From(&unknown{}); !errors.As(err, &notKnown) {
		t.Errorf("%v is no UnknownError", err)
	}
	for _, obj := range []any{nil, unknown{}, (*unknown)(nil), new(string), []unknown{}} {
		if u, err := dynamic.From(obj); err == nil {
			t.Errorf("From(%T) is %v", obj, u)
		}
	}
}

func TestToRefusesAnotherKind(t *testing.T) {
	u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "apps/v1beta1", "kind": "Deployment"}}
	if d, err := dynamic.To[appsv1.Deployment](u); err == nil || !strings.Contains(err.Error(), "apps/v1beta1 Deployment") {
		t.Errorf("%v, %v", d, err)
	}
	if d, err := dynamic.To[appsv1.Deployment](nil); err == nil {
		t.Errorf("%v", d)
	}
	u = &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"replicas": "three"}}}
	if d, err := dynamic.To[appsv1.Deployment](u); err == nil || d != nil {
		t.Errorf("%v, %v", d, err)
	}
	u = &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"replicas": int64(3), "new": true}}}
	if d, err := dynamic.To[appsv1.Deployment](u); err != nil || *d.Spec.Replicas != 3 || d.Kind != "Deployment" {
		t.Errorf("%+v, %v", d, err)
	}
}
