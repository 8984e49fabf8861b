package addingress

import (
	"fmt"
	"iter"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/informer"
)

// claims decides which Service has a host, where several ask for the same one: a host template may
// leave out the namespace, or the name.
//
// The Service that has an Ingress with the host keeps it. If none or several have, the Service that
// was created first has it; of several in one second, the first by namespace and name. A Service
// that cannot be exposed and has no Ingress asks for no host.
type claims struct {
	settings
	services  informer.Lister[corev1.Service]
	ingresses informer.Lister[networkingv1.Ingress]
}

// hostIndex is the name of two indexes: of the Services that ask for an Ingress, by the host that
// they ask for, and of the Ingresses, by the hosts in their rules.
const hostIndex = "host"

// addClaims adds the indexes that claims needs.
func addClaims(s settings, services *informer.Informer[corev1.Service],
	ingresses *informer.Informer[networkingv1.Ingress]) (*claims, error) {
	err := services.AddIndex(hostIndex, func(svc informer.Item[corev1.Service]) []string {
		if !annotated(svc) {
			return nil
		}
		host, err := s.hosts.Host(svc.Name(), svc.Namespace())
		if err != nil {
			return nil // its own reconcile reports it
		}
		return []string{host}
	})
	if err == nil {
		err = ingresses.AddFieldIndex(hostIndex, "spec.rules[*].host")
	}
	return &claims{s, services.Lister(), ingresses.Lister()}, err
}

// claim is a Service that asks for a host.
type claim struct {
	service informer.Item[corev1.Service]
	created metav1.Time
}

var creationTimestamp = informer.MustFields[corev1.Service]("metadata.creationTimestamp")

func newClaim(svc informer.Item[corev1.Service]) (claim, error) {
	partial, err := svc.Partial(creationTimestamp)
	if err != nil {
		return claim{}, err
	}
	return claim{svc, partial.CreationTimestamp}, nil
}

// before reports whether c goes before other.
func (c claim) before(other claim) bool {
	switch {
	case !c.created.Equal(&other.created):
		return c.created.Before(&other.created)
	case c.service.Namespace() != other.service.Namespace():
		return c.service.Namespace() < other.service.Namespace()
	}
	return c.service.Name() < other.service.Name()
}

// holder returns the Service that has the host; the zero Item if no Service asks for it. The
// Service except is left out.
func (c *claims) holder(host string, except controller.Key) (informer.Item[corev1.Service], error) {
	holder, err := c.incumbent(host, except)
	if err != nil || !holder.IsZero() {
		return holder, err
	}
	asking := c.services.Items(informer.Query{Index: hostIndex, Value: host})
	return first(asking, func(svc informer.Item[corev1.Service]) (bool, error) {
		if keyOf(svc) == except {
			return false, nil
		}
		return c.asks(svc)
	})
}

// incumbent returns the Service that has an Ingress with the host; the zero Item if there is none.
func (c *claims) incumbent(host string, except controller.Key) (informer.Item[corev1.Service],
	error) {
	there := c.ingresses.Items(informer.Query{Index: hostIndex, Value: host})
	having := func(yield func(informer.Item[corev1.Service], error) bool) {
		for ing, err := range there {
			var svc informer.Item[corev1.Service]
			if err == nil {
				svc, err = c.services.Item(ing.Namespace(), ing.Name())
				if apierrors.IsNotFound(err) || err == nil && !controlledBy(ing, svc) {
					continue // a foreign one
				}
			}
			if !yield(svc, err) {
				return
			}
		}
	}
	return first(having, func(svc informer.Item[corev1.Service]) (bool, error) {
		// Whoever edits an Ingress does not move its Service's host.
		own, err := c.hosts.Host(svc.Name(), svc.Namespace())
		return err == nil && own == host && annotated(svc) && !svc.Deleting() &&
			keyOf(svc) != except, nil
	})
}

// first returns the Service that goes before all others of those that counts holds for; the zero
// Item if there is none.
func first(services iter.Seq2[informer.Item[corev1.Service], error],
	counts func(informer.Item[corev1.Service]) (bool, error)) (informer.Item[corev1.Service], error) {
	var best claim
	for svc, err := range services {
		if err != nil {
			return best.service, err
		}
		c, err := newClaim(svc)
		if err != nil {
			return best.service, err
		}
		if !best.service.IsZero() && !c.before(best) {
			continue
		}
		switch ok, err := counts(svc); {
		case err != nil:
			return best.service, err
		case ok:
			best = c
		}
	}
	return best.service, nil
}

// taken returns the problem with svc if another Service has its host, otherwise nil.
func (c *claims) taken(svc informer.Item[corev1.Service], host string) (*problem, error) {
	holder, err := c.holder(host, controller.Key{})
	if err != nil || holder.IsZero() || holder.UID() == svc.UID() {
		return nil, err
	}
	return &problem{reasonHostTaken, fmt.Sprintf(
		"The host %q belongs to the Service %s, so this one gets no Ingress for it. Start addingress "+
			"with a --host-template that makes a host of its own for each Service (it is %s), or "+
			"remove the annotation %s from one of the two.",
		host, holder.Key(), c.hosts, Annotation)}, nil
}

// successor returns the key of the Service that gets the host of svc, if svc does not ask for it
// any more.
func (c *claims) successor(svc informer.Item[corev1.Service]) []controller.Key {
	host, err := c.hosts.Host(svc.Name(), svc.Namespace())
	if err != nil {
		return nil
	}
	// What fails here fails in a reconcile as well, which reports it.
	asking, err := c.services.Len(informer.Query{Index: hostIndex, Value: host})
	if err != nil || asking == 0 {
		return nil
	}
	now, err := c.services.Item(svc.Namespace(), svc.Name())
	if err == nil && annotated(now) {
		if asking == 1 {
			return nil // svc itself
		}
		if asks, err := c.asks(now); asks || err != nil {
			return nil
		}
	}
	holder, err := c.holder(host, keyOf(svc))
	if err != nil || holder.IsZero() {
		return nil
	}
	return []controller.Key{keyOf(holder)}
}

// asks reports whether an annotated Service asks for its host.
func (c *claims) asks(svc informer.Item[corev1.Service]) (bool, error) {
	if svc.Deleting() {
		return false, nil
	}
	object, err := svc.Object()
	if err != nil {
		return false, err
	}
	_, p := backendPort(object)
	return p == nil, nil
}

func keyOf(svc informer.Item[corev1.Service]) controller.Key {
	return controller.Key{Namespace: svc.Namespace(), Name: svc.Name()}
}
