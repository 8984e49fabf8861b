// Package command has the commands of skiff, a file each.
package command

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/skiff-k8s/skiff/cmd/skiff/internal/cli"
	"github.com/skiff-k8s/skiff/kubeconfig/edit"
)

// Main runs the command line args and returns the exit code. When ctx ends, so does the command.
func Main(ctx context.Context, args []string, s cli.Streams) int {
	f := &cli.Factory{Streams: s.Shared()}
	defer f.Close()
	begun := false
	root := newRoot(f, &begun)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err != nil && !begun { // cobra's own errors are about the command line
		err = &cli.UsageError{Err: err}
	}
	return cli.Report(ctx, f.Err, err)
}

// newRoot returns the root command. begun is set when the command line is right.
func newRoot(f *cli.Factory, begun *bool) *cobra.Command {
	root := &cobra.Command{
		Use:   "skiff",
		Short: "skiff reads and changes the objects of a Kubernetes cluster",
		Long: "skiff reads and changes the objects of a Kubernetes cluster, as kubectl does, " +
			"in little memory.",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cmd.Help()
		},
		PersistentPreRunE: func(*cobra.Command, []string) error {
			*begun = true
			return nil
		},
	}
	root.SetIn(f.In)
	root.SetOut(f.Out)
	root.SetErr(f.Err)
	f.Flags.Add(root.PersistentFlags())
	_ = root.RegisterFlagCompletionFunc("namespace", f.CompleteNamespaces)
	for flag, kind := range map[string]edit.Kind{"context": edit.Context, "cluster": edit.Cluster,
		"user": edit.User} {
		entries := completeEntries(f, kind)
		_ = root.RegisterFlagCompletionFunc(flag, func(
			cmd *cobra.Command, _ []string, word string,
		) ([]string, cobra.ShellCompDirective) {
			return entries(cmd, nil, word)
		})
	}
	root.AddGroup(
		&cobra.Group{ID: groupRead, Title: "Read:"},
		&cobra.Group{ID: groupWrite, Title: "Change:"},
		&cobra.Group{ID: groupRun, Title: "Running containers:"},
		&cobra.Group{ID: groupServer, Title: "The server and the configuration:"},
	)
	root.SetCompletionCommandGroupID(groupServer)
	root.SetHelpCommandGroupID(groupServer)
	root.AddCommand(
		newGet(f),
		newDescribe(f),
		newTopCache(f),
		newAPIResources(f),
		newAPIVersions(f),
		newExplain(f),
		newConfig(f),
		newVersion(f),
		newApply(f),
		newWait(f),
		newDelete(f),
		newLogs(f),
		newExec(f),
		newPortForward(f),
	)
	return root
}

// The groups of commands in the help.
const (
	groupRead   = "read"
	groupWrite  = "write"
	groupRun    = "run"
	groupServer = "server"
)
