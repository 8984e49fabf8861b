package webhook

import (
	"bytes"
	"crypto/x509"
	"slices"
	"strings"
	"testing"
	"time"
)

const day = 24 * time.Hour

var testPlan = plan{name: "web.ns.svc", hosts: []string{"web.ns.svc", "127.0.0.1"}, settle: 15 * time.Minute}

func step(t *testing.T, p plan, stored, served identity, now time.Time, told bool) (identity, string) {
	t.Helper()
	next, why, err := p.next(stored, served, now, told)
	if err != nil {
		t.Fatal(err)
	}
	if len(why) > 0 {
		data, err := next.data() // what is written can be read again, and is the same
		if err != nil {
			t.Fatal(err)
		}
		next = parseIdentity(data)
		if next.noCA != nil || next.noLeaf != nil {
			t.Fatal(next.noCA, next.noLeaf)
		}
	}
	if err := usable(next, next.cas, p.hosts, now); err != nil {
		t.Fatalf("after %q the serving certificate cannot be used: %v", why, err)
	}
	return next, strings.Join(why, "; ")
}

// An identity is made whole, stays as it is for two thirds of its life, and then is renewed by steps
// each of which trusts what the step before served, and serves what the step before trusted.
func TestRotation(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	p := testPlan
	first, why := step(t, p, identity{}, identity{}, now, false)
	if !strings.Contains(why, "a CA is made") || !strings.Contains(why, "a serving certificate is made") || len(first.cas) != 1 {
		t.Fatalf("at first: %q, %d CAs", why, len(first.cas))
	}
	id := first
	var steps []string
	for end := now.Add(3 * 365 * day); now.Before(end); now = now.Add(5 * time.Minute) {
		next, why := step(t, p, id, id, now, true)
		if why == "" {
			now = now.Add(day - 5*time.Minute)
			next, why = step(t, p, id, id, now, true)
		}
		if why == "" {
			continue
		}
		why, _, _ = strings.Cut(why, ",")
		steps = append(steps, why)
		trusts(t, why, next, id, now)
		trusts(t, why, id, next, now)
		id = next
	}
	want := []string{
		"the serving certificate is renewed before it expires",
		"the serving certificate is renewed before it expires",
		"the serving certificate is renewed before it expires",
		"the serving certificate is renewed before it expires",
		"a new CA is put before the one that is there",
		"the new CA signs the serving certificate",
		"the old CA goes",
	}
	if len(steps) < len(want) || !slices.Equal(steps[:3], want[:3]) {
		t.Errorf("the steps were %q", steps)
	}
	count := func(what string) (n int) {
		for _, s := range steps {
			if s == what {
				n++
			}
		}
		return n
	}
	for _, what := range want[4:] {
		if n := count(what); n != 4 { // a CA's two thirds are 243 days: 4 in 3 years
			t.Errorf("%q: %d times in three years", what, n)
		}
	}
	if sameCert(id.cas[0], first.cas[0]) {
		t.Error("the CA is the first one")
	}
}

// trusts fails if the bundle of a does not trust the serving certificate of b.
func trusts(t *testing.T, why string, a, b identity, now time.Time) {
	t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(a.bundle()) {
		t.Fatal("the bundle is empty")
	}
	if _, err := b.leaf.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: "web.ns.svc", CurrentTime: now}); err != nil {
		t.Fatalf("%s: %v", why, err)
	}
}

