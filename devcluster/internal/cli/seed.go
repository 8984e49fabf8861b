package cli

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/skiff-k8s/skiff/devcluster/internal/cluster"
	"github.com/skiff-k8s/skiff/devcluster/internal/process"
	"github.com/skiff-k8s/skiff/devcluster/internal/seed"
)

func (v Versions) ofSeed() seed.Versions {
	return seed.Versions{Kubernetes: v.Kubernetes, Etcd: v.Etcd}
}

// withSeed returns the options with this binary's seed, if it has one. A seed that cannot be read is
// reported: the start takes longer without it, and is the same otherwise.
func withSeed(o cluster.Options, v Versions) cluster.Options {
	o.Warn = func(err error) { fmt.Fprintln(os.Stderr, "devcluster:", err) }
	self, err := process.Self()
	if err == nil {
		o.Seed, err = seed.Of(self, v.ofSeed())
	}
	if err != nil {
		o.Warn(fmt.Errorf("start without the seed: %w", err))
	}
	return o
}

// makeSeed is for the build.
func makeSeed(v Versions) *cobra.Command {
	return &cobra.Command{
		Use:   "seed FILE",
		Short: "Append the objects of a new cluster to a file",
		Long: "Seed starts a cluster, takes the objects that Kubernetes writes at first, and appends them to\n" +
			"the file. With them at its end this binary starts a second faster. The build does that.",
		Hidden: true,
		Args:   arguments(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			signals := listen()
			ctx, cancel := signals.context()
			defer cancel()
			started := time.Now()
			c, err := cluster.Start(ctx, cluster.Options{NoControllerManager: true})
			if err != nil {
				return interrupted(ctx, err)
			}
			s, err := c.TakeSeed(ctx, v.ofSeed(), started)
			if err == nil {
				err = s.AppendTo(args[0])
			}
			return interrupted(ctx, errors.Join(err, c.Stop()))
		},
	}
}
