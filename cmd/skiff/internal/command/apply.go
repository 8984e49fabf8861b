package command

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/skiff-k8s/skiff/cmd/skiff/internal/cli"
	"github.com/skiff-k8s/skiff/discovery"
	"github.com/skiff-k8s/skiff/dynamic"
)

// defaultManager is the field manager of skiff apply.
const defaultManager = "skiff"

type applying struct {
	manifests
	serverSide, force, diff           bool
	manager, dryRun, validate, output string
	timeout                           time.Duration
}

func newApply(f *cli.Factory) *cobra.Command {
	var o applying
	cmd := &cobra.Command{
		Use:   "apply -f (FILE | FOLDER | -)",
		Short: "Set the fields of objects that files have, and create objects that do not exist",
		Long: "Set the fields of objects that files have, and create objects that do not exist, by " +
			"server-side apply. Namespaces and CustomResourceDefinitions come first; before an object of a " +
			"new CustomResourceDefinition is applied, apply waits until the server serves it. Fields of " +
			"other managers with other values are conflicts, which are listed; nothing of that object is " +
			"changed then.",
		Example: "  skiff apply -f app/ -R\n  skiff apply -f app.yaml --diff --dry-run=server\n" +
			"  kustomize build . | skiff apply -f -",
		GroupID: groupWrite,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.run(cmd.Context(), f)
		},
	}
	flags := cmd.Flags()
	o.flags(flags)
	flags.BoolVar(&o.serverSide, "server-side", true, "apply on the server; there is no other way")
	flags.BoolVar(&o.force, "force-conflicts", false, "take over the fields of other managers")
	flags.StringVar(&o.manager, "field-manager", defaultManager,
		"`name` under which the server records whose fields these are")
	flags.StringVar(&o.dryRun, "dry-run", "none", "`mode`: server asks the server and stores nothing; none")
	flags.BoolVar(&o.diff, "diff", false,
		"print what changes in the objects; if the server refuses one of them, nothing is applied")
	flags.StringVar(&o.validate, "validate", "strict",
		"`what` happens with fields that the server does not know: strict refuses them, warn, ignore")
	flags.DurationVar(&o.timeout, "timeout", time.Minute,
		"how long to wait for a CustomResourceDefinition of the files")
	flags.StringVarP(&o.output, "output", "o", "", "`format`: name prints TYPE/NAME only")
	complete(cmd, "dry-run", "server", "none")
	complete(cmd, "validate", "strict", "warn", "ignore")
	complete(cmd, "output", "name")
	return cmd
}

// validations are the values of --validate, and what the API calls them.
var validations = map[string]string{
	"strict": "Strict", "warn": "Warn", "ignore": "Ignore", "true": "Strict", "false": "Ignore",
}

// options checks the flags.
func (o *applying) options(f *cli.Factory) (dynamic.ApplyAllOptions, error) {
	opts := dynamic.ApplyAllOptions{FieldManager: o.manager, Force: o.force, Wait: o.timeout}
	var known bool
	opts.FieldValidation, known = validations[o.validate]
	switch {
	case len(o.files) == 0:
		return opts, cli.Usagef("--filename is missing: name files, folders or -")
	case !o.serverSide:
		return opts, cli.Usagef("--server-side=false: skiff applies on the server only")
	case o.manager == "":
		return opts, cli.Usagef("--field-manager is empty")
	case !known:
		return opts, cli.Usagef("--validate %q: want strict, warn or ignore", o.validate)
	case o.timeout <= 0:
		return opts, cli.Usagef("--timeout must be positive")
	case o.output != "" && o.output != "name":
		return opts, cli.Usagef("--output %q: want name", o.output)
	case o.output == "name" && o.diff:
		return opts, cli.Usagef("--diff and --output name exclude each other")
	}
	if err := o.manifests.check(); err != nil {
		return opts, err
	}
	mode, err := dryRun(o.dryRun)
	if err != nil {
		return opts, err
	}
	opts.DryRun = len(mode) > 0
	opts.Namespace, _, err = f.Namespace()
	return opts, err
}

func (o *applying) run(ctx context.Context, f *cli.Factory) error {
	opts, err := o.options(f)
	if err != nil {
		return err
	}
	var all []*unstructured.Unstructured
	for u, err := range o.objects(f) {
		if err != nil {
			return err
		}
		if u.GetNamespace() != "" {
			if _, err := namespaceOf(f, u); err != nil {
				return err
			}
		}
		all = append(all, u)
	}
	client, err := f.Dynamic(dynamic.KeepManagedFields())
	if err != nil {
		return err
	}
	mapper, err := f.Mapper()
	if err != nil {
		return err
	}
	if o.diff {
		d := differ{f: f, client: client}
		check := opts
		check.DryRun = true
		check.Each = func(a dynamic.Applied) { d.print(ctx, a) }
		_, err := dynamic.ApplyAll(ctx, client, mapper, copies(all), check)
		if err = errors.Join(d.err, readable(err, d.unchecked)); err != nil || opts.DryRun {
			return err
		}
	}
	opts.Each = func(a dynamic.Applied) {
		if a.Err == nil {
			o.print(f, a)
		}
	}
	_, err = dynamic.ApplyAll(ctx, client, mapper, copies(all), opts)
	return readable(err, false)
}

// copies returns an iterator over copies of objects.
func copies(all []*unstructured.Unstructured) iter.Seq2[*unstructured.Unstructured, error] {
	return func(yield func(*unstructured.Unstructured, error) bool) {
		for _, u := range all {
			if !yield(u.DeepCopy(), nil) {
				return
			}
		}
	}
}

// print tells that an object is applied.
func (o *applying) print(f *cli.Factory, a dynamic.Applied) {
	name := appliedName(a)
	switch {
	case o.output == "name":
		fmt.Fprintln(f.Out, name)
	case o.dryRun == "server":
		fmt.Fprintln(f.Out, name, "serverside-applied (server dry run)")
	default:
		fmt.Fprintln(f.Out, name, "serverside-applied")
	}
}

func appliedName(a dynamic.Applied) string {
	r := discovery.Resource{Info: a.Resource}
	if r.Info.Kind == "" { // it was not found
		gvk := a.Object.GroupVersionKind()
		r.Info.Kind, r.Info.Group = gvk.Kind, gvk.Group
	}
	return cli.ObjectName(r, a.Object.GetName())
}

// readable returns an error of ApplyAll with the conflicts of an object line by line. With unchecked,
// objects that a dry run could not check are left out.
func readable(err error, unchecked bool) error {
	if err == nil {
		return nil
	}
	all := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		all = slices.Clone(joined.Unwrap())
	}
	var errs []error
	for _, one := range all {
		if unchecked && errors.Is(one, dynamic.ErrNotChecked) {
			continue
		}
		if failed, ok := errors.AsType[*dynamic.ApplyError](one); ok && len(failed.Conflicts()) > 0 {
			one = conflictError(failed)
		}
		errs = append(errs, one)
	}
	return errors.Join(errs...)
}

// conflictError lists the fields in conflict and their managers.
func conflictError(e *dynamic.ApplyError) error {
	var text strings.Builder
	fmt.Fprintf(&text, "apply %s %q (object %d): fields belong to other managers; "+
		"--force-conflicts takes them over:", e.GVK.Kind, e.Name, e.Number)
	for _, c := range e.Conflicts() {
		manager := c.Manager
		if manager == "" {
			manager = c.Message
		}
		fmt.Fprintf(&text, "\n  %s: %s", c.Field, manager)
	}
	return errors.New(text.String())
}