// Each bound of time, at it and on both sides.
func TestWhenStepsAreDue(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	p := testPlan
	first, _ := step(t, p, identity{}, identity{}, now, true)
	leafDue := first.leaf.Leaf.NotAfter.Add(-first.leaf.Leaf.NotAfter.Sub(first.leaf.Leaf.NotBefore) / 3)
	if _, why := step(t, p, first, first, leafDue.Add(-time.Second), true); why != "" {
		t.Errorf("before two thirds of the leaf's life: %s", why)
	}
	renewed, why := step(t, p, first, first, leafDue, true)
	if !strings.Contains(why, "renewed") || len(renewed.cas) != 1 {
		t.Errorf("at two thirds of the leaf's life: %q", why)
	}
	ca := first.cas[0]
	caDue := ca.NotAfter.Add(-ca.NotAfter.Sub(ca.NotBefore) / 3)
	if got := p.renewCA(first, caDue.Add(-time.Second)); got != "" {
		t.Errorf("before two thirds of the CA's life: %s", got)
	}
	if got := p.renewCA(first, caDue); got == "" {
		t.Error("at two thirds of the CA's life: nothing")
	}
	fresh, _ := newLeaf(p.name, p.hosts, ca, first.caKey, caDue)
	first.leaf = fresh
	both, _ := step(t, p, first, first, caDue, true)
	if len(both.cas) != 2 || !sameCert(both.cas[1], ca) || !bytes.Equal(both.leaf.Leaf.Raw, fresh.Leaf.Raw) {
		t.Fatalf("with the new CA: %d CAs", len(both.cas))
	}
	at := caDue.Add(p.settle)
	for _, c := range []struct {
		now  time.Time
		told bool
		want string
	}{
		{at.Add(-time.Second), true, ""},
		{at, false, ""},
		{at, true, "the new CA signs the serving certificate"},
	} {
		if _, why := step(t, p, both, both, c.now, c.told); why != c.want {
			t.Errorf("%v after the new CA, told %v: %q", c.now.Sub(caDue), c.told, why)
		}
	}
	signed, _ := step(t, p, both, both, at, true)
	for after, want := range map[time.Duration]int{p.settle - time.Second: 2, p.settle: 1, p.settle + time.Second: 1} {
		if next, why := step(t, p, signed, signed, at.Add(after), true); len(next.cas) != want {
			t.Errorf("%v after the new certificate: %d CAs (%s)", after, len(next.cas), why)
		}
	}
}

// What is broken is told and made again, and what still works goes on to be trusted.
func TestBrokenIdentities(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	p := testPlan
	whole, _ := step(t, p, identity{}, identity{}, now, true)
	other, _ := step(t, p, identity{}, identity{}, now, true)
	good, _ := whole.data()
	foreign, _ := other.data()
	for _, c := range []struct {
		name      string
		change    func(data map[string][]byte)
		served    identity
		now       time.Time
		want      []string
		sameCA    bool
		trustsOld bool
	}{
		{name: "ca.key is gone", change: func(d map[string][]byte) { delete(d, keyOfCAKey) }, want: []string{"ca.key: it has no PEM block"}, trustsOld: true},
		{name: "ca.key is another CA's", change: func(d map[string][]byte) { d[keyOfCAKey] = foreign[keyOfCAKey] }, want: []string{"not the key of the first certificate"}, trustsOld: true},
		{name: "ca.crt is garbage", change: func(d map[string][]byte) { d[keyOfCA] = []byte("x") }, want: []string{"it has no certificate", "a serving certificate is made"}},
		{name: "ca.crt is garbage, this replica serves", change: func(d map[string][]byte) { d[keyOfCA] = []byte("x") }, served: whole, want: []string{"a CA is made"}, trustsOld: true},
		{name: "ca.crt is a serving certificate", change: func(d map[string][]byte) { d[keyOfCA] = d[keyOfCert] }, want: []string{"it is not a CA"}},
		{name: "tls.key is another's", change: func(d map[string][]byte) { d[keyOfKey] = foreign[keyOfKey] }, want: []string{"a serving certificate is made: read tls.crt and tls.key: tls: private key does not match"}, sameCA: true},
		{name: "tls.key is another's, this replica serves", change: func(d map[string][]byte) { d[keyOfKey] = foreign[keyOfKey] }, served: whole, want: []string{"restored from memory"}, sameCA: true},
		{name: "another CA's certificate", change: func(d map[string][]byte) { d[keyOfCert], d[keyOfKey] = foreign[keyOfCert], foreign[keyOfKey] }, want: []string{"unknown authority"}, sameCA: true},
		{name: "nothing, this replica serves", change: func(d map[string][]byte) { clear(d) }, served: whole, want: []string{"a CA is made", "restored from memory"}, trustsOld: true},
		{name: "nothing", change: func(d map[string][]byte) { clear(d) }, want: []string{"a CA is made", "a serving certificate is made"}},
		{name: "all expired", change: func(map[string][]byte) {}, now: now.Add(366 * day), want: []string{"is valid from", "has expired"}},
		{name: "made in the future", change: func(map[string][]byte) {}, now: now.Add(-2 * skew), want: []string{"is valid from"}},
		{name: "the leaf expired", change: func(map[string][]byte) {}, now: now.Add(91 * day), want: []string{"a serving certificate is made: x509: certificate has expired"}, sameCA: true},
	} {
		data := map[string][]byte{}
		for k, v := range good {
			data[k] = v
		}
		c.change(data)
		if c.now.IsZero() {
			c.now = now
		}
		next, why := step(t, p, parseIdentity(data), c.served, c.now, true)
		for _, want := range c.want {
			if !strings.Contains(why, want) {
				t.Errorf("%s: %q does not say %q", c.name, why, want)
			}
		}
		if got := sameCert(next.cas[0], whole.cas[0]); got != c.sameCA {
			t.Errorf("%s: the CA is the same: %v", c.name, got)
		}
		if c.trustsOld {
			trusts(t, c.name, next, whole, c.now)
		}
		if strings.Contains(why, "PRIVATE") {
			t.Errorf("%s: %q has a key", c.name, why)
		}
	}
	renamed := p
	renamed.hosts = []string{"other.ns.svc"}
	next, why := step(t, renamed, whole, whole, now, true)
	if !strings.Contains(why, "not other.ns.svc") || !sameCert(next.cas[0], whole.cas[0]) {
		t.Errorf("for another Service: %q", why)
	}
	for _, p := range []plan{p, renamed} { // a rollout has both
		if _, why := step(t, p, next, next, now, true); why != "" {
			t.Errorf("%v replaces it: %s", p.hosts, why)
		}
	}
	later, _ := step(t, renamed, next, next, now.Add(80*day), true)
	if err := later.leaf.Leaf.VerifyHostname("web.ns.svc"); err == nil {
		t.Error("the host before is still there after the renewal")
	}
}

