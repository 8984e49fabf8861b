package remote

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/skiff-k8s/skiff/wire"
)

// ports is one of ForwardOptions.Ports.
type ports struct {
	text   string
	local  uint16
	same   bool   // the local port is the remote one
	remote string // a number, or a name
}

// parsePorts parses "LOCAL:REMOTE", ":REMOTE" or "REMOTE".
func parsePorts(text string) (ports, error) {
	left, right, both := strings.Cut(text, ":")
	p := ports{text: text, same: !both, remote: right}
	if !both {
		p.remote = left
	}
	if both && left != "" {
		n, err := strconv.ParseUint(left, 10, 16)
		if err != nil {
			return p, p.wrong("they are not of the form LOCAL:REMOTE, such as 8080:80 or 8080:http")
		}
		p.local = uint16(n)
	}
	switch n, err := strconv.ParseInt(p.remote, 10, 64); {
	case err == nil && n == 0:
		return p, p.wrong("the remote port may not be 0")
	case err == nil && (n < 0 || n > 65535), p.remote == "", strings.Contains(p.remote, ":"):
		return p, p.wrong("they are not of the form LOCAL:REMOTE, such as 8080:80 or 8080:http")
	}
	return p, nil
}

func (p ports) wrong(problem string) error { return fmt.Errorf("the ports %q: %s", p.text, problem) }

// number returns the remote port if it is a number.
func (p ports) number() (uint16, bool) {
	n, err := strconv.ParseUint(p.remote, 10, 16)
	return uint16(n), err == nil
}

// mapping is a local port and the pod's port behind it.
type mapping struct{ local, remote uint16 }

// resolve finds the numbers of the ports, and the pod if a service is named.
func (p *pod) resolve(ctx context.Context, all []ports, service string) ([]mapping, error) {
	named := slices.ContainsFunc(all, func(one ports) bool { _, number := one.number(); return !number })
	var svc *corev1.Service
	if service != "" {
		svc = new(corev1.Service)
		err := p.client.GroupVersion(core).Get().Namespace(p.namespace).Resource("services").
			Name(service).Do(ctx).Into(svc)
		if err != nil {
			return nil, err
		}
	}
	var found *corev1.Pod
	var err error
	switch {
	case p.name == "":
		found, err = p.behind(ctx, svc)
	case named || svc != nil:
		found = new(corev1.Pod)
		err = p.client.GroupVersion(core).Get().Namespace(p.namespace).Resource("pods").Name(p.name).
			Do(ctx).Into(found)
	}
	if err != nil {
		return nil, err
	}
	mappings := make([]mapping, len(all))
	for i, one := range all {
		m := mapping{local: one.local}
		front := uint16(0) // the port that the same local one is
		if svc != nil {
			front, m.remote, err = servicePort(svc, found, one)
		} else {
			m.remote, err = podPort(found, one)
			front = m.remote
		}
		if err != nil {
			return nil, err
		}
		if one.same {
			m.local = front
		}
		mappings[i] = m
	}
	return mappings, nil
}

// podPort returns the number of a port of a pod.
func podPort(found *corev1.Pod, one ports) (uint16, error) {
	if n, ok := one.number(); ok {
		return n, nil
	}
	return containerPort(found, one, one.remote)
}

// containerPort returns the number of the TCP port of a pod that has a name.
func containerPort(found *corev1.Pod, one ports, name string) (uint16, error) {
	var names []string
	for _, containers := range [][]corev1.Container{found.Spec.Containers, found.Spec.InitContainers} {
		for _, c := range containers {
			for _, port := range c.Ports {
				switch {
				case port.Protocol != "" && port.Protocol != corev1.ProtocolTCP || port.Name == "":
				case port.Name == name:
					return uint16(port.ContainerPort), nil
				default:
					names = append(names, port.Name)
				}
			}
		}
	}
	return 0, one.wrong(fmt.Sprintf("no container of pod %s names a TCP port %q; %s",
		found.Name, name, namedPorts(names)))
}

func namedPorts(names []string) string {
	if len(names) == 0 {
		return "there are no named ports"
	}
	return "there are " + strings.Join(names, ", ")
}

// servicePort returns a port of a service, and the port of the pod that it leads to. The port of a
// headless service leads to the same port, because its clients connect to the pods themselves.
func servicePort(svc *corev1.Service, found *corev1.Pod, one ports) (front, back uint16, err error) {
	var names []string
	for _, port := range svc.Spec.Ports {
		number := strconv.Itoa(int(port.Port))
		switch {
		case port.Protocol != "" && port.Protocol != corev1.ProtocolTCP:
			continue
		case one.remote != number && one.remote != port.Name:
			names = append(names, strings.TrimSuffix(number+" "+port.Name, " "))
			continue
		}
		front = uint16(port.Port)
		target := port.TargetPort
		switch {
		case svc.Spec.ClusterIP == corev1.ClusterIPNone:
			return front, front, nil
		case target.Type == intstr.String:
			back, err = containerPort(found, one, target.StrVal)
			return front, back, err
		case target.IntVal != 0:
			return front, uint16(target.IntVal), nil
		}
		return front, front, nil
	}
	return 0, 0, one.wrong(fmt.Sprintf("service %s has no such TCP port; it has %s",
		svc.Name, strings.Join(names, ", ")))
}

// behind returns a pod that the service selects: the first one that is ready, or else the first one
// that runs. It sets p's name.
func (p *pod) behind(ctx context.Context, svc *corev1.Service) (*corev1.Pod, error) {
	if len(svc.Spec.Selector) == 0 {
		return nil, fmt.Errorf("find a pod of service %s/%s: it has no selector", p.namespace, svc.Name)
	}
	list, err := p.client.GroupVersion(core).Get().Namespace(p.namespace).Resource("pods").
		Param("labelSelector", labels.FormatLabels(svc.Spec.Selector)).List(ctx, wire.Options{})
	if err != nil {
		return nil, err
	}
	defer list.Close()
	var running *corev1.Pod
	for {
		object, err := list.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		one := new(corev1.Pod)
		if err := wire.Decode(object, one); err != nil {
			return nil, p.client.Redact(err)
		}
		if one.DeletionTimestamp != nil || one.Status.Phase != corev1.PodRunning {
			continue
		}
		if ready(one) {
			running = one
			break
		}
		if running == nil {
			running = one
		}
	}
	if running == nil {
		return nil, fmt.Errorf("find a pod of service %s/%s: none that it selects runs",
			p.namespace, svc.Name)
	}
	p.name = running.Name
	return running, nil
}

func ready(p *corev1.Pod) bool {
	return slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}
