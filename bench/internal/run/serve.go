package run

import (
	"context"
	"slices"
	"strconv"
)

// serve starts a replay server and a contender's runner that is to follow it, and ends both after
// f. A server of its own for each: so everybody gets the same bytes, whatever the one before has
// asked for.
func (b *Bench) serve(ctx context.Context, c contender, args []string, f func(s *Server, r *Runner) error) error {
	return b.serveBy(ctx, []string{"--pods", strconv.Itoa(b.Scale.Pods), "--can", listFor(args)}, c, args, f)
}

// listFor returns the list that a runner with those arguments requests.
func listFor(args []string) string {
	resource := "pods"
	if i := slices.Index(args, "--resource"); i >= 0 {
		resource = args[i+1]
	}
	if resource == "databases" || slices.Contains(args, "--dynamic") || slices.Contains(args, "--json") {
		return resource + "/json"
	}
	return resource + "/protobuf"
}

// serveBy is serve with other arguments for the server.
func (b *Bench) serveBy(ctx context.Context, server []string, c contender, args []string, f func(s *Server, r *Runner) error) error {
	s, err := StartServer(ctx, b.replay(), server...)
	if err != nil {
		return err
	}
	defer s.Close()
	return b.with(ctx, c, append([]string{"--server", s.URL}, args...), func(r *Runner) error { return f(s, r) })
}