// The bundle is bounded, however often the Secret is deleted.
func TestTheBundleIsBounded(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	id, _ := step(t, testPlan, identity{}, identity{}, now, true)
	for range 2 * maxCAs {
		id, _ = step(t, testPlan, identity{}, id, now, true)
	}
	if len(id.cas) != maxCAs {
		t.Errorf("the bundle has %d CAs", len(id.cas))
	}
}

// Another CA in the Secret than that of what is served: the one before stays beside it, for settle.
func TestAnotherCAInTheSecret(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	p := testPlan
	before, _ := step(t, p, identity{}, identity{}, now, true)
	for name, age := range map[string]time.Duration{"fresh": 0, "old": p.settle} {
		stored, _ := step(t, p, identity{}, identity{}, now.Add(-age), true)
		both, why := step(t, p, stored, before, now, true)
		if !strings.Contains(why, "another CA is there") || len(both.cas) != 2 || !sameCert(both.cas[0], stored.cas[0]) {
			t.Errorf("%s: %q, %d CAs", name, why, len(both.cas))
		}
		trusts(t, name, both, before, now)
		if err := both.leaf.Leaf.CheckSignatureFrom(stored.cas[0]); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		// The other replicas read it, and write nothing; at the end of settle the old CA goes.
		if next, why := step(t, p, both, before, now, true); why != "" || len(next.cas) != 2 {
			t.Errorf("%s: again %q", name, why)
		}
		if next, why := step(t, p, both, both, now.Add(p.settle-time.Second), true); why != "" || len(next.cas) != 2 {
			t.Errorf("%s: before the end of settle %q", name, why)
		}
		if next, why := step(t, p, both, both, now.Add(p.settle), true); why != "the old CA goes" || len(next.cas) != 1 {
			t.Errorf("%s: at the end of settle %q", name, why)
		}
	}
}
