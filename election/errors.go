package election

import (
	"context"
	"fmt"
	"time"
)

// NotLeadingError is the error of a write that the fence refused to send, and of [Elector.Leading]:
// this process does not lead. Nothing was sent.
//
// It is a net.Error whose Timeout reports true, because the time of the Lease is over. By that the
// clients of package rest know that sending again does not help.
type NotLeadingError struct {
	Lease string // its namespace and name
	// Age is the time since the last renewal of this process was sent, or 0 if this process does
	// not hold the Lease. It is the longer one of what the monotonic and the wall clock tell.
	Age time.Duration
	// RenewDeadline is the age from which writes are refused.
	RenewDeadline time.Duration
	// Ended reports whether the term of this process has ended and its work has not: it is about to
	// release the Lease, or leadership was lost.
	Ended bool
}

func (e *NotLeadingError) Error() string {
	switch {
	case e.Ended && e.Age < e.RenewDeadline:
		return fmt.Sprintf("election: not leading: the term of this process has ended: it gives the Lease %s up, "+
			"or another has taken it", e.Lease)
	case e.Age == 0:
		return fmt.Sprintf("election: not leading: this process does not hold the Lease %s", e.Lease)
	}
	return fmt.Sprintf("election: not leading: the Lease %s was renewed %v ago, and RenewDeadline is %v",
		e.Lease, e.Age.Round(time.Millisecond), e.RenewDeadline)
}

// Timeout reports true.
func (e *NotLeadingError) Timeout() bool { return true }

// Temporary reports false.
func (e *NotLeadingError) Temporary() bool { return false }

// LostError is the error of Run, and the cause of the leading function's context, when this process
// has stopped to lead because it could not renew the Lease, or because another took it.
type LostError struct {
	Lease  string        // its namespace and name
	Holder string        // the process that holds the Lease now, or "" if that is not known
	Age    time.Duration // since the last renewal that succeeded
	Err    error         // of the last attempt to renew, or nil
}

func (e *LostError) Error() string {
	switch {
	case e.Holder != "":
		return fmt.Sprintf("election: leadership lost: the Lease %s is held by %s", e.Lease, e.Holder)
	case e.Err != nil:
		return fmt.Sprintf("election: leadership lost: the Lease %s was last renewed %v ago: %v",
			e.Lease, e.Age.Round(time.Millisecond), e.Err)
	}
	return fmt.Sprintf("election: leadership lost: the Lease %s was last renewed %v ago",
		e.Lease, e.Age.Round(time.Millisecond))
}

// Unwrap returns Err.
func (e *LostError) Unwrap() error { return e.Err }

// Aborts reports true: a controller whose context ends with this cause cancels the reconciles that are
// running, because another process may lead from now on.
func (e *LostError) Aborts() bool { return true }

// writeTimeout is the error of a write that the server did not answer in its time.
type writeTimeout struct{ limit time.Duration }

func (e *writeTimeout) Error() string {
	return fmt.Sprintf("the server did not answer within %v, which a write of a leader has "+
		"(LeaseDuration − RenewDeadline)", e.limit)
}

func (e *writeTimeout) Timeout() bool   { return true }
func (e *writeTimeout) Temporary() bool { return false }
func (e *writeTimeout) Unwrap() error   { return context.DeadlineExceeded }
