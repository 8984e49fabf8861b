package addingress

// A problem is the reason why a Service has no Ingress, or one that does not stay as it should be,
// as its Event has it.
type problem struct {
	reason string // one word in CamelCase, for machines
	note   string // what is wrong and what to do, for people
}

// Reasons of Events. Users' alerts match them, so they must not change.
const (
	reasonAnnotation  = "IngressAnnotationNotTrue"
	reasonNotOwned    = "IngressNotOwned"
	reasonNoPorts     = "ServiceHasNoPorts"
	reasonNotTCP      = "ServicePortNotTCP"
	reasonInvalidHost = "InvalidIngressHost"
	reasonHostTaken   = "IngressHostTaken"
	reasonRejected    = "IngressRejected"
	reasonFailed      = "IngressFailed"
	reasonContested   = "IngressContested"
	reasonRewritten   = "IngressRewritten"
)

// wordy reports whether the notes of a reason contain errors or names that may be others at each
// try. Another note is then the same problem, except now and then.
func wordy(reason string) bool {
	switch reason {
	case reasonRejected, reasonFailed, reasonContested, reasonRewritten:
		return true
	}
	return false
}
