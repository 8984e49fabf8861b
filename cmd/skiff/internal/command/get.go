package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/skiff-k8s/skiff/cmd/skiff/internal/cli"
	"github.com/skiff-k8s/skiff/cmd/skiff/internal/list"
	"github.com/skiff-k8s/skiff/cmd/skiff/internal/output"
)

// get is the flags of the command get, and what follows from them.
type get struct {
	f *cli.Factory

	output         string
	allNamespaces  bool
	selector       string
	fieldSelector  string
	chunk          int64
	sortBy         string
	watch          bool
	watchOnly      bool
	watchEvents    bool
	showLabels     bool
	labelColumns   []string
	showKind       bool
	noHeaders      bool
	ignoreNotFound bool
	subresource    string
	managedFields  bool
	raw            string

	format *output.Format // nil for tables
	sort   *output.Path   // nil for the server's order
}

func newGet(f *cli.Factory) *cobra.Command {
	o := get{f: f}
	cmd := &cobra.Command{
		Use:   "get (TYPE [NAME ...] | TYPE/NAME ...)",
		Short: "Print objects of any resource",
		Long: "get prints objects: in the columns that the server makes of them, or whole.\n\n" +
			"TYPE is a resource, its short name or kind (deploy, Deployment, deployments.apps), several " +
			"with commas between them, or a category (all).",
		Example: "  skiff get pods -A\n  skiff get deploy,svc -l app=web -o wide\n" +
			"  skiff get pod web-0 -o jsonpath='{.status.podIP}'\n  skiff get pods -w",
		GroupID:           groupRead,
		ValidArgsFunction: f.CompleteTargets("get"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), args)
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&o.output, "output", "o", "", "`format`: wide, "+strings.Join(output.Formats, ", "))
	flags.BoolVarP(&o.allNamespaces, "all-namespaces", "A", false, "objects of all namespaces")
	flags.StringVarP(&o.selector, "selector", "l", "", "label `selector`, such as app=web,tier!=db")
	flags.StringVar(&o.fieldSelector, "field-selector", "",
		"field `selector`, such as status.phase=Running")
	flags.Int64Var(&o.chunk, "chunk-size", list.DefaultChunk,
		"how many objects a request asks for; 0 means all")
	flags.StringVar(&o.sortBy, "sort-by", "", "sort by the field at a `path`, such as .metadata.name")
	flags.BoolVarP(&o.watch, "watch", "w", false, "go on printing what changes")
	flags.BoolVar(&o.watchOnly, "watch-only", false, "print only what changes from now on")
	flags.BoolVar(&o.watchEvents, "output-watch-events", false,
		"with --watch: print whether an object was added, modified or deleted")
	flags.BoolVar(&o.showLabels, "show-labels", false, "print the labels in a column")
	flags.StringSliceVarP(&o.labelColumns, "label-columns", "L", nil,
		"`labels` to print in columns of their own")
	flags.BoolVar(&o.showKind, "show-kind", false, "print the type before the name")
	flags.BoolVar(&o.noHeaders, "no-headers", false, "print no headers")
	flags.BoolVar(&o.ignoreNotFound, "ignore-not-found", false,
		"an object that does not exist is no error")
	flags.StringVar(&o.subresource, "subresource", "",
		"`subresource` of the objects, such as status or scale; names are needed")
	flags.BoolVar(&o.managedFields, "show-managed-fields", false,
		"with -o json or yaml: print metadata.managedFields")
	flags.StringVar(&o.raw, "raw", "", "print the server's answer to a `path`, such as /metrics")
	complete(cmd, "output", append([]string{"wide"}, output.Formats...)...)
	return cmd
}

// check finds mistakes on the command line.
func (o *get) check() error {
	switch {
	case o.chunk < 0:
		return cli.Usagef("--chunk-size must not be negative")
	case o.watchEvents && !o.watch && !o.watchOnly:
		return cli.Usagef("--output-watch-events needs --watch or --watch-only")
	case (o.watch || o.watchOnly) && o.sortBy != "":
		return cli.Usagef("--sort-by and --watch exclude each other")
	}
	if _, err := labels.Parse(o.selector); err != nil {
		return cli.Usagef("--selector %q: %w", o.selector, err)
	}
	if _, err := fields.ParseSelector(o.fieldSelector); err != nil {
		return cli.Usagef("--field-selector %q: %w", o.fieldSelector, err)
	}
	if o.sortBy != "" {
		path, err := output.ParsePath(o.sortBy)
		if err != nil {
			return cli.Usagef("--sort-by: %w", err)
		}
		o.sort = path
	}
	if o.output != "" && o.output != "wide" {
		format, err := output.Parse(o.output)
		if err != nil {
			return err
		}
		o.format = &format
	}
	return nil
}

