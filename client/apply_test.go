package client_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
)

// owned says which leaves of an object a manager owns, as paths.
func owned(t *testing.T, obj metav1.Object, manager string) []string {
	t.Helper()
	raw, ok := managersOf(obj)[manager]
	if !ok {
		return nil
	}
	var fields map[string]any
	if err := json.Unmarshal([]byte(raw), &fields); err != nil {
		t.Fatal(err)
	}
	var paths []string
	var walk func(path string, fields map[string]any)
	walk = func(path string, fields map[string]any) {
		if len(fields) == 0 {
			paths = append(paths, path)
		}
		for key, value := range fields {
			walk(strings.TrimPrefix(path+"/"+strings.TrimPrefix(key, "f:"), "/"), value.(map[string]any))
		}
	}
	walk("", fields)
	slices.Sort(paths)
	return paths
}

func TestApplyOwnsWhatItSaysAndNothingElse(t *testing.T) {
	c, ctx := connect(t), soon(t)
	deployments := client.Of[appsv1.Deployment](c).In(namespace(t, c))
	labels := map[string]string{"app": "web"}
	config := func() *appsv1.Deployment {
		return &appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Name: "a"},
			Spec: appsv1.DeploymentSpec{
				Selector: &metav1.LabelSelector{MatchLabels: labels},
				Template: corev1.PodTemplateSpec{
					ObjectMeta: metav1.ObjectMeta{Labels: labels},
					Spec: corev1.PodSpec{
						Containers: []corev1.Container{{
							Name: "c", Image: "example.com/i",
							VolumeMounts: []corev1.VolumeMount{{Name: "v", MountPath: "/v"}},
						}},
						Volumes: []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}},
					},
				},
			},
		}
	}
	opts := metav1.ApplyOptions{FieldManager: "first"}
	d := must(deployments.Apply(ctx, config(), opts))(t)
	const template = "spec/template/"
	container := template + `spec/containers/k:{"name":"c"}/`
	volume := template + `spec/volumes/k:{"name":"v"}/`
	want := []string{
		"spec/selector",
		template + "metadata/labels/app",
		container + ".", container + "image", container + "name",
		container + `volumeMounts/k:{"mountPath":"/v"}/.`, container + `volumeMounts/k:{"mountPath":"/v"}/mountPath`, container + `volumeMounts/k:{"mountPath":"/v"}/name`,
		volume + ".", volume + "emptyDir", volume + "name",
	}
	slices.Sort(want)
	if got := owned(t, d, "first"); !slices.Equal(got, want) {
		t.Errorf("it owns\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if d.Kind != "Deployment" || d.APIVersion != "apps/v1" || *d.Spec.Replicas != 1 {
		t.Errorf("%+v, %d replicas", d.TypeMeta, *d.Spec.Replicas)
	}

	// Another owns the replicas. To apply without them changes nothing of that.
	must(deployments.Apply(ctx, &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Spec: appsv1.DeploymentSpec{
		Replicas: new(int32(5)), Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: config().Spec.Template,
	}}, metav1.ApplyOptions{FieldManager: "second"}))(t)
	d = must(deployments.Apply(ctx, config(), opts))(t)
	if *d.Spec.Replicas != 5 {
		t.Errorf("%d replicas", *d.Spec.Replicas)
	}

	// To want another number is a conflict, unless forced; then it is the other's no more.
	mine := config()
	mine.Spec.Replicas = new(int32(2))
	if _, err := deployments.Apply(ctx, mine, opts); !apierrors.IsConflict(err) || !strings.Contains(err.Error(), `"second"`) {
		t.Errorf("apply of what another owns: %v", err)
	}
	opts.Force = true
	d = must(deployments.Apply(ctx, mine, opts))(t)
	if *d.Spec.Replicas != 2 || slices.Contains(owned(t, d, "second"), "spec/replicas") || !slices.Contains(owned(t, d, "first"), "spec/replicas") {
		t.Errorf("%d replicas, second owns %q", *d.Spec.Replicas, owned(t, d, "second"))
	}
}

func TestWhatIsNotAppliedAnyMoreIsRemoved(t *testing.T) {
	c, ctx := connect(t), soon(t)
	configMaps := client.Of[corev1.ConfigMap](c).In(namespace(t, c))
	apply := func(manager string, data map[string]string) *corev1.ConfigMap {
		t.Helper()
		return must(configMaps.Apply(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Data: data},
			metav1.ApplyOptions{FieldManager: manager}))(t)
	}
	apply("first", map[string]string{"a": "1", "b": "1"})
	apply("second", map[string]string{"c": "2"})
	m := apply("first", map[string]string{"a": "1"})
	if !maps.Equal(m.Data, map[string]string{"a": "1", "c": "2"}) {
		t.Errorf("the data is %v", m.Data)
	}
	if got := owned(t, m, "first"); !slices.Equal(got, []string{"data/a"}) {
		t.Errorf("the first owns %q", got)
	}
	before := m.ResourceVersion
	if m = apply("first", map[string]string{"a": "1"}); m.ResourceVersion != before {
		t.Errorf("to apply the same again made resourceVersion %s of %s", m.ResourceVersion, before)
	}
}

func TestOneLabelCanBeOwned(t *testing.T) {
	c, ctx := connect(t), soon(t)
	services := client.Of[corev1.Service](c).In(namespace(t, c))
	must(services.Create(ctx, &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "a", Labels: map[string]string{"other": "x"}},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
	}, metav1.CreateOptions{}))(t)
	s := must(services.Apply(ctx, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "a", Labels: map[string]string{"mine": "y"}}},
		metav1.ApplyOptions{FieldManager: "m"}))(t)
	if got := owned(t, s, "m"); !slices.Equal(got, []string{"metadata/labels/mine"}) || s.Labels["other"] != "x" || s.Spec.Ports[0].Port != 80 {
		t.Errorf("it owns %q of %+v", got, s)
	}
}

func TestAnObjectThatWasReadCanBeApplied(t *testing.T) {
	c, ctx := connect(t), soon(t)
	configMaps := client.Of[corev1.ConfigMap](c).In(namespace(t, c))
	m := must(configMaps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Data: map[string]string{"k": "v"}}, metav1.CreateOptions{}))(t)
	applied := must(configMaps.Apply(ctx, m, metav1.ApplyOptions{FieldManager: "applier"}))(t)
	if got := owned(t, applied, "applier"); !slices.Equal(got, []string{"data/k"}) {
		t.Errorf("it owns %q", got)
	}
	must(configMaps.Apply(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Data: map[string]string{"other": "x"}},
		metav1.ApplyOptions{FieldManager: "other"}))(t)
	// Its resourceVersion asks for a conflict if it has changed since.
	if _, err := configMaps.Apply(ctx, m, metav1.ApplyOptions{FieldManager: "applier"}); !apierrors.IsConflict(err) {
		t.Errorf("apply of an old version: %v", err)
	}
}

func TestApplyHoldsForEveryClientOfAType(t *testing.T) {
	c, ctx := connect(t), soon(t)
	configMaps := client.Of[corev1.ConfigMap](c).In(namespace(t, c))
	const n = 8
	errs := make(chan error, n)
	for i := range n { // one client, many goroutines
		go func() {
			_, err := configMaps.Apply(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Data: map[string]string{fmt.Sprint(i): "x"}},
				metav1.ApplyOptions{FieldManager: fmt.Sprint("m", i)})
			errs <- err
		}()
	}
	for range n {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if m := must(configMaps.Get(ctx, "a", metav1.GetOptions{}))(t); len(m.Data) != n {
		t.Errorf("the data is %v", m.Data)
	}
}
