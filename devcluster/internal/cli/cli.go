// Package cli is devcluster's command line: its arguments, its output and its exit status. Output
// for scripts goes to standard output, output for people to standard error.
package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/skiff-k8s/skiff/devcluster/internal/cluster"
	"github.com/skiff-k8s/skiff/devcluster/internal/datadir"
)

// The exit statuses of devcluster itself. `devcluster run` ends with its command's.
const (
	exitFailure = 1
	exitUsage   = 2
)

// Versions are the versions that the binary was built from.
type Versions struct {
	Kubernetes, Etcd, Go string
}

// status is an exit status that is not a failure of devcluster.
type status int

func (s status) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// usageError is the error for an invalid command line.
type usageError struct{ error }

// Main runs the command line, given without the program's name, and returns the exit status.
func Main(args []string, v Versions) int {
	root := root(v)
	root.SetArgs(args)
	// cobra reads os.Args if the arguments are nil.
	if args == nil {
		root.SetArgs([]string{})
	}
	err := root.Execute()
	var exit status
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return int(exit)
	}
	fmt.Fprintln(os.Stderr, "devcluster:", err)
	if errors.As(err, new(usageError)) || strings.HasPrefix(err.Error(), "unknown command") {
		fmt.Fprintln(os.Stderr, "See `devcluster help`.")
		return exitUsage
	}
	return exitFailure
}

func root(v Versions) *cobra.Command {
	c := &cobra.Command{
		Use:   "devcluster",
		Short: "A real Kubernetes control plane in one binary",
		Long: "Devcluster runs a real Kubernetes control plane on this machine: kube-apiserver, etcd and\n" +
			"kube-controller-manager " + v.Kubernetes + ", on loopback, with nothing to install. Objects are\n" +
			"stored, validated, watched and garbage-collected as on any cluster. No container ever runs;\n" +
			"with --kubelet there is a node on which pods run scripts.",
		Example: "  devcluster up\n" +
			"  devcluster run -- go test ./...\n" +
			"  KUBECONFIG=$(devcluster kubeconfig) kubectl get namespaces",
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	c.AddCommand(up(v), run(v), findKubeconfig(), assets(), makeSeed(v), &cobra.Command{
		Use:   "version",
		Short: "Print what this binary was built from",
		Args:  arguments(cobra.NoArgs),
		Run: func(*cobra.Command, []string) {
			fmt.Printf("Kubernetes %s, etcd %s, %s %s/%s\n", v.Kubernetes, v.Etcd, v.Go, runtime.GOOS, runtime.GOARCH)
		},
	})
	return c
}

// arguments makes a wrong number of arguments a usage error.
func arguments(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if err := check(c, args); err != nil {
			return usageError{fmt.Errorf("%s: %w", c.CommandPath(), err)}
		}
		return nil
	}
}

// clusterFlags are the flags of both commands that start a cluster.
func clusterFlags(c *cobra.Command, o *cluster.Options) {
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&o.Data, "data", "", "keep the cluster in this `folder`, and continue with what is there\n(default: a temporary folder, removed at the end)")
	f.BoolVar(&o.NoControllerManager, "no-controller-manager", false, "run the API server alone; nothing is collected or created by itself,\nand pods need no service account")
	f.BoolVar(&o.Kubelet, "kubelet", false, "register a node and run pods on it, with logs, exec, attach and port-forward;\ntheir processes are scripts of a few commands, see devcluster's README")
	f.StringSliceVar(&o.Controllers, "controllers", cluster.Controllers, "what the controller manager runs; * for Kubernetes' default")
	f.StringArrayVar(&o.APIServerArgs, "apiserver-arg", nil, "pass kube-apiserver this `argument`, as --apiserver-arg=--v=4 (repeatable;\nit replaces devcluster's own of that name)")
	f.StringArrayVar(&o.ControllerManagerArgs, "controller-manager-arg", nil, "the same for kube-controller-manager")
	f.StringArrayVar(&o.EtcdArgs, "etcd-arg", nil, "the same for etcd")
	f.DurationVar(&o.StartTimeout, "start-timeout", cluster.DefaultStartTimeout, "give up when the cluster, or one component that is started again, is not\nready after this long")
}

func findKubeconfig() *cobra.Command {
	var data string
	c := &cobra.Command{
		Use:   "kubeconfig",
		Short: "Print the path of a cluster's kubeconfig",
		Long: "Kubeconfig prints the path of the kubeconfig of the cluster that `devcluster up` runs, or of\n" +
			"the one of --data. When none runs, it is the last one that was kept with --data; that it does\n" +
			"not run is said on standard error. Clusters of `run` and of tests are not looked at.",
		Args: arguments(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			found, err := datadir.Find("", data)
			if err != nil {
				return err
			}
			if !found.Running {
				fmt.Fprintf(os.Stderr, "devcluster: this cluster does not run now; start it with `devcluster up --data %s`\n", found.Data)
			}
			fmt.Println(found.Kubeconfig)
			return nil
		},
	}
	c.Flags().StringVar(&data, "data", "", "the cluster of this `folder`")
	return c
}

func assets() *cobra.Command {
	return &cobra.Command{
		Use:   "assets FOLDER",
		Short: "Make the links that controller-runtime's envtest looks for",
		Long: "Assets makes links named etcd, kube-apiserver and kube-controller-manager to this binary in\n" +
			"the folder, and prints the folder's path, which is what KUBEBUILDER_ASSETS is to be set to.",
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			return link(args[0])
		},
	}
}

// link makes the links for `devcluster assets`.
func link(dir string) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program's own file: %w", err)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the folder of the links: %w", err)
	}
	for _, name := range []string{cluster.Etcd, cluster.APIServer, cluster.ControllerManager} {
		path := filepath.Join(dir, name)
		if old, err := os.Lstat(path); err == nil && old.Mode()&os.ModeSymlink == 0 {
			return fmt.Errorf("%s is there already and is not a link: name another folder", path)
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("replace the link: %w", err)
		}
		if err := os.Symlink(self, path); err != nil {
			return fmt.Errorf("make the link: %w", err)
		}
	}
	fmt.Println(dir)
	return nil
}

// start starts the cluster and prints its progress. The first signal aborts the start.
func start(ctx context.Context, o cluster.Options, v Versions) (*cluster.Cluster, error) {
	began := time.Now()
	fmt.Fprintln(os.Stderr, "devcluster: starting")
	c, err := cluster.Start(ctx, withSeed(o, v))
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(os.Stderr, "devcluster: up after %.1f s, at %s; logs in %s\n", time.Since(began).Seconds(), c.Server(), c.Logs())
	return c, nil
}
