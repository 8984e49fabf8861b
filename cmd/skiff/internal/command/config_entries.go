package command

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/skiff-k8s/skiff/cmd/skiff/internal/cli"
	"github.com/skiff-k8s/skiff/kubeconfig/edit"
)

// entry is what to set of an entry of a kubeconfig, by the names of its fields.
type entry map[string]any

// take sets a field to the value of a flag of the same name, if the command line has it.
func (e entry) take(cmd *cobra.Command, names ...string) {
	for _, name := range names {
		if flag := cmd.Flag(name); flag != nil && flag.Changed {
			if flag.Value.Type() == "bool" {
				e[name] = flag.Value.String() == "true"
			} else {
				e[name] = flag.Value.String()
			}
		}
	}
}

// files makes the paths of files absolute, or puts the content of the files in their place.
func (e entry) files(embed bool, names ...string) error {
	for _, name := range names {
		path, ok := e[name].(string)
		if !ok {
			continue
		}
		if !embed {
			absolute, err := filepath.Abs(path)
			if err != nil {
				return err
			}
			e[name], e[name+"-data"] = absolute, nil
			continue
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("read the file of --%s: %w", name, err)
		}
		e[name], e[name+"-data"] = nil, base64.StdEncoding.EncodeToString(content)
	}
	return nil
}

// set sets the fields of an entry, which is made if there is none.
func (e entry) set(cmd *cobra.Command, factory *cli.Factory, kind edit.Kind, name string) error {
	verb := "modified"
	err := edit.Modify(cmd.Context(), factory.Kubeconfig, func(c *edit.Config) error {
		if !slices.Contains(c.Names(kind), name) {
			verb = "created"
		}
		return c.Set(kind, name, e)
	})
	if err != nil {
		return err
	}
	return say(factory, "%s %q %s", kind, name, verb)
}

func say(f *cli.Factory, format string, args ...any) error {
	_, err := fmt.Fprintf(f.Out, format+"\n", args...)
	return err
}

func newConfigUse(f *cli.Factory) *cobra.Command {
	return &cobra.Command{
		Use:               "use-context NAME",
		Aliases:           []string{"use"},
		Short:             "Make a context the current one",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeEntries(f, edit.Context),
		RunE: func(cmd *cobra.Command, args []string) error {
			err := edit.Modify(cmd.Context(), f.Kubeconfig, func(c *edit.Config) error {
				return c.Use(args[0])
			})
			if err != nil {
				return err
			}
			return say(f, "the current context is %q", args[0])
		},
	}
}

func newConfigSetContext(f *cli.Factory) *cobra.Command {
	var current bool
	cmd := &cobra.Command{
		Use:   "set-context (NAME | --current)",
		Short: "Set --cluster, --user and --namespace of a context",
		Example: "  skiff config set-context --current -n web\n" +
			"  skiff config set-context dev --cluster kind --user admin",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeEntries(f, edit.Context),
		RunE: func(cmd *cobra.Command, args []string) error {
			if current == (len(args) == 1) {
				return cli.Usagef("want either NAME or --current")
			}
			name := ""
			if current {
				file, err := readKubeconfig(f)
				if err != nil {
					return err
				}
				if name = file.Current; name == "" {
					return fmt.Errorf("set the current context: none is set")
				}
			} else {
				name = args[0]
			}
			set := entry{}
			set.take(cmd, "cluster", "user", "namespace")
			return set.set(cmd, f, edit.Context, name)
		},
	}
	cmd.Flags().BoolVar(&current, "current", false, "the current context")
	return cmd
}

func newConfigSetCluster(f *cli.Factory) *cobra.Command {
	var embed bool
	cmd := &cobra.Command{
		Use: "set-cluster NAME",
		Short: "Set --server, --certificate-authority, --tls-server-name, --proxy-url and " +
			"--insecure-skip-tls-verify of a cluster",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeEntries(f, edit.Cluster),
		RunE: func(cmd *cobra.Command, args []string) error {
			set := entry{}
			set.take(cmd, "server", "certificate-authority", "tls-server-name", "proxy-url",
				"insecure-skip-tls-verify", "disable-compression")
			if set["insecure-skip-tls-verify"] == true {
				if _, ok := set["certificate-authority"]; ok {
					return cli.Usagef("--insecure-skip-tls-verify and --certificate-authority exclude " +
						"each other")
				}
				set["certificate-authority"], set["certificate-authority-data"] = nil, nil
			} else if _, ok := set["certificate-authority"]; ok {
				set["insecure-skip-tls-verify"] = nil
			}
			if err := set.files(embed, "certificate-authority"); err != nil {
				return err
			}
			return set.set(cmd, f, edit.Cluster, args[0])
		},
	}
	addString(cmd, "proxy-url", "`URL` of the proxy to the server")
	cmd.Flags().BoolVar(&embed, "embed-certs", false, "put the content of files in place of their paths")
	return cmd
}

