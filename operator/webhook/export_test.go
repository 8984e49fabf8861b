package webhook

import (
	"context"
	"time"
)

// Hasten makes an Authority look at the Secret more often, and go through the steps of a change
// faster.
func Hasten(a *Authority, period, settle time.Duration) { a.period, a.plan.settle = period, settle }

// LookAt makes an Authority look once, as if it were another time.
func LookAt(ctx context.Context, a *Authority, now time.Time) error {
	a.now = func() time.Time { return now }
	return a.look(ctx)
}

// TotalBudget is the budget of all reviews' bodies of a server.
const TotalBudget = maxBodies

// Merged are the webhooks that a server makes of those that it gets.
func Merged(hooks ...*Hook) []*Hook { return merged(hooks) }
