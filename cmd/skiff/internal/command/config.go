package command

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/skiff-k8s/skiff/cmd/skiff/internal/cli"
	"github.com/skiff-k8s/skiff/cmd/skiff/internal/columns"
	"github.com/skiff-k8s/skiff/kubeconfig/edit"
)

func newConfig(f *cli.Factory) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config COMMAND",
		Short: "Show and change kubeconfig files",
		Long: "config shows and changes kubeconfig files: that of --kubeconfig, or those of $KUBECONFIG, or " +
			"~/.kube/config.",
		GroupID: groupServer,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		newConfigView(f),
		newConfigCurrent(f),
		newConfigContexts(f),
		newConfigNames(f, edit.Cluster),
		newConfigNames(f, edit.User),
		newConfigUse(f),
		newConfigSetContext(f),
		newConfigSetCluster(f),
		newConfigSetCredentials(f),
		newConfigDelete(f, edit.Context),
		newConfigDelete(f, edit.Cluster),
		newConfigDelete(f, edit.User),
		newConfigRename(f),
		newConfigSet(f),
		newConfigUnset(f),
	)
	return cmd
}

// kubeconfigFile is what the commands show of a kubeconfig.
type kubeconfigFile struct {
	Current  string `json:"current-context"`
	Contexts []kubeconfigContext
	Clusters []struct{ Name string }
	Users    []struct{ Name string }
}

type kubeconfigContext struct {
	Name    string
	Context struct{ Cluster, User, Namespace string }
}

func readKubeconfig(f *cli.Factory) (*kubeconfigFile, error) {
	text, err := edit.View(f.Kubeconfig, edit.ViewOptions{})
	if err != nil {
		return nil, err
	}
	file := &kubeconfigFile{}
	if err := yaml.Unmarshal(text, file); err != nil {
		return nil, fmt.Errorf("read the kubeconfig: %w", err)
	}
	return file, nil
}

// names returns the names of the entries of a kind.
func (k *kubeconfigFile) names(kind edit.Kind) []string {
	var names []string
	switch kind {
	case edit.Context:
		for _, c := range k.Contexts {
			names = append(names, c.Name)
		}
	case edit.Cluster:
		for _, c := range k.Clusters {
			names = append(names, c.Name)
		}
	default:
		for _, u := range k.Users {
			names = append(names, u.Name)
		}
	}
	return names
}

// completeEntries completes the name of an entry as the only argument.
func completeEntries(f *cli.Factory, kind edit.Kind) cli.Complete {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		file, err := readKubeconfig(f)
		if err != nil || len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return file.names(kind), cobra.ShellCompDirectiveNoFileComp
	}
}

func newConfigView(f *cli.Factory) *cobra.Command {
	var o edit.ViewOptions
	var format string
	cmd := &cobra.Command{
		Use:   "view",
		Short: "Print the kubeconfig that the files make together, without secrets",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			o.Context = f.Context
			text, err := edit.View(f.Kubeconfig, o)
			if err != nil {
				return err
			}
			switch format {
			case "yaml":
			case "json":
				if text, err = yaml.YAMLToJSON(text); err != nil {
					return err
				}
				text = append(indentJSON(text), '\n')
			default:
				return cli.Usagef("--output %q: want json or yaml", format)
			}
			_, err = f.Out.Write(text)
			return err
		},
	}
	cmd.Flags().BoolVar(&o.Raw, "raw", false, "print secrets and certificates")
	cmd.Flags().BoolVar(&o.Flatten, "flatten", false,
		"put the content of files in place of their paths, so that the result can be copied elsewhere")
	cmd.Flags().BoolVar(&o.Minify, "minify", false, "leave out what the context does not use")
	cmd.Flags().StringVarP(&format, "output", "o", "yaml", "`format`: json or yaml")
	complete(cmd, "output", "json", "yaml")
	return cmd
}

func newConfigCurrent(f *cli.Factory) *cobra.Command {
	return &cobra.Command{
		Use:   "current-context",
		Short: "Print the name of the current context",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			file, err := readKubeconfig(f)
			if err != nil {
				return err
			}
			if file.Current == "" {
				return fmt.Errorf("read the current context: none is set")
			}
			_, err = fmt.Fprintln(f.Out, file.Current)
			return err
		},
	}
}

func newConfigContexts(f *cli.Factory) *cobra.Command {
	var format string
	var noHeaders bool
	cmd := &cobra.Command{
		Use:               "get-contexts [NAME ...]",
		Short:             "Print the contexts; a star marks the current one",
		ValidArgsFunction: completeEntries(f, edit.Context),
		RunE: func(_ *cobra.Command, args []string) error {
			if format != "" && format != "name" {
				return cli.Usagef("--output %q: want name", format)
			}
			file, err := readKubeconfig(f)
			if err != nil {
				return err
			}
			known := file.names(edit.Context)
			for _, name := range args {
				if !slices.Contains(known, name) {
					return fmt.Errorf("read context %q: there is none", name)
				}
			}
			table := columns.New(f.Out)
			if format == "" && !noHeaders {
				table.Row("CURRENT", "NAME", "CLUSTER", "AUTHINFO", "NAMESPACE")
			}
			slices.SortFunc(file.Contexts, func(a, b kubeconfigContext) int {
				return strings.Compare(a.Name, b.Name)
			})
			for _, c := range file.Contexts {
				switch {
				case len(args) > 0 && !slices.Contains(args, c.Name):
				case format == "name":
					table.Row(c.Name)
				default:
					current := ""
					if c.Name == file.Current {
						current = "*"
					}
					table.Row(current, c.Name, c.Context.Cluster, c.Context.User, c.Context.Namespace)
				}
			}
			return table.Flush()
		},
	}
	cmd.Flags().StringVarP(&format, "output", "o", "", "`format`: name")
	cmd.Flags().BoolVar(&noHeaders, "no-headers", false, "print no headers")
	complete(cmd, "output", "name")
	return cmd
}

// newConfigNames prints the names of clusters or users.
func newConfigNames(f *cli.Factory, kind edit.Kind) *cobra.Command {
	return &cobra.Command{
		Use:   "get-" + kind.String() + "s",
		Short: "Print the names of the " + kind.String() + "s",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			file, err := readKubeconfig(f)
			if err != nil {
				return err
			}
			table := columns.New(f.Out)
			table.Row("NAME")
			for _, name := range file.names(kind) {
				table.Row(name)
			}
			return table.Flush()
		},
	}
}
