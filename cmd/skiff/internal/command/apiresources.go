package command

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/skiff-k8s/skiff/cmd/skiff/internal/cli"
	"github.com/skiff-k8s/skiff/cmd/skiff/internal/columns"
	"github.com/skiff-k8s/skiff/discovery"
)

type apiResources struct {
	output     string
	group      string
	namespaced bool
	verbs      []string
	categories []string
	sortBy     string
	noHeaders  bool
	cached     bool

	groupSet, namespacedSet bool
}

func newAPIResources(f *cli.Factory) *cobra.Command {
	var o apiResources
	cmd := &cobra.Command{
		Use:     "api-resources",
		Short:   "Print the resources that the server serves",
		GroupID: groupServer,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.groupSet = cmd.Flags().Changed("api-group")
			o.namespacedSet = cmd.Flags().Changed("namespaced")
			return o.run(cmd.Context(), f)
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&o.output, "output", "o", "", "`format`: wide or name")
	flags.StringVar(&o.group, "api-group", "", "only this `group`; \"\" is the core group")
	flags.BoolVar(&o.namespaced, "namespaced", true,
		"only namespaced resources, or with =false only the others (default: both)")
	flags.StringSliceVar(&o.verbs, "verbs", nil, "only resources with all of these `verbs`")
	flags.StringSliceVar(&o.categories, "categories", nil,
		"only resources in all of these `categories`")
	flags.StringVar(&o.sortBy, "sort-by", "", "sort by `column`: name or kind (default: group, name)")
	flags.BoolVar(&o.noHeaders, "no-headers", false, "print no headers")
	flags.BoolVar(&o.cached, "cached", false, "use what is cached, if anything is")
	complete(cmd, "output", "wide", "name")
	complete(cmd, "sort-by", "name", "kind")
	return cmd
}

func (o *apiResources) run(ctx context.Context, f *cli.Factory) error {
	if !slices.Contains([]string{"", "wide", "name"}, o.output) {
		return cli.Usagef("--output %q: want wide or name", o.output)
	}
	if !slices.Contains([]string{"", "name", "kind"}, o.sortBy) {
		return cli.Usagef("--sort-by %q: want name or kind", o.sortBy)
	}
	catalogOf := freshCatalog
	if o.cached {
		catalogOf = cachedCatalog
	}
	catalog, err := catalogOf(ctx, f)
	if catalog == nil {
		return err
	}
	resources := slices.DeleteFunc(slices.Clone(catalog.Preferred()),
		func(r discovery.Resource) bool { return !o.selects(r) })
	slices.SortStableFunc(resources, o.compare)

	out := bufio.NewWriter(f.Out)
	if o.output == "name" {
		for _, r := range resources {
			fmt.Fprintln(out, r.Info.GVR().GroupResource())
		}
	} else {
		o.table(out, resources)
	}
	return firstError(out.Flush(), err)
}

func (o *apiResources) selects(r discovery.Resource) bool {
	if len(r.Verbs) == 0 ||
		o.groupSet && r.Info.Group != o.group ||
		o.namespacedSet && r.Info.Namespaced != o.namespaced {
		return false
	}
	for _, verb := range o.verbs {
		if !r.Can(verb) {
			return false
		}
	}
	for _, category := range o.categories {
		if !slices.Contains(r.Categories, category) {
			return false
		}
	}
	return true
}

func (o *apiResources) compare(a, b discovery.Resource) int {
	name := strings.Compare(a.Info.Resource, b.Info.Resource)
	switch o.sortBy {
	case "name":
		return name
	case "kind":
		return strings.Compare(a.Info.Kind, b.Info.Kind)
	}
	return cmp.Or(strings.Compare(a.Info.Group, b.Info.Group), name)
}

func (o *apiResources) table(out io.Writer, resources []discovery.Resource) {
	t := columns.New(out)
	head := []string{"NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"}
	if o.output == "wide" {
		head = append(head, "VERBS", "CATEGORIES")
	}
	if !o.noHeaders {
		t.Row(head...)
	}
	for _, r := range resources {
		row := []string{r.Info.Resource, strings.Join(r.ShortNames, ","),
			r.Info.GVK().GroupVersion().String(), fmt.Sprint(r.Info.Namespaced), r.Info.Kind}
		if o.output == "wide" {
			row = append(row, strings.Join(r.Verbs, ","), strings.Join(r.Categories, ","))
		}
		t.Row(row...)
	}
	_ = t.Flush() // an error of out stays in it
}

// freshCatalog asks the server what it serves. A catalog beside an error lacks some groups.
func freshCatalog(ctx context.Context, f *cli.Factory) (*discovery.Catalog, error) {
	d, err := f.Discovery()
	if err != nil {
		return nil, err
	}
	d.Invalidate()
	return d.Catalog(ctx)
}

// cachedCatalog is freshCatalog, except that what is cached counts.
func cachedCatalog(ctx context.Context, f *cli.Factory) (*discovery.Catalog, error) {
	d, err := f.Discovery()
	if err != nil {
		return nil, err
	}
	return d.Catalog(ctx)
}

// firstError returns the first of errs that is not nil.
func firstError(errs ...error) error { return cmp.Or(errs...) }

// complete makes the values of a flag known to the shell.
func complete(cmd *cobra.Command, flag string, values ...string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values,
		cobra.ShellCompDirectiveNoFileComp))
}

// indentJSON returns JSON with indentation.
func indentJSON(text []byte) []byte {
	var b bytes.Buffer
	if json.Indent(&b, text, "", "    ") != nil {
		return text
	}
	return b.Bytes()
}
