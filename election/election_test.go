package election_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skiff-k8s/skiff/election"
	"github.com/skiff-k8s/skiff/faults"
	"github.com/skiff-k8s/skiff/rest"
)

func TestOptions(t *testing.T) {
	with := func(change func(*election.Options)) election.Options {
		o := options("")
		change(&o)
		return o
	}
	for _, test := range []struct {
		o   election.Options
		err string // a part of it; "" means none
	}{
		{options("a"), ""},
		{options(""), ""},
		{with(func(o *election.Options) { o.Namespace = "" }), "the Options have no Namespace"},
		{with(func(o *election.Options) { o.Name = "" }), "the Options have no Name"},
		{with(func(o *election.Options) { o.LeaseDuration = 10 * time.Second }), "LeaseDuration is 10s: it must be greater than RenewDeadline, 10s"},
		{with(func(o *election.Options) { o.LeaseDuration = 10*time.Second + 1 }), ""},
		{with(func(o *election.Options) { o.RenewDeadline = 15 * time.Second }), "LeaseDuration is 15s"},
		{with(func(o *election.Options) { o.RenewDeadline = 2400 * time.Millisecond }), "RenewDeadline is 2.4s: it must be greater than 1.2 × RetryPeriod, 2.4s"},
		{with(func(o *election.Options) { o.RenewDeadline = 2400*time.Millisecond + 1 }), ""},
		{with(func(o *election.Options) { o.RenewDeadline = -1 }), "RenewDeadline is -1ns: it must be positive"},
		{with(func(o *election.Options) { o.RetryPeriod = -time.Second }), "RetryPeriod is -1s: it must be positive"},
		{with(func(o *election.Options) { o.LeaseDuration = -1 }), "LeaseDuration is -1ns: it must be positive"},
		{with(func(o *election.Options) { o.LeaseDuration = 1 << 31 * time.Second }), "cannot store so many seconds"},
		{with(func(o *election.Options) { o.LeaseDuration = (1<<31 - 1) * time.Second }), ""},
	} {
		e, err := election.New(&rest.Config{Host: "server.example"}, test.o)
		if test.err == "" && err != nil || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err) || !strings.HasPrefix(err.Error(), "election: ")) {
			t.Errorf("%+v: %v, want %q", test.o, err, test.err)
		}
		if err == nil && e.Identity() == "" {
			t.Errorf("%+v: no identity", test.o)
		}
	}
	if a, b := must(election.New(&rest.Config{Host: "h"}, options("")))(t), must(election.New(&rest.Config{Host: "h"}, options("")))(t); a.Identity() == b.Identity() {
		t.Errorf("two processes are %s", a.Identity())
	}
	if _, err := election.New(nil, options("")); err == nil {
		t.Error("a nil Config: no error")
	}
	if _, err := election.New(&rest.Config{Host: "%"}, options("")); err == nil {
		t.Error("a Config that is wrong: no error")
	}
}

