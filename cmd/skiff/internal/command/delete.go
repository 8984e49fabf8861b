package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/cmd/skiff/internal/cli"
	"github.com/skiff-k8s/skiff/cmd/skiff/internal/scan"
	"github.com/skiff-k8s/skiff/rest"
)

type deleting struct {
	selection
	wait, force, now, ignoreNotFound bool
	timeout                          time.Duration
	grace                            int64
	cascade, dryRun, output          string

	waitSet bool
}

func newDelete(f *cli.Factory) *cobra.Command {
	var o deleting
	cmd := &cobra.Command{
		Use:   "delete (TYPE NAME ... | TYPE/NAME ... | TYPE -l SELECTOR | TYPE --all | -f FILE)",
		Short: "Delete objects",
		Long: "Delete objects, and wait until they are gone. The objects of files are deleted in the " +
			"opposite order. An object that is selected is deleted only if it is the one that was listed, " +
			"and not another one that has its name since.",
		Example: "  skiff delete pod web-0 --now\n  skiff delete -f app.yaml --ignore-not-found\n" +
			"  skiff delete cm -l app=web --dry-run=server",
		GroupID:           groupWrite,
		ValidArgsFunction: f.CompleteTargets("delete"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.waitSet = cmd.Flags().Changed("wait")
			return o.run(cmd.Context(), f, args)
		},
	}
	flags := cmd.Flags()
	o.flags(flags)
	flags.BoolVar(&o.wait, "wait", true, "wait until the objects are gone (default with --force: false)")
	flags.DurationVar(&o.timeout, "timeout", 0, "how long to wait; 0 means no limit")
	flags.Int64Var(&o.grace, "grace-period", -1,
		"how many `seconds` the objects have to end; -1 means what each says, 0 needs --force")
	flags.BoolVar(&o.force, "force", false, "delete the objects at once, without waiting for what runs")
	flags.BoolVar(&o.now, "now", false, "the same as --grace-period=1")
	flags.BoolVar(&o.ignoreNotFound, "ignore-not-found", false, "an object that does not exist is no error")
	flags.StringVar(&o.cascade, "cascade", "background",
		"`policy` for what the objects own: background (deleted later), foreground (deleted before) or "+
			"orphan (kept)")
	flags.StringVar(&o.dryRun, "dry-run", "none", "`mode`: server asks the server and deletes nothing; none")
	flags.StringVarP(&o.output, "output", "o", "", "`format`: name prints TYPE/NAME only")
	complete(cmd, "cascade", "background", "foreground", "orphan")
	complete(cmd, "dry-run", "server", "none")
	complete(cmd, "output", "name")
	return cmd
}

// options checks the flags.
func (o *deleting) options() (metav1.DeleteOptions, error) {
	var opts metav1.DeleteOptions
	policies := map[string]metav1.DeletionPropagation{
		"background": metav1.DeletePropagationBackground,
		"foreground": metav1.DeletePropagationForeground,
		"orphan":     metav1.DeletePropagationOrphan,
	}
	policy, ok := policies[o.cascade]
	switch {
	case !ok:
		return opts, cli.Usagef("--cascade %q: want background, foreground or orphan", o.cascade)
	case o.output != "" && o.output != "name":
		return opts, cli.Usagef("--output %q: want name", o.output)
	case o.now && o.grace >= 0:
		return opts, cli.Usagef("--now and --grace-period exclude each other")
	case o.force && (o.grace > 0 || o.now):
		return opts, cli.Usagef("--force means a grace period of 0: it excludes another, and --now")
	case o.grace == 0 && !o.force:
		return opts, cli.Usagef("--grace-period 0 needs --force: what runs is then not waited for")
	case o.grace < -1:
		return opts, cli.Usagef("--grace-period must not be less than -1")
	case o.timeout < 0:
		return opts, cli.Usagef("--timeout must not be negative")
	}
	opts.PropagationPolicy = &policy
	switch {
	case o.force:
		opts.GracePeriodSeconds = new(int64(0))
	case o.now:
		opts.GracePeriodSeconds = new(int64(1))
	case o.grace > 0:
		opts.GracePeriodSeconds = &o.grace
	}
	var err error
	opts.DryRun, err = dryRun(o.dryRun)
	return opts, err
}

