package verbs

import (
	"unicode"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Defaults are what writes send where the options of a call leave it open.
type Defaults struct {
	Manager    string // the field manager
	Validation string // of unknown and repeated fields: Strict, Warn or Ignore
	DryRun     bool
}

// maxManager is the longest name of a field manager that the API server takes, in bytes.
const maxManager = 128

// complete sets the options of a write that the call left open, and checks the field manager.
// Options that the verb does not have are nil. A dryRun that is empty and not nil stays so.
func (r Resource) complete(verb, name string, manager, validation *string, dryRun *[]string) error {
	if *dryRun == nil && r.Defaults.DryRun {
		*dryRun = []string{metav1.DryRunAll}
	}
	if validation != nil && *validation == "" {
		*validation = r.Defaults.Validation
	}
	if manager == nil {
		return nil
	}
	if *manager == "" {
		*manager = r.Defaults.Manager
	}
	if len(*manager) > maxManager {
		return r.misuse(verb, name, "the field manager %.20q… has %d bytes: the limit is %d",
			*manager, len(*manager), maxManager)
	}
	for _, c := range *manager {
		if !unicode.IsPrint(c) {
			return r.misuse(verb, name, "the field manager %q has a character that is not "+
				"printable: %q", *manager, c)
		}
	}
	return nil
}