// A life: create the Lease, renew it, release it, take it again.
func TestALife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := faults.NewStore()
		layer := faults.NewLayer(store)
		srv := faults.Start(t, layer, faults.Options{})
		log := faults.NewLog()
		var mu sync.Mutex
		var seen []string
		note := func(what string) {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, what)
		}
		o := options("a")
		o.Labels = map[string]string{"app": "x"}
		o.OnNewLeader = func(identity string) { note("leader " + identity) }
		o.Metrics = election.Metrics{
			Leading:  func(name string, yes bool) { note(fmt.Sprint(name, " ", yes)) },
			Slowpath: func(name string) { note("slowpath of " + name) },
		}
		began := time.Now()
		r := run(t, configOf(srv, log), o)
		if err := r.Leading(); !errors.As(err, new(*election.NotLeadingError)) {
			t.Error(err)
		}
		leading := <-r.leads
		if err := r.Run(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "running already") {
			t.Errorf("a second Run: %v", err)
		}
		l := storedLease(t, store)
		if holderOf(l) != "a" || *l.Spec.LeaseDurationSeconds != 15 || *l.Spec.LeaseTransitions != 0 || l.Labels["app"] != "x" ||
			!l.Spec.AcquireTime.Time.Equal(began) || !l.Spec.RenewTime.Time.Equal(began) {
			t.Errorf("%+v", l.Spec)
		}
		if s := r.Status(); !s.Leading || s.Leader != "a" || s.Identity != "a" || s.Lease != "ns/lock" || !s.Since.Equal(began) || !s.Renewed.Equal(began) || s.Err != nil {
			t.Errorf("%+v", s)
		}
		time.Sleep(2*time.Second - 1)
		if l = storedLease(t, store); !l.Spec.RenewTime.Time.Equal(began) {
			t.Errorf("renewed early: %+v", l.Spec)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if l = storedLease(t, store); !l.Spec.RenewTime.Time.Equal(began.Add(2*time.Second)) || !l.Spec.AcquireTime.Time.Equal(began) {
			t.Errorf("not renewed: %+v", l.Spec)
		}

		// Somebody changes the Lease, and somebody deletes it.
		l.Annotations = map[string]string{"note": "kept"}
		must(store.Put(l))(t)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if l = storedLease(t, store); l.Annotations["note"] != "kept" || holderOf(l) != "a" || !l.Spec.RenewTime.Time.Equal(began.Add(4*time.Second)) {
			t.Errorf("after a change by others: %+v", l)
		}
		store.Remove(leaseKind, "ns", "lock")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if l = storedLease(t, store); holderOf(l) != "a" || !l.Spec.RenewTime.Time.Equal(began.Add(6*time.Second)) || !l.Spec.AcquireTime.Time.Equal(began) {
			t.Errorf("after a deletion: %+v", l)
		}

		if err := r.end(); err != nil || leading.Err() == nil {
			t.Errorf("Run: %v", err)
		}
		l = storedLease(t, store)
		if holderOf(l) != "" || *l.Spec.LeaseDurationSeconds != 1 || *l.Spec.LeaseTransitions != 0 || l.Spec.AcquireTime == nil || l.Spec.RenewTime == nil {
			t.Errorf("released: %+v", l.Spec)
		}
		if s := r.Status(); s.Leading || s.Leader != "" || !s.Renewed.IsZero() {
			t.Errorf("%+v", s)
		}
		want := []string{"lock false", "lock true", "leader a", "slowpath of lock", "slowpath of lock", "lock false"}
		slices.Sort(seen)
		slices.Sort(want)
		if !slices.Equal(seen, want) {
			t.Errorf("%q, want %q", seen, want)
		}

		next := run(t, configOf(srv, log), options("b"))
		<-next.leads
		if l := storedLease(t, store); holderOf(l) != "b" || *l.Spec.LeaseTransitions != 1 || next.Status().Transitions != 1 {
			t.Errorf("the next: %+v", l.Spec)
		}
		next.finish <- errors.New("a fault of its own")
		if err := <-next.ended; err == nil || err.Error() != "a fault of its own" || holderOf(storedLease(t, store)) != "" {
			t.Errorf("%v", err)
		}
		if lines := log.Lines(slog.LevelWarn, slog.LevelError); len(lines) > 0 {
			t.Errorf("%v", lines)
		}
		for _, text := range []string{`this process leads lease=ns/lock identity=a`, "released the Lease"} {
			if !strings.Contains(log.String(), text) {
				t.Errorf("no line %q:\n%s", text, log)
			}
		}
	})
}

