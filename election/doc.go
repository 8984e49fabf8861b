// Package election elects one leader among the processes of an operator, by a Lease of the API
// group coordination.k8s.io/v1.
//
//	elector, err := election.New(cfg, election.Options{Namespace: "shop", Name: "my-operator"})
//	if err != nil {
//		return err
//	}
//	c, err := rest.NewClient(elector.Fence(cfg)) // its writes are refused unless this process leads
//	if err != nil {
//		return err
//	}
//	return elector.Run(ctx, func(ctx context.Context) error {
//		return controller.Run(ctx, factory, ctrl) // ctx ends when leadership ends
//	})
//
// The timings and the record in the Lease are those of client-go's leader election. Processes that
// are built with client-go and with this package may compete for the same Lease, as they do during
// a rollout. Needed rights: get, create and update of leases.
//
// # Who leads
//
// The leader renews its Lease every RetryPeriod. It leads until RenewDeadline after it sent the
// last renewal that succeeded. Another process takes the Lease over when it has not seen the record
// change for the record's lease duration, or when the leader has released it. Each process measures
// durations by its own monotonic clock. The clocks of two machines are never compared, so their
// difference does not matter.
//
// With the default timings another process leads
//   - within RetryPeriod (2 s) after the leader has released the Lease, as it does at its end;
//   - between LeaseDuration (15 s) and LeaseDuration + 2.2 × RetryPeriod (19.4 s) after the last
//     renewal of a leader that was killed, was stopped or cannot reach the API server.
//
// A Lease that has been deleted counts as held, for the duration of the record that was last seen,
// from when that is noticed. A record with the identity of this process that this process did not
// write is that of another process.
//
// # The fence
//
// A process can be stopped at any instruction, and continue when another leads: a machine that
// swaps, or SIGSTOP. [Elector.Fence] returns a configuration whose
// clients look at the age of the last renewal directly before they send a write: after rate limits,
// retries, other wrappers, the connection and the body's preparation. From RenewDeadline on a write
// is refused with a [NotLeadingError]. A write that was sent has LeaseDuration − RenewDeadline (5
// s) to be carried out: the server gets that as timeout=, and the client gives up then. When
// leadership is lost the fenced client's connections are reset, so that the kernel does not deliver
// later what it holds.
//
// Reads are never refused. Neither are the reviews of authentication.k8s.io and
// authorization.k8s.io, which change nothing.
//
// The age is the longer one of what two clocks tell. The monotonic clock stands still while a machine
// is suspended, and the wall clock does not. If the wall clock alone shows that RenewDeadline has
// passed, writes are refused until the next renewal has succeeded, within RetryPeriod. So a wall clock
// that is set forward ends no term.
//
// docs/operating.md lists what a client cannot prevent, such as a process that is stopped between the
// look and the send. A store that compares a fencing token prevents that, too: Status has the token of
// the term.
package election
