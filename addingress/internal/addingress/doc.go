// Package addingress is the operator that gives Services an Ingress.
//
// The rule: a Service whose annotation ingress/http is "true" has an Ingress of
// its own name in its namespace, whose controller owner is the Service; without
// it, it has none. "true" is meant literally: a Service with "True" or "1" has no
// Ingress, and gets an Event.
//
// The whole of it:
//
//	c, err := rest.NewClient(cfg)
//	err = addingress.New(c, addingress.DefaultConfig()).Run(ctx)
//
// # What it owns
//
// Of an Ingress that it created, addingress owns the rules, the ingress class if one
// is configured, the owner reference, and one annotation, [AppliedAnnotation]. It
// writes them by server-side apply as the field manager "addingress/" and its
// instance, and repairs them when somebody edits them: see pace for how often. It
// takes over what an earlier instance applied. Everything else (TLS, labels, other annotations,
// status) belongs to others and stays.
//
// For server-side apply, spec.rules is one value (an atomic list). So a rule that
// somebody adds to the list is such an edit. An Ingress of another name can have
// further rules.
//
// The backend is the Service's TCP port that is most likely to speak HTTP, by the
// first of these rules that holds for one, and the first port that it holds for:
//
//  1. appProtocol is http, then kubernetes.io/h2c, kubernetes.io/ws or http-alt;
//  2. the name is http;
//  3. the name begins with http-;
//  4. the number is 80;
//  5. the number is 8080;
//  6. any TCP port.
//
// A port with another appProtocol, such as https, is chosen only if there is no port
// without one. The Ingress refers to the port by name if it may (an IANA service name:
// at most 15 characters), else by number. Headless Services and ExternalNames with
// ports get an Ingress too; some ingress controllers refuse ExternalNames.
//
// # What it never touches
//
// An Ingress of the Service's name whose controller owner is not this very
// Service, by UID, is foreign: never written, never deleted. The Service gets an
// Event with the reason, and its Ingress when the foreign one goes.
// The check does not rely on the cache, which may be behind. Every write carries the
// state that the check saw as a precondition (see [writer]), so the API server refuses
// the write if that state has changed.
//
// An Ingress whose owner reference was taken away is foreign too: that is how
// kubectl delete --cascade=orphan hands an object over.
//
// # Services that cannot be exposed
//
// A Service without a TCP port, with a name that makes no valid host, or with the
// host of another Service (see claims), gets an Event with the reason and what to do.
// If it has its Ingress from before, that stays as it is: it may serve still, and a
// mistake in one field should not take a site down. It goes with the annotation,
// or with the Service.
//
// # What fails
//
// A reconcile that fails is tried again without end, at least every five seconds. The
// Service gets an Event if the API server refuses the request, and if any other error
// lasts for seconds. It also gets one if somebody keeps changing its Ingress, or if the
// API server stores something else than addingress writes.
package addingress