// The bounds of a take-over, over many moments of the leader's end: after a release within
// RetryPeriod, after a kill between LeaseDuration and LeaseDuration + 2.2 × RetryPeriod from the
// last renewal.
func TestTheBoundsOfATakeOver(t *testing.T) {
	for n := range 40 {
		for _, kill := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				store := faults.NewStore()
				srv, srv2 := faults.Start(t, store, faults.Options{}), faults.Start(t, store, faults.Options{})
				log := faults.NewLog()
				a := run(t, configOf(srv, log), options("a"))
				<-a.leads
				b, c := run(t, configOf(srv2, log), options("b")), run(t, configOf(srv2, log), options("c"))
				time.Sleep(10*time.Second + time.Duration(n)*113*time.Millisecond)
				began := time.Now()
				if kill {
					began = a.Status().Renewed
					srv.Refuse(true)
				} else {
					a.stop()
				}
				select {
				case <-b.leads:
				case <-c.leads:
				}
				took := time.Since(began)
				if !kill && took > 2*time.Second || kill && (took < 15*time.Second || took > 19400*time.Millisecond) {
					t.Errorf("killed %v: %v", kill, took)
				}
				for _, r := range []*running{a, b, c} {
					_ = r.end()
				}
			})
		}
	}
}

// A record of client-go, as its documentation and kube-controller-manager's Leases have it, is
// respected from when this process saw it, whatever the clocks say; a released one is taken at
// once.
func TestARecordOfClientGo(t *testing.T) {
	record := func(holder string, seconds int, renewed string) string {
		return fmt.Sprintf(`{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"namespace":"ns","name":"lock"},
			"spec":{"holderIdentity":%q,"leaseDurationSeconds":%d,"acquireTime":"2026-11-26T09:00:00.123456Z",
			"renewTime":%q,"leaseTransitions":7}}`, holder, seconds, renewed)
	}
	const ago, ahead = "1970-01-01T00:00:00.000001Z", "2999-01-01T00:00:00.000000Z"
	for name, test := range map[string]struct {
		lease string
		after time.Duration
	}{
		"held":             {record("other_0b7a", 15, ago), 15 * time.Second},
		"by a fast clock":  {record("other_0b7a", 15, ahead), 15 * time.Second},
		"for longer":       {record("other_0b7a", 137, ago), 137 * time.Second},
		"for shorter":      {record("other_0b7a", 3, ago), 3 * time.Second},
		"by our own name":  {record("a", 15, ago), 15 * time.Second},
		"released":         {record("", 1, ahead), 0},
		"without a time":   {`{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"namespace":"ns","name":"lock"},"spec":{"holderIdentity":"x"}}`, 15 * time.Second},
		"made by hand":     {`{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"namespace":"ns","name":"lock"}}`, 0},
		"of another field": {`{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"namespace":"ns","name":"lock"},"spec":{"strategy":"OldestEmulationVersion"}}`, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			store := faults.NewStore()
			must(store.Put(test.lease))(t)
			srv := faults.Start(t, store, faults.Options{})
			began := time.Now()
			r := run(t, configOf(srv, faults.NewLog()), options("a"))
			<-r.leads
			if took := time.Since(began); took != test.after {
				t.Errorf("%s: leads after %v, want %v", name, took, test.after)
			}
			var stored struct {
				Spec map[string]any `json:"spec"`
			}
			if err := json.Unmarshal(store.Objects(leaseKind)[0], &stored); err != nil {
				t.Fatal(err)
			}
			now := time.Now().UTC().Format("2006-01-02T15:04:05.000000Z07:00") // metav1.RFC3339Micro
			s := stored.Spec
			if s["holderIdentity"] != "a" || s["leaseDurationSeconds"] != 15.0 || s["acquireTime"] != now || s["renewTime"] != now ||
				strings.Contains(test.lease, `"leaseTransitions":7`) && s["leaseTransitions"] != 8.0 ||
				strings.Contains(test.lease, "strategy") && s["strategy"] == nil {
				t.Errorf("%s: %v at %s", name, s, now)
			}
			_ = r.end()
		})
	}
}

