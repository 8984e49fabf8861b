package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/addingress/internal/await"
	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/discovery"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/rest"
)

// namespace is the namespace of the story.
const namespace = "shop"

// story acts as a user of the cluster, and observes it.
type story struct {
	out         *printer
	stepTimeout time.Duration
	services    *client.Client[corev1.Service]
	ingresses   *client.Client[networkingv1.Ingress]

	view          *await.View
	cache         *informer.Informer[networkingv1.Ingress] // behind seenIngresses
	seenIngresses informer.Lister[networkingv1.Ingress]
	seenEvents    informer.Lister[eventsv1.Event]
}

// tell performs the steps. It returns an error at the first step whose result does not appear in
// time.
func tell(ctx context.Context, out *printer, c *rest.Client,
	stepTimeout time.Duration) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	factory := informer.NewFactory(c, informer.Namespace(namespace))
	defer factory.Wait()
	defer cancel()
	s := &story{
		out:         out,
		stepTimeout: stepTimeout,
		services:    client.Of[corev1.Service](c).In(namespace),
		ingresses:   client.Of[networkingv1.Ingress](c).In(namespace),
		view:        await.New(),
		cache:       informer.For[networkingv1.Ingress](factory),
	}
	s.seenIngresses = await.Watch[networkingv1.Ingress](s.view, factory)
	s.seenEvents = await.Watch[eventsv1.Event](s.view, factory)
	if err := factory.Start(ctx); err != nil {
		return err
	}
	_, err = client.Of[corev1.Namespace](c).Create(ctx,
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}

	steps := []struct {
		title string
		do    func(context.Context) error
	}{
		{`A Service annotated ingress/http: "true" gets an Ingress`, s.annotated},
		{"A Service that loses the annotation loses its Ingress", s.annotationGone},
		{"A Service that gets the annotation back gets its Ingress back", s.annotatedAgain},
		{"An Ingress that somebody deletes is created again", s.ingressDeleted},
		{"An Ingress that somebody edits is repaired, and additions of others stay",
			s.ingressEdited},
		{"An Ingress of somebody else is not touched, and an Event says so", s.foreignIngress},
		{"A Service gets its Ingress when the foreign one of its name is gone",
			s.foreignIngressGone},
		{"A Service that cannot be exposed gets an Event with the reason", s.notExposable},
		{"The Ingress of a deleted Service is garbage-collected", s.serviceDeleted},
	}
	begin := time.Now()
	for i, step := range steps {
		out.step(i+1, step.title)
		stepCtx, cancel := context.WithTimeoutCause(ctx, stepTimeout,
			fmt.Errorf("it did not come true within %v", stepTimeout))
		done := out.waiting("waiting for it to come true")
		err := step.do(stepCtx)
		done()
		cancel()
		if err != nil {
			return fmt.Errorf("step %d (%s): %w", i+1, step.title, err)
		}
	}
	out.plain("\nAll %d steps came true, in %.1f s.", len(steps), time.Since(begin).Seconds())
	return nil
}

func (s *story) annotated(ctx context.Context) error {
	if err := s.createService(ctx, "web", corev1.ServicePort{Name: "http", Port: 80}); err != nil {
		return err
	}
	return s.ingressAppears(ctx, "web", "")
}

func (s *story) annotationGone(ctx context.Context) error {
	if err := s.annotate(ctx, "web", "null"); err != nil {
		return err
	}
	s.out.say("Service web: annotation removed")
	return s.ingressGoes(ctx, "web")
}

func (s *story) annotatedAgain(ctx context.Context) error {
	if err := s.annotate(ctx, "web", `"true"`); err != nil {
		return err
	}
	s.out.say(`Service web: annotated ingress/http: "true" again`)
	return s.ingressAppears(ctx, "web", "")
}

func (s *story) ingressDeleted(ctx context.Context) error {
	before, err := s.ingresses.Get(ctx, "web", metav1.GetOptions{})
	if err != nil {
		return err
	}
	if err := s.ingresses.Delete(ctx, "web", metav1.DeleteOptions{}); err != nil {
		return err
	}
	s.out.say("Ingress web deleted (its UID was %s)", before.UID)
	return s.ingressAppears(ctx, "web", before.UID)
}

func (s *story) ingressEdited(ctx context.Context) error {
	patch := []byte(`[
		{"op": "replace", "path": "/spec/rules/0/host", "value": "elsewhere.example.com"},
		{"op": "add", "path": "/spec/tls", "value": [{"secretName": "web-tls"}]}]`)
	edited, err := s.ingresses.Patch(ctx, "web", types.JSONPatchType, patch,
		metav1.PatchOptions{FieldManager: "somebody"})
	if err != nil {
		return err
	}
	s.out.say("Ingress web edited: host elsewhere.example.com, and TLS from Secret web-tls")
	// Until the cache has the edit, its Ingress looks like a repaired one.
	if err := s.cache.WaitFor(ctx, edited.ResourceVersion); err != nil {
		return err
	}
	if err := s.ingressAppears(ctx, "web", ""); err != nil {
		return err
	}
	ing, err := s.seenIngresses.Get(namespace, "web")
	if err != nil {
		return err
	}
	if len(ing.Spec.TLS) != 1 || ing.Spec.TLS[0].SecretName != "web-tls" {
		return fmt.Errorf("the TLS section that somebody added is %+v", ing.Spec.TLS)
	}
	s.out.say("Its TLS section is still there")
	return nil
}

