package leaders

import (
	"fmt"
	"slices"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
)

// How is how a process ceased to lead.
type How string

// How a process ceased to lead.
const (
	Killed  How = "killed"  // by SIGKILL
	Stopped How = "stopped" // by SIGSTOP
	Ended   How = "ended"   // by SIGTERM
	Lost    How = "lost"    // its leadership, to a fault of the API server
)

// Left is how a process ceased to lead, and when it got the signal.
type Left struct {
	How How
	At  time.Time
}

// Judge is an election as it was meant to go: each process leads once at most, as one that ends when
// it has led.
type Judge struct {
	// Who returns the name of the process that has sent a request, "" for none.
	Who func(Entry) string
	// Left has the processes that ceased to lead, by name.
	Left map[string]Left

	LeaseDuration, RetryPeriod time.Duration
	// Slack is what a loaded machine may take for a request, beside the times that the election
	// allows. Negative means that nothing is late: a process may wait long for the processor.
	Slack time.Duration
}

// Verdict is how the election went.
type Verdict struct {
	Problems []string   // what breaks a promise
	Leaders  []string   // in the order in which they led
	Writes   int        // of leaders, beside those of the Lease
	Changes  []Takeover // of the leader
}

// Takeover is a change of the leader.
type Takeover struct {
	From, To string
	How      How
	// After is the time from the last record of From in the Lease to the first one of To.
	After time.Duration
	// Signal is the time from the signal to the first record of To; 0 if there was none.
	Signal time.Duration
	// Last is the time from the last record of From to the API server's receipt of From's last write.
	Last time.Duration
}

// String returns a line for a log.
func (t Takeover) String() string {
	return fmt.Sprintf("%s took over from %s (%s) after %v; after the signal %v; the last write after %v",
		t.To, t.From, t.How, t.After, t.Signal, t.Last)
}

// Judge returns how the election went, by the entries of the audit log.
//
// The promises: after the Lease has changed hands no write of the one before is received; none comes
// from a process that never had it. If the leader was killed or stopped, another leads between
// LeaseDuration and LeaseDuration + 2.2 × RetryPeriod after the last renewal; if it was ended, within
// RetryPeriod after its release.
func (j Judge) Judge(entries []Entry) Verdict {
	var v Verdict
	problem := func(format string, args ...any) {
		v.Problems = append(v.Problems, fmt.Sprintf(format, args...))
	}
	holder, released := "", false
	var record, wrote time.Time // of the holder: the last record, the last write
	for _, e := range entries {
		who, at := j.Who(e), e.RequestReceivedTimestamp.Time
		if who == "" {
			continue
		}
		spec := e.lease()
		if spec == nil {
			switch {
			case who != holder:
				problem("%s of %s by %s was received at %v, when %q had the Lease", e.Verb, e.ObjectRef.Resource,
					who, at, holder)
			case released:
				problem("%s of %s by %s was received at %v, after its release of the Lease", e.Verb,
					e.ObjectRef.Resource, who, at)
			default:
				v.Writes++
				wrote = at
			}
			continue
		}
		if !e.done() || spec.RenewTime == nil {
			continue
		}
		if who != holder {
			if slices.Contains(v.Leaders, who) {
				problem("%s has the Lease again at %v, after %s", who, at, holder)
			}
			if holder != "" {
				change := Takeover{From: holder, To: who, How: j.Left[holder].How, After: spec.RenewTime.Sub(record)}
				if signal := j.Left[holder].At; !signal.IsZero() {
					change.Signal = spec.RenewTime.Sub(signal)
				}
				if !wrote.IsZero() {
					change.Last = wrote.Sub(record)
				}
				v.Changes = append(v.Changes, change)
				if why := j.wrong(change); why != "" {
					problem("%v: %s", change, why)
				}
			}
			holder, wrote = who, time.Time{}
			v.Leaders = append(v.Leaders, who)
		}
		released, record = free(spec), spec.RenewTime.Time
	}
	return v
}

// wrong returns what is wrong with the time of a takeover, "" if nothing is.
func (j Judge) wrong(t Takeover) string {
	least, most := time.Duration(0), j.RetryPeriod
	switch t.How {
	case Killed, Stopped:
		least, most = j.LeaseDuration, j.LeaseDuration+j.RetryPeriod*22/10
	case Ended:
	default:
		return ""
	}
	switch {
	case t.After < least:
		return fmt.Sprintf("that is less than %v", least)
	case j.Slack >= 0 && t.After > most+j.Slack:
		return fmt.Sprintf("that is more than %v", most)
	}
	return ""
}

// free reports whether a record is that of a Lease that nobody has.
func free(spec *coordinationv1.LeaseSpec) bool {
	return spec.HolderIdentity == nil || *spec.HolderIdentity == ""
}