func (o *get) run(ctx context.Context, args []string) error {
	if o.raw != "" {
		return o.printRaw(ctx, args)
	}
	if err := o.check(); err != nil {
		return err
	}
	targets, err := o.f.Targets(ctx, args)
	if err != nil {
		return err
	}
	named := len(targets[0].Names) > 0
	switch {
	case named && (o.selector != "" || o.fieldSelector != "" && !o.watch && !o.watchOnly):
		return cli.Usagef("names and selectors exclude each other")
	case named && o.allNamespaces:
		return cli.Usagef("an object with a name is in one namespace: --all-namespaces does not go with " +
			"names")
	case o.subresource != "" && !named:
		return cli.Usagef("--subresource needs names")
	}
	queries, err := o.queries(targets)
	if err != nil {
		return err
	}
	if o.watch || o.watchOnly {
		return o.follow(ctx, targets, queries)
	}
	if o.format != nil {
		return o.objects(ctx, targets, queries)
	}
	return o.tables(ctx, targets, queries)
}

// queries returns what is read for each target: one query for all objects, or one for each name.
func (o *get) queries(targets []cli.Target) ([][]list.Query, error) {
	c, err := o.f.REST()
	if err != nil {
		return nil, err
	}
	namespace, _, err := o.f.Namespace()
	if err != nil {
		return nil, err
	}
	if o.allNamespaces {
		namespace = ""
	}
	all := make([][]list.Query, len(targets))
	for i, target := range targets {
		q := list.Query{
			Client: c, Kind: target.Resource.Info, Namespace: namespace, Subresource: o.subresource,
			Labels: o.selector, Fields: o.fieldSelector, Chunk: o.chunk,
			ManagedFields: o.managedFields, Include: metav1.IncludeMetadata, Warn: o.warn,
		}
		q.Metadata = o.format != nil && o.format.NamesOnly() && o.sort == nil && !o.watchEvents &&
			o.subresource == ""
		if o.sort != nil {
			q.Include = metav1.IncludeObject
		}
		if len(target.Names) == 0 {
			all[i] = []list.Query{q}
			continue
		}
		for _, name := range target.Names {
			q.Name = name
			all[i] = append(all[i], q)
		}
	}
	return all, nil
}

// warn prints a line about a fault that does not end the command.
func (o *get) warn(text string) { fmt.Fprintln(o.f.Err, "skiff:", text) }

// keep returns err, unless it is that of an object that need not exist.
func (o *get) keep(err error) error {
	if o.ignoreNotFound && apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// objects prints objects in the format of --output.
func (o *get) objects(ctx context.Context, targets []cli.Target, queries [][]list.Query) error {
	one := len(targets) == 1 && len(targets[0].Names) == 1
	progress := o.f.Progress("objects")
	defer progress.Close()
	printer, err := o.format.New(progress.Writer(o.f.Out),
		output.Options{List: !one, NoHeaders: o.noHeaders})
	if err != nil {
		return err
	}
	print := printer.Print
	var sorted *sorter
	if o.sort != nil {
		sorted = &sorter{path: o.sort}
		print = sorted.addObject
	}
	var errs []error
	printed := 0
	for i, target := range targets {
		for _, q := range queries[i] {
			q.Progress = progress.Count
			for object, err := range q.Objects(ctx) {
				if err != nil {
					errs = append(errs, o.keep(err))
					break
				}
				printed++
				if err := print(output.Object{JSON: object.Data,
					Display: cli.ObjectName(target.Resource, object.Meta.Name)}); err != nil {
					return err
				}
			}
		}
	}
	if sorted != nil {
		for _, object := range sorted.objects() {
			if err := printer.Print(object); err != nil {
				return err
			}
		}
	}
	err = errors.Join(errs...)
	if printed == 0 && (err != nil || one || o.ignoreNotFound) {
		return err // not even an empty list
	}
	return errors.Join(printer.Close(), err)
}

// nothing prints that there are no objects.
func (o *get) nothing(queries [][]list.Query) {
	if o.ignoreNotFound {
		return
	}
	where := ""
	if first := queries[0][0]; first.Kind.Namespaced && first.Namespace != "" {
		where = " in namespace " + first.Namespace
	}
	fmt.Fprintf(o.f.Err, "No resources found%s.\n", where)
}

// printRaw prints the answer to a path of the API.
func (o *get) printRaw(ctx context.Context, args []string) error {
	if len(args) > 0 {
		return cli.Usagef("--raw takes no arguments")
	}
	c, err := o.f.REST()
	if err != nil {
		return err
	}
	path, rawQuery, _ := strings.Cut(o.raw, "?")
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return cli.Usagef("--raw %q: %w", o.raw, err)
	}
	req := c.Get().AbsPath(path)
	for _, key := range slices.Sorted(maps.Keys(query)) {
		for _, value := range query[key] {
			req = req.Param(key, value)
		}
	}
	body, err := req.Stream(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	_, err = io.Copy(o.f.Out, body)
	return err
}
