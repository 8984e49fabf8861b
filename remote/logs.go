package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/wire"
)

// DefaultMaxFollow is how many containers Logs follows at once if LogSet.MaxFollow is 0.
const DefaultMaxFollow = 50

// Log opens the log of one container. opts.Container "" means the pod's only one; the server
// refuses it for a pod with more.
//
// The stream ends with io.EOF after the last line that opts asks for. With opts.Follow it ends when
// the container does; if the connection breaks before, reading returns an error, and nothing is
// opened again. The caller closes the stream; the end of ctx ends it too.
//
// The errors are a StatusError, if the server refuses the request (the container has not started,
// does not exist, or its log may not be read: verb get of pods/log), an error of package rest for a
// broken connection, and a *kind.MisuseError if an argument is missing.
func Log(
	ctx context.Context, c *rest.Client, namespace, pod string, opts corev1.PodLogOptions,
) (io.ReadCloser, error) {
	p, err := podOf("read the log of", c, namespace, pod)
	if err != nil {
		return nil, err
	}
	return p.get("log").VersionedParams(&opts).Stream(ctx)
}

// LogSet chooses the containers whose logs are read together. One of Pod and Selector is required.
type LogSet struct {
	Pod      string // the name of one pod
	Selector string // the labels of pods: "app=web,tier!=test"

	// Container is the name of the container in each pod. "" means all: init containers,
	// containers and ephemeral containers, in this order. A pod that has no container of that name
	// is left out.
	Container string

	// DefaultOnly chooses one container of each pod: the one that the annotation
	// kubectl.kubernetes.io/default-container names, or else the first of its containers. Container
	// is then "".
	DefaultOnly bool

	// NoPrefix leaves out "[pod/NAME/CONTAINER] " at the beginning of each line.
	NoPrefix bool

	// MaxFollow limits how many containers are followed at once, each over a stream of its own. If
	// there are more, Logs returns an error. 0 means DefaultMaxFollow (50); negative means no limit.
	MaxFollow int
}

// Logs writes the logs of a set of containers to w, whole lines only: a line that has no end yet
// waits for it, and gets one if its log ends there. opts.Container is not used.
//
// Without opts.Follow the logs are read one after the other, by pods and containers. With it they
// are read at once, and the lines come as they arrive; Logs returns when all have ended. Pods that
// appear later are not followed.
//
// If one log cannot be read, the others are read to their end, and the error names the pod and the
// container of each that failed. If w fails or ctx ends, Logs ends. Each log takes at most
// 1 MiB of memory: a longer line is written as it arrives, and the other logs wait meanwhile.
//
// The errors are those of [Log], joined; an error that wraps that of w or ctx; and an error if no
// container is chosen, or more than MaxFollow.
func Logs(
	ctx context.Context, c *rest.Client, namespace string, set LogSet, opts corev1.PodLogOptions,
	w io.Writer,
) error {
	sources, err := set.sources(ctx, c, namespace, opts)
	if err != nil {
		return err
	}
	m := newMerger(ctx, w)
	defer m.stop(nil)
	if opts.Follow {
		return m.together(sources)
	}
	return m.oneByOne(sources)
}

// source is the log of one container.
type source struct {
	pod       pod
	container string
	prefix    string
	opts      corev1.PodLogOptions
}

func (s source) String() string { return s.pod.String() + ", container " + s.container }

// open opens the log.
func (s source) open(ctx context.Context) (io.ReadCloser, error) {
	return Log(ctx, s.pod.client, s.pod.namespace, s.pod.name, s.opts)
}

// sources finds the containers of the set.
func (set LogSet) sources(
	ctx context.Context, c *rest.Client, namespace string, opts corev1.PodLogOptions,
) ([]source, error) {
	const verb = "read the logs of"
	switch {
	case namespace == "":
		return nil, misuse(verb, set.Pod, "the namespace is missing: pods are in namespaces")
	case (set.Pod == "") == (set.Selector == ""):
		return nil, misuse(verb, set.Pod, "set one of Pod and Selector")
	case set.DefaultOnly && set.Container != "":
		return nil, misuse(verb, set.Pod, "set one of Container and DefaultOnly")
	}
	var sources []source
	add := func(object wire.Object) error {
		var found corev1.Pod
		if err := wire.Decode(object, &found); err != nil {
			return err
		}
		containers := containersOf(&found.Spec)
		only := set.Container
		if set.DefaultOnly && len(found.Spec.Containers) > 0 {
			if only = found.Annotations[defaultContainer]; !slices.Contains(containers, only) {
				only = found.Spec.Containers[0].Name
			}
		}
		for _, container := range containers {
			if only != "" && only != container {
				continue
			}
			s := source{
				pod: pod{c, namespace, found.Name}, container: container, opts: opts,
			}
			s.opts.Container = container
			if !set.NoPrefix {
				s.prefix = fmt.Sprintf("[pod/%s/%s] ", found.Name, container)
			}
			sources = append(sources, s)
		}
		return nil
	}
	if err := set.pods(ctx, c, namespace, add); err != nil {
		return nil, err
	}
	limit := set.MaxFollow
	if limit == 0 {
		limit = DefaultMaxFollow
	}
	switch {
	case len(sources) == 0:
		return nil, fmt.Errorf("%s namespace %s: no pod and container match: %w",
			verb, namespace, ErrNoContainer)
	case opts.Follow && limit > 0 && len(sources) > limit:
		return nil, fmt.Errorf("%s namespace %s: %d containers match, and LogSet.MaxFollow is %d",
			verb, namespace, len(sources), limit)
	}
	return sources, nil
}

// ErrNoContainer is the cause of an error of Logs if its set is empty.
var ErrNoContainer = errors.New("nothing to read")

// pods calls add for each pod of the set.
func (set LogSet) pods(
	ctx context.Context, c *rest.Client, namespace string, add func(wire.Object) error,
) error {
	r := c.GroupVersion(core).Get().Namespace(namespace).Resource("pods")
	if set.Pod != "" {
		object, err := r.Name(set.Pod).Do(ctx).Object(wire.Options{})
		if err != nil {
			return err
		}
		return c.Redact(add(object))
	}
	list, err := r.Param("labelSelector", set.Selector).List(ctx, wire.Options{})
	if err != nil {
		return err
	}
	defer list.Close()
	for {
		object, err := list.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := add(object); err != nil {
			return c.Redact(err)
		}
	}
}

// defaultContainer is the annotation of the container that is meant if none is named.
// Source: Kubernetes documentation, "Well-Known Labels, Annotations and Taints".
const defaultContainer = "kubectl.kubernetes.io/default-container"

// containersOf returns the names of all containers of a pod.
func containersOf(spec *corev1.PodSpec) []string {
	var names []string
	for _, c := range spec.InitContainers {
		names = append(names, c.Name)
	}
	for _, c := range spec.Containers {
		names = append(names, c.Name)
	}
	for _, c := range spec.EphemeralContainers {
		names = append(names, c.Name)
	}
	return names
}
