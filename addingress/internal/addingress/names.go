package addingress

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/validation"
)

// maxManager is the API server's limit of a field manager's name, in bytes.
const maxManager = 128

// CheckNames returns an error if the namespace, the ingress class or the instance cannot exist, so
// that the operator ends at its start and not at every Ingress. Each may be empty.
func CheckNames(namespace, class, instance string) error {
	var errs []error
	if most := maxManager - len(managerPrefix); len(instance) > most {
		errs = append(errs, fmt.Errorf("--instance has %d bytes, and may have %d", len(instance), most))
	}
	if !utf8.ValidString(instance) || strings.ContainsFunc(instance, func(r rune) bool {
		return !unicode.IsPrint(r)
	}) {
		errs = append(errs, fmt.Errorf("--instance %q is invalid: it has characters that cannot be "+
			"printed", instance))
	}
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