func (s *story) foreignIngress(ctx context.Context) error {
	foreign := &networkingv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Name: "api"},
		Spec: networkingv1.IngressSpec{DefaultBackend: &networkingv1.IngressBackend{
			Service: &networkingv1.IngressServiceBackend{Name: "legacy",
				Port: networkingv1.ServiceBackendPort{Number: 8080}},
		}},
	}
	if _, err := s.ingresses.Create(ctx, foreign, metav1.CreateOptions{}); err != nil {
		return err
	}
	s.out.say("Ingress api created by hand: it belongs to nobody")
	if err := s.createService(ctx, "api", corev1.ServicePort{Port: 8080}); err != nil {
		return err
	}
	if err := s.eventAppears(ctx, "api"); err != nil {
		return err
	}
	ing, err := s.ingresses.Get(ctx, "api", metav1.GetOptions{})
	if err != nil {
		return err
	}
	if len(ing.Spec.Rules) != 0 || len(ing.OwnerReferences) != 0 {
		return fmt.Errorf("the foreign Ingress was changed: %+v", ing.Spec)
	}
	s.out.say("Ingress api is as it was")
	return nil
}

func (s *story) foreignIngressGone(ctx context.Context) error {
	if err := s.ingresses.Delete(ctx, "api", metav1.DeleteOptions{}); err != nil {
		return err
	}
	s.out.say("Ingress api deleted by hand")
	return s.ingressAppears(ctx, "api", "")
}

func (s *story) notExposable(ctx context.Context) error {
	if err := s.createService(ctx, "headless"); err != nil {
		return err
	}
	return s.eventAppears(ctx, "headless")
}

func (s *story) serviceDeleted(ctx context.Context) error {
	if err := s.services.Delete(ctx, "web", metav1.DeleteOptions{}); err != nil {
		return err
	}
	s.out.say("Service web deleted")
	return s.ingressGoes(ctx, "web")
}

// createService creates an annotated Service. Without ports, the Service is headless.
func (s *story) createService(ctx context.Context, name string, ports ...corev1.ServicePort) error {
	svc := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name,
			Annotations: map[string]string{"ingress/http": "true"}},
		Spec: corev1.ServiceSpec{Ports: ports},
	}
	what := "Service " + name
	if len(ports) == 0 {
		svc.Spec.ClusterIP = corev1.ClusterIPNone
		what += ", headless and without ports,"
	}
	if _, err := s.services.Create(ctx, svc, metav1.CreateOptions{}); err != nil {
		return err
	}
	s.out.say(`%s created, annotated ingress/http: "true"`, what)
	return nil
}

func (s *story) annotate(ctx context.Context, name, value string) error {
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{"ingress/http":%s}}}`, value)
	_, err := s.services.Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{})
	return err
}

// ingressAppears waits until the Service has its Ingress, with its host and a UID other than not.
func (s *story) ingressAppears(ctx context.Context, name string, not types.UID) error {
	want := name + "." + namespace + ".example.com"
	var ing *networkingv1.Ingress
	err := s.view.Until(ctx, "the Ingress of Service "+name, func() (err error) {
		ing, err = s.seenIngresses.Get(namespace, name)
		switch {
		case err != nil:
			return err
		case ing.UID == not:
			return errors.New("it is the one that was deleted")
		case metav1.GetControllerOf(ing) == nil || metav1.GetControllerOf(ing).Kind != "Service":
			return errors.New("the Service does not control it")
		case len(ing.Spec.Rules) != 1 || ing.Spec.Rules[0].Host != want:
			return fmt.Errorf("its rules are %+v", ing.Spec.Rules)
		}
		return nil
	})
	if err != nil {
		return err
	}
	path := ing.Spec.Rules[0].HTTP.Paths[0]
	port := path.Backend.Service.Port.Name
	if port == "" {
		port = fmt.Sprint(path.Backend.Service.Port.Number)
	}
	s.out.say("Ingress %s is there: http://%s%s goes to port %s of Service %s", name,
		ing.Spec.Rules[0].Host, path.Path, port, path.Backend.Service.Name)
	return nil
}

func (s *story) ingressGoes(ctx context.Context, name string) error {
	err := s.view.Until(ctx, "the Ingress "+name+" to go", func() error {
		if _, err := s.seenIngresses.Item(namespace, name); !apierrors.IsNotFound(err) {
			return fmt.Errorf("it is there (%v)", err)
		}
		return nil
	})
	if err == nil {
		s.out.say("Ingress %s is gone", name)
	}
	return err
}

// eventAppears waits for a warning about the Service, and prints it.
func (s *story) eventAppears(ctx context.Context, service string) error {
	var found *eventsv1.Event
	err := s.view.Until(ctx, "an Event about Service "+service, func() error {
		events, err := s.seenEvents.List(informer.Query{})
		if err != nil {
			return err
		}
		for _, e := range events {
			if e.Regarding.Kind == "Service" && e.Regarding.Name == service &&
				strings.HasSuffix(e.ReportingController, "addingress") {
				found = e
				return nil
			}
		}
		return errors.New("there is none")
	})
	if err == nil {
		s.out.say("Event on Service %s: %s %s: %s", service, found.Type, found.Reason, found.Note)
	}
	return err
}

// serverVersion returns the API server's version.
func serverVersion(ctx context.Context, c *rest.Client) (string, error) {
	version, err := discovery.New(c).ServerVersion(ctx)
	if err != nil {
		return "", err
	}
	return version.GitVersion, nil
}
