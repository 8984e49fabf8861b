package command

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/skiff-k8s/skiff/cmd/skiff/internal/cli"
	"github.com/skiff-k8s/skiff/kubeconfig/edit"
)

// property is a part of a kubeconfig, as the commands set and unset name it.
type property struct {
	current bool // current-context
	kind    edit.Kind
	rest    string // what follows the kind: a name, or a name and a field
}

func parseProperty(path string) (property, error) {
	if path == "current-context" {
		return property{current: true}, nil
	}
	section, rest, _ := strings.Cut(path, ".")
	for kind, name := range map[edit.Kind]string{edit.Cluster: "clusters", edit.User: "users",
		edit.Context: "contexts"} {
		if section == name && rest != "" {
			return property{kind: kind, rest: rest}, nil
		}
	}
	return property{}, cli.Usagef("property %q: want current-context, or clusters.NAME.FIELD, and "+
		"likewise users and contexts", path)
}

// field returns the name of an entry, which may hold dots, and the field behind it; "" for the entry
// itself.
func (p property) field(c *edit.Config) (name, field string) {
	if slices.Contains(c.Names(p.kind), p.rest) {
		return p.rest, ""
	}
	i := strings.LastIndex(p.rest, ".")
	if i < 0 {
		return p.rest, ""
	}
	return p.rest[:i], p.rest[i+1:]
}

// boolFields are the fields that are no text.
var boolFields = []string{"insecure-skip-tls-verify", "disable-compression"}

func newConfigSet(f *cli.Factory) *cobra.Command {
	var raw bool
	cmd := &cobra.Command{
		Use:   "set PROPERTY VALUE",
		Short: "Set one field",
		Long: "set sets one field. PROPERTY is current-context, clusters.NAME.FIELD, users.NAME.FIELD or " +
			"contexts.NAME.FIELD.",
		Example: "  skiff config set contexts.dev.namespace web",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := parseProperty(args[0])
			if err != nil {
				return err
			}
			err = edit.Modify(cmd.Context(), f.Kubeconfig, func(c *edit.Config) error {
				if p.current {
					return c.Use(args[1])
				}
				name, field := p.field(c)
				if field == "" {
					return cli.Usagef("property %q names no field", args[0])
				}
				value, err := fieldValue(field, args[1], raw)
				if err != nil {
					return err
				}
				return c.Set(p.kind, name, map[string]any{field: value})
			})
			if err != nil {
				return err
			}
			return say(f, "property %q set", args[0])
		},
	}
	cmd.Flags().BoolVar(&raw, "set-raw-bytes", false,
		"VALUE of a -data field is the content itself, and not base64")
	return cmd
}

// fieldValue returns a value of the type of a field.
func fieldValue(field, text string, raw bool) (any, error) {
	switch {
	case slices.Contains(boolFields, field):
		b, err := strconv.ParseBool(text)
		if err != nil {
			return nil, cli.Usagef("field %s: want true or false", field)
		}
		return b, nil
	case strings.HasSuffix(field, "-data") && raw:
		return base64.StdEncoding.EncodeToString([]byte(text)), nil
	case strings.HasSuffix(field, "-data"):
		if _, err := base64.StdEncoding.DecodeString(text); err != nil {
			return nil, cli.Usagef("field %s: want base64, or --set-raw-bytes", field)
		}
	}
	return text, nil
}

func newConfigUnset(f *cli.Factory) *cobra.Command {
	return &cobra.Command{
		Use:     "unset PROPERTY",
		Short:   "Remove one field, or an entry",
		Example: "  skiff config unset contexts.dev.namespace",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := parseProperty(args[0])
			if err != nil {
				return err
			}
			err = edit.Modify(cmd.Context(), f.Kubeconfig, func(c *edit.Config) error {
				if p.current {
					return c.Use("")
				}
				name, field := p.field(c)
				if field == "" {
					return c.Delete(p.kind, name)
				}
				if !slices.Contains(c.Names(p.kind), name) {
					return fmt.Errorf("unset %s: %s %q: %w", args[0], p.kind, name, edit.ErrNotFound)
				}
				return c.Set(p.kind, name, map[string]any{field: nil})
			})
			if err != nil {
				return err
			}
			return say(f, "property %q unset", args[0])
		},
	}
}
