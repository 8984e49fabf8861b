package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/rest"
)

const (
	// keepPeriod is how often the Secret and the configurations are looked at.
	keepPeriod = time.Minute
	// firstPause is the pause after a fault. It doubles up to keepPeriod.
	firstPause = time.Second
	// settleTime is the settle of a plan: several keepPeriods.
	settleTime = 15 * time.Minute
	// maxTries limits the writes of one look that meet another replica's.
	maxTries = 5
	// keepTimeout limits one look.
	keepTimeout = time.Minute
)

// AuthorityOptions are what NewAuthority makes an Authority of.
type AuthorityOptions struct {
	// Namespace is that of the Secret and of the Service. Secret is the Secret's name.
	Namespace, Secret string
	// Service is the Service by which API servers reach the webhooks. The certificate is for
	// SERVICE.NAMESPACE.svc, and for the same with .cluster.local. "" means none: then Hosts is
	// set.
	Service string
	// Hosts are further DNS names and IP addresses that the certificate is for, such as those of a
	// configuration with a url: without scheme, port or brackets.
	Hosts []string
	// Validating, Mutating and CRDs name the ValidatingWebhookConfigurations, the
	// MutatingWebhookConfigurations and the CustomResourceDefinitions (with conversion by a webhook)
	// whose caBundle is kept.
	Validating, Mutating, CRDs []string
	// Logger takes a line for each change and each fault. nil means slog.Default.
	Logger *slog.Logger
}

// Authority is a CA of the operator's own, in a Secret: ca.crt (the bundle that API servers trust),
// ca.key, tls.crt and tls.key, of type kubernetes.io/tls. The first replica makes it, the others
// read it. Whoever may read the Secret can answer as the webhooks do.
//
// Each replica looks each minute at the Secret and at the configurations:
//
//   - A CA is valid for a year, a serving certificate for 90 days. Each is renewed when a third of
//     that is left. The new CA and the old one are both in the bundle until the API servers have
//     known the new one for 15 minutes and the replicas serve its certificate for as long.
//   - A Secret that is deleted, or whose CA cannot be used, is made again with a new CA. The old one
//     stays in the bundle, as above, if a replica or a caBundle still has it: to delete the Secret is
//     the way to change the CA. A serving certificate that cannot be used (for other hosts, expired, not the
//     CA's) is replaced at once.
//   - A caBundle that is not the Secret's is overwritten, in those webhooks of the named
//     configurations that call the Service, or a url with one of the certificate's hosts. Others
//     stay. It is a JSON patch of one resourceVersion, so that nothing that another program writes
//     at the same time is lost.
//
// After a fault it looks again in a second, then in two, up to a minute, and logs it each time. The
// certificate that is there is served meanwhile.
//
// It is safe for concurrent use.
type Authority struct {
	options AuthorityOptions
	secrets *client.Client[corev1.Secret]
	targets []*target
	plan    plan
	log     *slog.Logger
	err     error // a mistake in the options
	now     func() time.Time
	period  time.Duration

	mu     sync.Mutex
	served identity  // what is served; guarded by mu
	fault  error     // of the last look; guarded by mu
	read   time.Time // when the Secret was last compared with what is served; guarded by mu

	told []byte // the bundle that all configurations have; only keep uses it
}

// NewAuthority returns an Authority that writes with c. All replicas do: c is not fenced by an
// election. It sends nothing, and does not fail: Listen of the Server returns a mistake in the
// options.
func NewAuthority(c *rest.Client, o AuthorityOptions) *Authority {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	a := &Authority{options: o, log: o.Logger, now: time.Now, period: keepPeriod,
		secrets: client.Of[corev1.Secret](c).In(o.Namespace)}
	hosts := slices.Clone(o.Hosts)
	name := o.Secret + "." + o.Namespace
	if o.Service != "" {
		name = o.Service + "." + o.Namespace + ".svc"
		hosts = append([]string{name, name + ".cluster.local"}, hosts...)
	}
	a.plan = plan{name: cut(name, maxCommonName), hosts: hosts, settle: settleTime}
	for i, names := range [][]string{o.Validating, o.Mutating, o.CRDs} {
		for _, name := range names {
			a.targets = append(a.targets, newTarget(c, kinds[i], name, a))
		}
	}
	switch {
	case o.Namespace == "" || o.Secret == "":
		a.err = errors.New("make authority: it needs the namespace and the name of a Secret")
	case len(hosts) == 0:
		a.err = errors.New("make authority: it needs a Service, or hosts")
	}
	for _, host := range hosts {
		if a.err == nil && net.ParseIP(host) == nil && len(validation.IsDNS1123Subdomain(host)) > 0 {
			a.err = fmt.Errorf("make authority: the host %q is neither a DNS name nor an IP address: "+
				"it has no scheme, port or brackets", host)
		}
	}
	return a
}

// maxCommonName is the longest common name of a certificate (RFC 5280, ub-common-name), less " CA".
const maxCommonName = 61

// serves tells the paths that are served, to compare configurations with.
func (a *Authority) serves(hooks []*Hook) {
	paths := map[string]bool{}
	for _, h := range hooks {
		if h != nil {
			paths[h.path] = true
		}
	}
	for _, t := range a.targets {
		t.paths = paths
	}
}

// Get returns the serving certificate, for tls.Config.GetCertificate. Before there is one, its
// error says why.
func (a *Authority) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.served.leaf != nil:
		return a.served.leaf, nil
	case a.fault != nil:
		return nil, a.fault
	}
	return nil, fmt.Errorf("read Secret %s: not done yet", a.secret())
}