func newConfigSetCredentials(f *cli.Factory) *cobra.Command {
	var embed bool
	var execArgs, execEnv []string
	cmd := &cobra.Command{
		Use:     "set-credentials NAME",
		Aliases: []string{"set-user"},
		Short:   "Set the credentials of a user: a certificate, a token, a password, or a plugin",
		Example: "  skiff config set-credentials admin --client-certificate a.crt --client-key a.key " +
			"--embed-certs\n  skiff config set-credentials sso --exec-command aws --exec-api-version " +
			"client.authentication.k8s.io/v1 --exec-arg eks --exec-arg get-token",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeEntries(f, edit.User),
		RunE: func(cmd *cobra.Command, args []string) error {
			set := entry{}
			set.take(cmd, "client-certificate", "client-key", "token", "username", "password")
			if err := set.files(embed, "client-certificate", "client-key"); err != nil {
				return err
			}
			if err := set.plugin(cmd, execArgs, execEnv); err != nil {
				return err
			}
			return set.set(cmd, f, edit.User, args[0])
		},
	}
	addString(cmd, "exec-command", "`program` that prints credentials")
	addString(cmd, "exec-api-version", "`version` of its protocol, such as client.authentication.k8s.io/v1")
	addString(cmd, "exec-interactive-mode", "`mode`: Never, IfAvailable or Always")
	cmd.Flags().StringArrayVar(&execArgs, "exec-arg", nil, "`argument` of the program; may be repeated")
	cmd.Flags().StringArrayVar(&execEnv, "exec-env", nil, "NAME=`VALUE` for the program; may be repeated")
	cmd.Flags().BoolVar(&embed, "embed-certs", false, "put the content of files in place of their paths")
	return cmd
}

// plugin sets the field of a credential plugin.
func (e entry) plugin(cmd *cobra.Command, args, env []string) error {
	text := func(flag string) string { return cmd.Flag(flag).Value.String() }
	if text("exec-command") == "" {
		if len(args)+len(env) > 0 || text("exec-api-version") != "" {
			return cli.Usagef("--exec-arg, --exec-env and --exec-api-version need --exec-command")
		}
		return nil
	}
	exec := map[string]any{"command": text("exec-command"), "apiVersion": text("exec-api-version"),
		"interactiveMode": text("exec-interactive-mode")}
	if exec["apiVersion"] == "" {
		exec["apiVersion"] = "client.authentication.k8s.io/v1"
	}
	if exec["interactiveMode"] == "" { // v1 needs one
		exec["interactiveMode"] = "IfAvailable"
	}
	if len(args) > 0 {
		list := make([]any, len(args))
		for i, a := range args {
			list[i] = a
		}
		exec["args"] = list
	}
	var variables []any
	for _, pair := range env {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return cli.Usagef("--exec-env: want NAME=VALUE")
		}
		variables = append(variables, map[string]any{"name": name, "value": value})
	}
	if variables != nil {
		exec["env"] = variables
	}
	e["exec"] = exec
	return nil
}

// addString adds a flag whose value take or plugin looks up.
func addString(cmd *cobra.Command, name, usage string) { cmd.Flags().String(name, "", usage) }

func newConfigDelete(f *cli.Factory, kind edit.Kind) *cobra.Command {
	return &cobra.Command{
		Use:               "delete-" + kind.String() + " NAME",
		Short:             "Remove a " + kind.String(),
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeEntries(f, kind),
		RunE: func(cmd *cobra.Command, args []string) error {
			current := false
			err := edit.Modify(cmd.Context(), f.Kubeconfig, func(c *edit.Config) error {
				current = kind == edit.Context && c.Current() == args[0]
				return c.Delete(kind, args[0])
			})
			if err != nil {
				return err
			}
			if current {
				fmt.Fprintf(f.Err, "skiff: %q is still the current context; choose another one by "+
					"skiff config use-context\n", args[0])
			}
			return say(f, "%s %q deleted", kind, args[0])
		},
	}
}

func newConfigRename(f *cli.Factory) *cobra.Command {
	return &cobra.Command{
		Use:               "rename-context OLD NEW",
		Short:             "Give a context another name",
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: completeEntries(f, edit.Context),
		RunE: func(cmd *cobra.Command, args []string) error {
			err := edit.Modify(cmd.Context(), f.Kubeconfig, func(c *edit.Config) error {
				return c.RenameContext(args[0], args[1])
			})
			if err != nil {
				return err
			}
			return say(f, "context %q is now %q", args[0], args[1])
		},
	}
}
