package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/discovery"
)

// completionTimeout limits how long the shell waits for completions.
const completionTimeout = 3 * time.Second

// completionLimit is how many names of objects a completion asks for.
const completionLimit = 500

// Complete is a function of cobra.Command.ValidArgsFunction.
type Complete = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective)

// CompleteTargets completes TYPE, TYPE NAME and TYPE/NAME for resources with a verb, such as "list".
func (f *Factory) CompleteTargets(verb string) Complete {
	return func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(cmd.Context(), completionTimeout)
		defer cancel()
		switch kind, name, slashed := strings.Cut(word, "/"); {
		case slashed:
			names := f.names(ctx, kind, name)
			for i := range names {
				names[i] = kind + "/" + names[i]
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		case len(args) == 0:
			return f.typeNames(ctx, verb, word),
				cobra.ShellCompDirectiveNoFileComp
		case strings.Contains(args[0], "/"):
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		names := f.names(ctx, args[0], word)
		names = slices.DeleteFunc(names, func(n string) bool { return slices.Contains(args[1:], n) })
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// CompleteNames completes names of objects of one type, such as "pods".
func (f *Factory) CompleteNames(resource string) Complete {
	return func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(cmd.Context(), completionTimeout)
		defer cancel()
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return f.names(ctx, resource, word), cobra.ShellCompDirectiveNoFileComp
	}
}

// CompleteNamespaces completes the value of --namespace.
func (f *Factory) CompleteNamespaces(
	cmd *cobra.Command, _ []string, word string,
) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(cmd.Context(), completionTimeout)
	defer cancel()
	return f.names(ctx, "namespaces", word), cobra.ShellCompDirectiveNoFileComp
}

// typeNames returns the names of the resources that have a verb; of a list with commas, for its last
// part.
func (f *Factory) typeNames(ctx context.Context, verb, word string) []string {
	d, err := f.Discovery()
	if err != nil {
		return nil
	}
	catalog, _ := d.Catalog(ctx)
	if catalog == nil {
		return nil
	}
	before, word := cutLast(word, ",")
	var names []string
	taken := map[string]bool{}
	for _, r := range catalog.Preferred() {
		if !r.Can(verb) {
			continue
		}
		name := r.Info.Resource
		if taken[name] {
			name += "." + r.Info.Group
		}
		taken[name] = true
		if strings.HasPrefix(name, word) {
			names = append(names, before+name)
		}
	}
	slices.Sort(names)
	return names
}

// names returns the names of objects that begin with prefix, or none if something fails.
func (f *Factory) names(ctx context.Context, kind, prefix string) []string {
	r, err := f.Resource(ctx, kind)
	if err != nil || !r.Can("list") {
		return nil
	}
	list, err := f.firstNames(ctx, r)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(list, func(n string) bool { return !strings.HasPrefix(n, prefix) })
}

func (f *Factory) firstNames(ctx context.Context, r discovery.Resource) ([]string, error) {
	c, err := f.Dynamic()
	if err != nil {
		return nil, err
	}
	namespace := ""
	if r.Info.Namespaced {
		if namespace, _, err = f.Namespace(); err != nil {
			return nil, err
		}
	}
	table, err := c.Resource(r.Info.GVR()).Namespace(namespace).Table(ctx,
		metav1.ListOptions{Limit: completionLimit}, metav1.IncludeMetadata)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, row := range table.Rows {
		if m, ok := row.Object.Object.(*metav1.PartialObjectMetadata); ok {
			names = append(names, m.Name)
		}
	}
	return names, nil
}

// cutLast returns what is before the last separator, with it, and what is behind.
func cutLast(s, separator string) (before, after string) {
	i := strings.LastIndex(s, separator)
	if i < 0 {
		return "", s
	}
	return s[:i+len(separator)], s[i+len(separator):]
}