// CABundle returns the certificates by which the serving one is trusted, as PEM, and nil before
// there is one. The bytes belong to the caller.
func (a *Authority) CABundle() []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.served.bundle()
}

func (a *Authority) secret() string { return a.options.Namespace + "/" + a.options.Secret }

// keep looks at the Secret and the configurations until ctx ends.
func (a *Authority) keep(ctx context.Context) {
	pause := firstPause
	for ctx.Err() == nil {
		wait := a.period - rand.N(a.period/10) // so that the replicas do not all look at once
		err := a.look(ctx)
		a.mu.Lock()
		a.fault = err
		a.mu.Unlock()
		if err == nil {
			pause = firstPause
		} else if ctx.Err() == nil {
			wait = min(pause, wait)
			a.log.Error("keep certificate of webhooks: trying again", "secret", a.secret(),
				"error", err, "in", wait)
			pause = min(2*pause, a.period)
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// look reads the Secret, writes it if that is due, and compares the configurations with it.
func (a *Authority) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, keepTimeout)
	defer cancel()
	a.mu.Lock()
	served := a.served
	a.mu.Unlock()
	var err error
	for try := 0; ; try++ {
		err = a.once(ctx, served)
		another := apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) || apierrors.IsNotFound(err)
		if !another || try+1 == maxTries {
			break
		}
	}
	if err != nil { // the bundle that is known may be an old one
		return err
	}
	a.mu.Lock()
	a.read = time.Now()
	a.mu.Unlock()
	bundle := a.CABundle()
	var errs []error
	for _, t := range a.targets {
		errs = append(errs, t.keep(ctx, bundle))
	}
	if err = errors.Join(errs...); err == nil {
		a.told = bundle
	}
	return err
}

// check returns why what is served may not be what API servers trust: it has not been compared with
// the Secret for half of the time that they have to learn a CA.
func (a *Authority) check() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if age := time.Since(a.read); !a.read.IsZero() && age > a.plan.settle/2 {
		return fmt.Errorf("the serving certificate was not compared with Secret %s for %v: %w",
			a.secret(), age.Round(time.Second), orNone(a.fault))
	}
	return nil
}

// once reads the Secret and writes it if that is due. served is what was served before. If another
// replica writes it meanwhile, the error is one that look tries again after.
func (a *Authority) once(ctx context.Context, served identity) error {
	secret, err := a.secrets.Get(ctx, a.options.Secret, metav1.GetOptions{})
	var stored identity
	switch {
	case apierrors.IsNotFound(err):
		stored.noCA = errors.New("there is no Secret")
		stored.noLeaf, secret = stored.noCA, nil
	case err != nil:
		return err
	default:
		stored = parseIdentity(secret.Data)
	}
	now := a.now()
	if usable(stored, stored.cas, a.plan.hosts, now) == nil {
		a.serve(stored) // also if it cannot be written below
	}
	if served.leaf == nil && stored.caKey == nil {
		// A new replica makes a CA, and others may still serve one of another.
		for _, t := range a.targets {
			cas, err := t.trusted(ctx)
			if err != nil {
				a.log.Warn("read caBundle: what other replicas serve may not be trusted for a minute",
					"resource", t.kind.resource, "name", t.name, "error", err)
			}
			served.cas = append(served.cas, cas...)
		}
	}
	told := len(stored.cas) > 0 && bytes.Equal(a.told, stored.bundle())
	next, why, err := a.plan.next(stored, served, now, told)
	if err != nil || len(why) == 0 {
		return err
	}
	data, err := next.data()
	if err != nil {
		return err
	}
	if secret == nil {
		_, err = a.secrets.Create(ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Name: a.options.Secret}, Type: corev1.SecretTypeTLS, Data: data,
		}, metav1.CreateOptions{})
	} else {
		if secret.Data == nil {
			secret.Data = map[string][]byte{}
		}
		for key, value := range data {
			secret.Data[key] = value
		}
		_, err = a.secrets.Update(ctx, secret, metav1.UpdateOptions{})
	}
	if err != nil {
		return err
	}
	a.log.Info("certificate of webhooks written", "secret", a.secret(), "why", strings.Join(why, "; "),
		"expires", next.leaf.Leaf.NotAfter, "CAs", len(next.cas))
	a.serve(next)
	return nil
}

func (a *Authority) serve(id identity) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.served = id
}

// Rules returns the rights that it needs in the cluster, for operator.RBACOptions.Rules: on the
// configurations whose caBundle it keeps.
func (a *Authority) Rules() (rules []rbacv1.PolicyRule) {
	for i, names := range [][]string{a.options.Validating, a.options.Mutating, a.options.CRDs} {
		if len(names) > 0 {
			rules = append(rules, rbacv1.PolicyRule{APIGroups: []string{kinds[i].group},
				Resources: []string{kinds[i].resource}, Verbs: []string{"get", "patch"},
				ResourceNames: slices.Clone(names)})
		}
	}
	return rules
}

// NamespacedRules returns the rights that it needs on the Secret, for
// operator.RBACOptions.NamespacedRules with the Namespace of the AuthorityOptions. They belong to a
// Role: RBAC cannot limit create by name, and who may create Secrets in all namespaces can make a
// token of any ServiceAccount.
func (a *Authority) NamespacedRules() []rbacv1.PolicyRule {
	return []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"create"}},
		{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"get", "update"},
			ResourceNames: []string{a.options.Secret}},
	}
}