// dryRun returns the option of a request for a value of --dry-run.
func dryRun(mode string) ([]string, error) {
	switch mode {
	case "none":
		return nil, nil
	case "server":
		return []string{metav1.DryRunAll}, nil
	}
	return nil, cli.Usagef("--dry-run %q: want server or none", mode)
}

func (o *deleting) run(ctx context.Context, f *cli.Factory, args []string) error {
	opts, err := o.options()
	if err != nil {
		return err
	}
	targets, err := o.targets(ctx, f, "delete", args)
	if err != nil {
		return err
	}
	if len(targets) == 0 {
		fmt.Fprintln(f.Err, "No object matches.")
		return nil
	}
	if len(o.files) > 0 {
		slices.Reverse(targets)
	}
	if o.force && len(opts.DryRun) == 0 {
		fmt.Fprintln(f.Err, "Warning: what runs in the objects may go on: --force does not wait for it.")
	}
	if o.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, o.timeout,
			fmt.Errorf("the timeout of %v (--timeout) is over", o.timeout))
		defer cancel()
	}
	c, err := f.REST()
	if err != nil {
		return err
	}
	var errs []error
	var deleted []target
	for _, t := range targets {
		uid, err := deleteOne(ctx, c, t, opts)
		switch {
		case apierrors.IsNotFound(err) && (o.ignoreNotFound || o.selects()),
			apierrors.IsConflict(err) && t.uid != "": // another object has the name
			continue
		case err != nil:
			errs = append(errs, err)
			if ctx.Err() != nil {
				return errors.Join(errs...)
			}
			continue
		}
		o.print(f, t)
		t.uid = uid
		deleted = append(deleted, t)
	}
	if o.wait && (o.waitSet || !o.force) && len(opts.DryRun) == 0 {
		errs = append(errs, waitFor(ctx, f, deleted, true,
			func(t target) (client.Condition, func()) { return deletion(t.uid), func() {} }))
	}
	return errors.Join(errs...)
}

// deleteOne deletes an object, and returns its uid. If the uid is known before, no other object is
// deleted.
func deleteOne(
	ctx context.Context, c *rest.Client, t target, opts metav1.DeleteOptions,
) (types.UID, error) {
	if t.uid != "" {
		opts.Preconditions = &metav1.Preconditions{UID: &t.uid}
	}
	opts.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "DeleteOptions"}
	r := c.GroupVersion(t.resource.Info.GVK().GroupVersion()).Delete()
	if t.namespace != "" {
		r = r.Namespace(t.namespace)
	}
	answer, err := r.Resource(t.resource.Info.Resource).Name(t.name).
		SetHeader("Accept", "application/json").Body(&opts).DoRaw(ctx)
	if err != nil {
		return "", err
	}
	return uidOf(answer, t.uid), nil
}

// uidOf returns the uid in the answer to a delete: of the object, or of the details of a Status.
func uidOf(answer []byte, otherwise types.UID) types.UID {
	uid := otherwise
	c := scan.New(answer)
	for key := range c.Members() {
		if k := string(key); k != "metadata" && k != "details" {
			continue
		}
		for key := range c.Members() {
			if string(key) == "uid" {
				uid = types.UID(c.Text())
			}
		}
	}
	return uid
}

// print tells that an object is deleted.
func (o *deleting) print(f *cli.Factory, t target) {
	if o.output == "name" {
		fmt.Fprintln(f.Out, t)
		return
	}
	kind, name, _ := strings.Cut(t.String(), "/")
	how := "deleted"
	if o.force {
		how = "force deleted"
	}
	if t.namespace != "" {
		how += fmt.Sprintf(" from %s namespace", t.namespace)
	}
	if o.dryRun == "server" {
		how += " (server dry run)"
	}
	fmt.Fprintf(f.Out, "%s %q %s\n", kind, name, how)
}
