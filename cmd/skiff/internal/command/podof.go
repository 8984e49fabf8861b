package command

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/cmd/skiff/internal/cli"
	"github.com/skiff-k8s/skiff/discovery"
)

// defaultContainer is the annotation of a pod that names the container to use.
// Source: Kubernetes documentation, "Well-Known Labels, Annotations and Taints".
const defaultContainer = "kubectl.kubernetes.io/default-container"

// object is what an argument POD or TYPE/NAME names.
type object struct {
	resource  discovery.Resource
	namespace string
	name      string
}

func (o object) isPod() bool     { return o.is("Pod") }
func (o object) isService() bool { return o.is("Service") }

func (o object) is(kind string) bool {
	return o.resource.Info.Group == "" && o.resource.Info.Kind == kind
}

func (o object) String() string { return cli.ObjectName(o.resource, o.name) }

// podArg resolves an argument POD or TYPE/NAME.
func podArg(ctx context.Context, f *cli.Factory, arg string) (object, error) {
	kind, name, slashed := strings.Cut(arg, "/")
	if !slashed {
		kind, name = "pods", arg
	}
	if kind == "" || name == "" || strings.Contains(name, "/") {
		return object{}, cli.Usagef("argument %q: want POD or TYPE/NAME", arg)
	}
	namespace, _, err := f.Namespace()
	if err != nil {
		return object{}, err
	}
	r, err := f.Resource(ctx, kind)
	if err != nil {
		return object{}, err
	}
	if !r.Info.Namespaced {
		return object{}, cli.Usagef("argument %q: %s have no pods", arg, r.Info.Resource)
	}
	return object{r, namespace, name}, nil
}

// selector returns the selector of the pods of a workload or a service.
func (o object) selector(ctx context.Context, f *cli.Factory) (string, error) {
	fail := func(err error) (string, error) {
		return "", fmt.Errorf("find the pods of %s: %w", o, err)
	}
	d, err := f.Dynamic()
	if err != nil {
		return "", err
	}
	u, err := d.Resource(o.resource.Info.GVR()).Namespace(o.namespace).
		Get(ctx, o.name, metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	given, found, err := unstructured.NestedMap(u.Object, "spec", "selector")
	if err != nil || !found || len(given) == 0 {
		return fail(fmt.Errorf("it has no spec.selector"))
	}
	var selector metav1.LabelSelector
	_, labels := given["matchLabels"].(map[string]any)
	_, expressions := given["matchExpressions"].([]any)
	if !labels && !expressions { // of a service or a replication controller
		given = map[string]any{"matchLabels": given}
	}
	text, err := json.Marshal(given)
	if err == nil {
		err = json.Unmarshal(text, &selector)
	}
	if err != nil {
		return fail(err)
	}
	s, err := metav1.LabelSelectorAsSelector(&selector)
	if err != nil {
		return fail(err)
	}
	return s.String(), nil
}

// pod returns the pod that an object is, or one of its pods: a ready one if there is one, or else one
// that runs, or else the newest. It prints which one if there is a choice.
func (o object) pod(ctx context.Context, f *cli.Factory) (*corev1.Pod, error) {
	c, err := f.REST()
	if err != nil {
		return nil, err
	}
	pods := client.Of[corev1.Pod](c).In(o.namespace)
	if o.isPod() {
		return pods.Get(ctx, o.name, metav1.GetOptions{})
	}
	selector, err := o.selector(ctx, f)
	if err != nil {
		return nil, err
	}
	var best *corev1.Pod
	count := 0
	for pod, err := range pods.All(ctx, metav1.ListOptions{LabelSelector: selector}) {
		if err != nil {
			return nil, err
		}
		if count++; best == nil || better(pod, best) {
			best = pod
		}
	}
	if best == nil {
		return nil, fmt.Errorf("find a pod of %s: it has none", o)
	}
	if count > 1 {
		fmt.Fprintf(f.Err, "Found %d pods of %s, using pod/%s\n", count, o, best.Name)
	}
	return best, nil
}

func better(a, b *corev1.Pod) bool {
	rank := func(p *corev1.Pod) int {
		ready := slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
			return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
		})
		switch {
		case p.DeletionTimestamp != nil:
			return 0
		case ready:
			return 3
		case p.Status.Phase == corev1.PodRunning:
			return 2
		}
		return 1
	}
	newer := b.CreationTimestamp.Compare(a.CreationTimestamp.Time)
	return cmp.Or(rank(a)-rank(b), -newer, strings.Compare(b.Name, a.Name)) > 0
}

// containerOf returns the container of a pod that a flag names, or the pod's default one.
func containerOf(f *cli.Factory, pod *corev1.Pod, flag string, quiet bool) string {
	if flag != "" {
		return flag // if there is none of that name, the server says so
	}
	var names []string
	for _, c := range pod.Spec.Containers {
		names = append(names, c.Name)
	}
	if name := pod.Annotations[defaultContainer]; slices.Contains(names, name) {
		return name
	}
	if len(names) == 0 {
		return ""
	}
	if len(names) > 1 && !quiet {
		fmt.Fprintf(f.Err, "Defaulted container %q out of: %s\n", names[0], strings.Join(names, ", "))
	}
	return names[0]
}
