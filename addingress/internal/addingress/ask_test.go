package addingress

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// Only ingress/http: "true" gives a Service an Ingress. What seems to mean it gets one Event that
// says what was expected; what means the opposite gets none.
func TestAnnotationsThatAreNotTrue(t *testing.T) {
	long := strings.Repeat("secret", 10)
	for i, tt := range []struct {
		key, value string
		says       []string // by the Event; none: no Event
	}{
		{Annotation, "TRUE", []string{`ingress/http of the Service is "TRUE"`, `Only "true"`}},
		{Annotation, "True", []string{`is "True"`}},
		{Annotation, " true ", []string{`is " true "`}},
		{Annotation, "true\n", []string{`is "true\n"`}},
		{Annotation, `"true"`, []string{`is "\"true\""`}},
		{Annotation, "yes", []string{`is "yes"`}},
		{Annotation, "on", []string{`is "on"`}},
		{Annotation, "1", []string{`is "1"`}},
		{Annotation, "False", []string{`is "False"`, `or to "false"`}},
		{Annotation, " ", []string{`is " "`}},
		{Annotation, long, []string{"is a text of 60 bytes"}},
		{"ingress/HTTP", "true", []string{`has the annotation ingress/HTTP: "true"`, `Only ingress/http: "true"`}},
		{"Ingress/http", "true", []string{`has the annotation Ingress/http`}},
		{"INGRESS/HTTP", "yes", []string{`INGRESS/HTTP: "yes"`}},
		{Annotation, "false", nil},
		{Annotation, "", nil},
		{"ingress/HTTP", "false", nil},
		{"ingress/https", "true", nil},
		{"example.com/http", "true", nil},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			w := newWorld(t)
			before := w.service("before", func(svc *corev1.Service) { svc.Annotations = map[string]string{tt.key: tt.value} })
			r := w.start()
			after := w.service("after", func(svc *corev1.Service) { svc.Annotations = map[string]string{tt.key: tt.value} })
			for _, svc := range []*corev1.Service{before, after} {
				for _, part := range tt.says {
					if e := w.hasEvent(svc, reasonAnnotation); !strings.Contains(e.Note, part) || e.Type != corev1.EventTypeWarning {
						t.Errorf("the Event is %s %q, does not say %q", e.Type, e.Note, part)
					}
				}
				for range 3 {
					r.settled(svc.Name)
				}
				if n := len(w.eventsAbout(svc)); n > 1 || n > 0 != (tt.says != nil) {
					t.Errorf("%d Events", n)
				}
				w.noIngress(svc.Name)
			}
			if tt.says == nil {
				r.wrote()
				return
			}
			r.wrote("create events", "create events")
			if n := r.log.count("level=WARN"); n != 2 || r.log.count(long) != 0 {
				t.Errorf("%d warnings in the log", n)
			}

			w.annotate("after", "true")
			r.hasIngress(after)
			r.settled("after")
			r.wrote("apply ingresses/after")
		})
	}
}

// A Service whose annotation becomes one of those loses its Ingress, and is told why.
func TestAnnotationThatBecomesAnother(t *testing.T) {
	w := newWorld(t)
	r := w.start()
	svc := w.service("web", exposed)
	r.hasIngress(svc)
	w.annotate("web", "TRUE")
	w.noIngress("web")
	w.hasEvent(svc, reasonAnnotation)
	r.settled("web")
	r.wrote("apply ingresses/web", "delete ingresses/web", "create events")

	w.annotate("web", "false")
	r.settled("web")
	r.wrote()
}