// A Lease that is deleted counts as held until the record has expired; so does one that is renewed.
func TestADeletedLeaseIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := faults.NewStore()
		srv, srv2 := faults.Start(t, store, faults.Options{}), faults.Start(t, store, faults.Options{})
		log := faults.NewLog()
		a := run(t, configOf(srv, log), options("a"))
		<-a.leads
		b := run(t, configOf(srv2, log), options("b"))
		time.Sleep(9 * time.Second)
		srv.Refuse(true)
		renewed := a.Status().Renewed
		store.Remove(leaseKind, "ns", "lock")
		<-b.leads
		if took := time.Since(renewed); took < 15*time.Second || took > 19400*time.Millisecond {
			t.Errorf("b leads after %v", took)
		}
		if l := storedLease(t, store); *l.Spec.LeaseTransitions != 1 {
			t.Errorf("%+v", l.Spec)
		}
		_ = a.end()
		_ = b.end()
	})
}

// The leader's requests may be carried out although their answers are lost.
func TestLostAnswers(t *testing.T) {
	for _, verb := range []faults.Verb{faults.Create, faults.Update} {
		synctest.Test(t, func(t *testing.T) {
			store := faults.NewStore()
			if verb == faults.Update {
				must(store.Put(`{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"namespace":"ns","name":"lock"}}`))(t)
			}
			layer := faults.NewLayer(store, faults.Rule{On: verb, Times: 1, Do: faults.CloseAfter()})
			srv := faults.Start(t, layer, faults.Options{})
			began := time.Now()
			r := run(t, configOf(srv, faults.NewLog()), options("a"))
			leading := <-r.leads
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("%v: leads after %v", verb, took)
			}
			for range 5 { // renewals that are carried out, each without an answer
				layer.SetRules(faults.Rule{On: faults.Update, Times: 1, Do: faults.CloseAfter()})
				time.Sleep(5 * time.Second)
			}
			if leading.Err() != nil || r.Leading() != nil {
				t.Errorf("%v: %v", verb, context.Cause(leading))
			}
			layer.SetRules(faults.Rule{On: faults.Update, Times: 1, Do: faults.CloseAfter()})
			time.Sleep(2 * time.Second)
			if err := r.end(); err != nil || holderOf(storedLease(t, store)) != "" {
				t.Errorf("%v: %v, %+v", verb, err, storedLease(t, store).Spec)
			}
		})
	}
}

// Another process that writes itself into the Lease, against all rules, ends the term at the next
// renewal, and the Lease stays as it is.
func TestALeaseThatIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := faults.NewStore()
		srv := faults.Start(t, store, faults.Options{})
		o, told := options("a"), new(heard)
		o.OnNewLeader = told.note
		r := run(t, configOf(srv, faults.NewLog()), o)
		leading := <-r.leads
		synctest.Wait()
		l := storedLease(t, store)
		l.Spec.HolderIdentity = new("thief")
		must(store.Put(l))(t)
		time.Sleep(2 * time.Second)
		var lost *election.LostError
		if err := <-r.ended; !errors.As(err, &lost) || lost.Holder != "thief" || context.Cause(leading) != lost {
			t.Errorf("%v", err)
		}
		if holderOf(storedLease(t, store)) != "thief" {
			t.Errorf("%+v", storedLease(t, store).Spec)
		}
		if s := r.Status(); s.Leader != "thief" || told.String() != "a thief" {
			t.Errorf("%+v, and OnNewLeader was called with %q", s, told)
		}
	})
}

// A Lease that is deleted is created again by the leader, also if the answer to that is lost.
func TestALeaseThatIsDeletedAndCreatedUnheard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := faults.NewStore()
		layer := faults.NewLayer(store)
		srv := faults.Start(t, layer, faults.Options{})
		r := run(t, configOf(srv, faults.NewLog()), options("a"))
		leading := <-r.leads
		layer.SetRules(faults.Rule{On: faults.Create, Times: 1, Do: faults.CloseAfter()})
		store.Remove(leaseKind, "ns", "lock")
		time.Sleep(30 * time.Second)
		if err := r.Leading(); err != nil || leading.Err() != nil {
			t.Errorf("it does not lead any more: %v, %v", err, context.Cause(leading))
		}
		if holderOf(storedLease(t, store)) != "a" {
			t.Errorf("%+v", storedLease(t, store))
		}
		r.stop()
		<-r.ended
	})
}

