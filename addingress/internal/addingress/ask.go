package addingress

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/informer"
)

// annotated reports whether the Service asks for an Ingress.
func annotated(svc informer.Item[corev1.Service]) bool {
	value, _ := svc.Annotation(Annotation)
	return value == annotationOn
}

// misannotated returns the problem with a Service that does not ask for an Ingress, but seems to be
// meant to: the annotation has another value than "true", "false" and none, or its key has other
// capitals. It returns nil if there is none.
func misannotated(svc informer.Item[corev1.Service]) (*problem, error) {
	if value, ok := svc.Annotation(Annotation); ok {
		if value == annotationOn || isOff(value) {
			return nil, nil
		}
		return &problem{reasonAnnotation, fmt.Sprintf(
			"The annotation %s of the Service is %s. Only %q, in exactly these letters, gives it an "+
				"Ingress: set it to that, or to \"false\", or remove it.",
			Annotation, quoted(value), annotationOn)}, nil
	}
	object, err := svc.Wire()
	if err != nil {
		return nil, err
	}
	for key, value := range object.Annotations() {
		if strings.EqualFold(key, Annotation) && !isOff(value) {
			return &problem{reasonAnnotation, fmt.Sprintf(
				"The Service has the annotation %s: %s. Only %s: %q, in exactly these letters, gives "+
					"it an Ingress: set that, or remove the annotation.",
				key, quoted(value), Annotation, annotationOn)}, nil
		}
	}
	return nil, nil
}

// isOff reports whether a value of the annotation asks for no Ingress.
func isOff(value string) bool { return value == "" || value == annotationOff }

// quoted returns a value for a note. A long one, which may have 256 KiB and contain anything, is
// only described: Events are read by more people than Services.
func quoted(value string) string {
	const long = 20
	if len(value) > long {
		return fmt.Sprintf("a text of %d bytes", len(value))
	}
	return fmt.Sprintf("%q", value)
}
