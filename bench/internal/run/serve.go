package run

import (
	"context"
	"errors"
	"path/filepath"
)

// serve starts a replay server and a contender's runner that is to follow it, and ends both after f. A
// server of its own for each: so everybody gets the same bytes, whatever the one before has asked for.
func (b *Bench) serve(ctx context.Context, c contender, args []string, f func(s *Server, r *Runner) error) error {
	return b.serveScale(ctx, b.Scale, c, args, f)
}

func (b *Bench) serveScale(ctx context.Context, scale Scale, c contender, args []string, f func(s *Server, r *Runner) error) error {
	s, err := StartServer(ctx, filepath.Join(b.Programs, "replay"), scale)
	if err != nil {
		return err
	}
	err = b.with(ctx, c, append([]string{"--server", s.URL}, args...), func(r *Runner) error { return f(s, r) })
	return errors.Join(err, s.Close())
}