// Renewals go on while the leading function finishes its work, and KeepLease keeps the Lease.
func TestTheLeaseIsKeptUntilTheWorkIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := faults.NewStore()
		srv := faults.Start(t, store, faults.Options{})
		o := options("a")
		o.KeepLease = true
		e := must(election.New(configOf(srv, faults.NewLog()), o))(t)
		ctx, cancel := context.WithCancel(t.Context())
		cause := errors.New("SIGTERM")
		err := e.Run(ctx, func(leading context.Context) error {
			cancel()
			<-leading.Done()
			time.Sleep(time.Minute)
			if err := e.Leading(); err != nil {
				t.Error(err)
			}
			return cause
		})
		if l := storedLease(t, store); err != cause || holderOf(l) != "a" {
			t.Errorf("%v, %+v", err, l.Spec)
		}
		if err := e.Run(ctx, nil); err != nil {
			t.Errorf("Run under a context that has ended: %v", err)
		}
	})
}

// A fault is one line, its end another; pauses grow; nothing ends the candidate.
func TestACandidateSurvives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		layer := faults.NewLayer(faults.NewStore(), faults.Rule{Do: faults.Status(403)})
		srv := faults.Start(t, layer, faults.Options{})
		log := faults.NewLog()
		r := run(t, configOf(srv, log), options("a"))
		time.Sleep(time.Hour)
		if n := len(layer.Requests()); n > 3600/6 || n < 3600/16 {
			t.Errorf("%d requests in an hour", n)
		}
		if lines := log.Lines(slog.LevelWarn); len(lines) != 1 || !strings.Contains(lines[0].Text, "ns/lock") ||
			!strings.Contains(lines[0].Text, "trying again in") || !strings.Contains(lines[0].Text, "Forbidden") {
			t.Errorf("%v", lines)
		}
		if r.Status().Err == nil {
			t.Error("Status has no error")
		}
		layer.SetRules()
		<-r.leads
		if !strings.Contains(log.String(), "succeed again") || r.Status().Err != nil {
			t.Error(log)
		}
		if err := r.end(); err != nil {
			t.Error(err)
		}
		log = faults.NewLog()
		layer.SetRules(faults.Rule{Do: faults.Hold()})
		r = run(t, configOf(srv, log), options("b"))
		time.Sleep(time.Minute)
		if err := r.end(); err != nil { // it ends also while a request hangs
			t.Error(err)
		}
	})
}

// The health check fails when the Lease has been expired for longer than the grace period and the
// leading function has not returned.
func TestCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := faults.Start(t, faults.NewStore(), faults.Options{})
		log := faults.NewLog()
		e := must(election.New(configOf(srv, log), options("a")))(t)
		hang := make(chan struct{})
		ended := make(chan error)
		go func() {
			ended <- e.Run(t.Context(), func(context.Context) error { <-hang; return nil })
		}()
		synctest.Wait()
		renewed := e.Status().Renewed
		srv.Refuse(true)
		for _, step := range []struct {
			age     time.Duration
			healthy bool
		}{{0, true}, {20 * time.Second, true}, {35 * time.Second, true}, {35*time.Second + 1, false}, {time.Hour, false}} {
			time.Sleep(time.Until(renewed.Add(step.age)))
			if err := e.Check(20 * time.Second); (err == nil) != step.healthy {
				t.Errorf("%v after the last renewal: %v", step.age, err)
			}
		}
		n := 0
		for _, line := range log.Lines(slog.LevelWarn) {
			if strings.Contains(line.Text, "has not returned") {
				n++
			}
		}
		if n < 10 || n > 20 {
			t.Errorf("%d reminders in an hour:\n%s", n, log)
		}
		close(hang)
		if err := <-ended; !errors.As(err, new(*election.LostError)) {
			t.Error(err)
		}
		if err := e.Check(20 * time.Second); err != nil {
			t.Errorf("after Run: %v", err)
		}
	})
}
