package webhook

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"
)

// plan decides what the Secret is to hold.
type plan struct {
	name  string   // of the certificates' subjects
	hosts []string // that the serving certificate is for
	// settle is how long the API servers have to learn a CA before a certificate of it is served,
	// and how long replicas may go on to serve one of the CA before.
	settle time.Duration
}

// next returns what the Secret is to hold, of what it holds and of what this replica serves (zero at
// first), and why that differs. It returns no reason if nothing has to change. told reports whether
// all configurations have the bundle of what the Secret holds.
//
// A change of the CA goes in steps, so that each certificate that a replica serves is trusted by
// each bundle that an API server may still have:
//
//  1. The new CA is put before the old one. The serving certificate stays.
//  2. When settle is over and all configurations have both, the new CA signs a serving certificate.
//  3. After settle again, when all replicas serve that, the old CA goes.
//
// The steps are told from the certificates alone, so any replica can take the next one.
func (p plan) next(stored, served identity, now time.Time, told bool) (identity, []string, error) {
	out := stored
	out.noCA, out.noLeaf = nil, nil
	var why []string
	if reason := p.renewCA(stored, now); reason != "" {
		ca, key, err := newCA(p.name, now)
		if err != nil {
			return stored, nil, err
		}
		out.cas = with(with([]*x509.Certificate{ca}, now, stored.cas...), now, served.cas...)
		out.caKey = key
		why = append(why, reason)
	}
	// Another program has put other CAs into the Secret. Replicas serve what the ones before have signed
	// until they look. The certificate is made again if it is old, so that the time of step 3 begins.
	another := len(why) == 0 && served.leaf != nil && usable(served, served.cas, nil, now) == nil &&
		usable(served, out.cas, nil, now) != nil
	if more := with(out.cas, now, served.cas...); another && len(more) > len(out.cas) {
		why = append(why, "another CA is there, that of what was served stays beside it")
		out.cas = more
		if out.leaf != nil && since(out.leaf.Leaf, now) >= p.settle {
			out.leaf = nil
			stored.leaf, stored.noLeaf = nil, errors.New("the one that is there is old")
		}
	}
	err := usable(stored, out.cas, p.hosts, now)
	if err != nil && !another && usable(served, out.cas, p.hosts, now) == nil {
		why = append(why, fmt.Sprintf("the serving certificate is restored from memory: %v", err))
		out.leaf, err = served.leaf, nil
	}
	switch newest := out.cas[0]; {
	case err != nil:
		why = append(why, fmt.Sprintf("a serving certificate is made: %v", err))
		out.leaf, err = newLeaf(p.name, p.hostsBeside(stored, out.cas, now), newest, out.caKey, now)
	case out.leaf.Leaf.CheckSignatureFrom(newest) != nil:
		if since(newest, now) >= p.settle && told {
			why = append(why, "the new CA signs the serving certificate")
			out.leaf, err = newLeaf(p.name, p.hosts, newest, out.caKey, now)
		}
	case due(out.leaf.Leaf, now):
		why = append(why, "the serving certificate is renewed before it expires")
		out.leaf, err = newLeaf(p.name, p.hosts, newest, out.caKey, now)
	case len(out.cas) > 1 && since(out.leaf.Leaf, now) >= p.settle:
		why = append(why, "the old CA goes")
		out.cas = out.cas[:1]
	}
	return out, why, err
}

// hostsBeside returns the hosts of a new serving certificate. If the one that is there is wrong in
// its hosts only, it has these as well until it is renewed: replicas of two versions of a program
// would replace each other's certificate otherwise.
func (p plan) hostsBeside(stored identity, cas []*x509.Certificate, now time.Time) []string {
	if usable(stored, cas, nil, now) != nil {
		return p.hosts
	}
	hosts := slices.Concat(p.hosts, stored.leaf.Leaf.DNSNames)
	for _, ip := range stored.leaf.Leaf.IPAddresses {
		hosts = append(hosts, ip.String())
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

// renewCA returns why a new CA is needed, and "" if none is.
func (p plan) renewCA(stored identity, now time.Time) string {
	switch {
	case stored.caKey == nil:
		return fmt.Sprintf("a CA is made: %v", orNone(stored.noCA))
	case now.Before(stored.cas[0].NotBefore) || !now.Before(stored.cas[0].NotAfter):
		return fmt.Sprintf("a CA is made: the one that is there is valid from %s to %s only",
			stored.cas[0].NotBefore.Format(time.RFC3339), stored.cas[0].NotAfter.Format(time.RFC3339))
	case due(stored.cas[0], now):
		return "a new CA is put before the one that is there, which expires at " +
			stored.cas[0].NotAfter.Format(time.RFC3339)
	}
	return ""
}
