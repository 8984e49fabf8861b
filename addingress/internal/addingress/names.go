package addingress

import (
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// CheckNames returns an error if the namespace or the ingress class cannot exist, so
// that the operator ends at its start and not at every Ingress. Either may be empty.
func CheckNames(namespace, class string) error {
	var errs []error
	if namespace != "" {
		if problems := validation.IsDNS1123Label(namespace); len(problems) > 0 {
			errs = append(errs, fmt.Errorf("--namespace %q is invalid: %s", namespace,
				strings.Join(problems, "; ")))
		}
	}
	if class != "" {
		if problems := validation.IsDNS1123Subdomain(class); len(problems) > 0 {
			errs = append(errs, fmt.Errorf("--ingress-class %q is invalid: %s", class,
				strings.Join(problems, "; ")))
		}
	}
	return errors.Join(errs...)
}
