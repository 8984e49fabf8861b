package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/duration"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	"github.com/skiff-k8s/skiff/cmd/skiff/internal/cli"
	"github.com/skiff-k8s/skiff/cmd/skiff/internal/columns"
	"github.com/skiff-k8s/skiff/cmd/skiff/internal/list"
	"github.com/skiff-k8s/skiff/discovery"
	"github.com/skiff-k8s/skiff/rest"
)

type describe struct {
	f             *cli.Factory
	allNamespaces bool
	selector      string
	events, tree  bool
}

func newDescribe(f *cli.Factory) *cobra.Command {
	o := describe{f: f}
	cmd := &cobra.Command{
		Use:   "describe (TYPE [NAME ...] | TYPE/NAME ...)",
		Short: "Print an object's fields, its owners, what it owns, and its Events",
		Long: "describe prints the fields of objects, the tree of their owners and of what they own, and " +
			"their Events. Of a Secret it prints how long the values are.\n\n" +
			"The tree of a namespaced object is looked for in its namespace, by a list of the metadata " +
			"of each resource; that of a cluster-scoped one among cluster-scoped objects.",
		Example:           "  skiff describe pod web-0\n  skiff describe deploy/web --tree=false",
		GroupID:           groupRead,
		ValidArgsFunction: f.CompleteTargets("get"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), args)
		},
	}
	cmd.Flags().BoolVarP(&o.allNamespaces, "all-namespaces", "A", false, "objects of all namespaces")
	cmd.Flags().StringVarP(&o.selector, "selector", "l", "", "label `selector`")
	cmd.Flags().BoolVar(&o.events, "show-events", true, "print the Events")
	cmd.Flags().BoolVar(&o.tree, "tree", true, "print the owners, and what the object owns")
	return cmd
}

func (o *describe) run(ctx context.Context, args []string) error {
	lookup := get{f: o.f, allNamespaces: o.allNamespaces, selector: o.selector,
		chunk: list.DefaultChunk}
	if err := lookup.check(); err != nil {
		return err
	}
	targets, err := o.f.Targets(ctx, args)
	if err != nil {
		return err
	}
	if len(targets[0].Names) > 0 && (o.allNamespaces || o.selector != "") {
		return cli.Usagef("names exclude --all-namespaces and --selector")
	}
	queries, err := lookup.queries(targets)
	if err != nil {
		return err
	}
	c, err := o.f.REST()
	if err != nil {
		return err
	}
	out := bufio.NewWriter(o.f.Out)
	bold := cli.Colour(o.f.Out)
	var errs []error
	count := 0
	for i, target := range targets {
		for _, q := range queries[i] {
			for object, err := range q.Objects(ctx) {
				if err != nil {
					errs = append(errs, err)
					break
				}
				if count++; count > 1 {
					fmt.Fprint(out, "\n\n")
				}
				d := description{describe: o, client: c, resource: target.Resource, bold: bold, out: out}
				if err := d.print(ctx, object.Data); err != nil {
					return errors.Join(err, out.Flush())
				}
				if err := out.Flush(); err != nil {
					return err
				}
			}
		}
	}
	if count == 0 && len(errs) == 0 {
		lookup.nothing(queries)
	}
	return errors.Join(errs...)
}

// description is the description of one object.
type description struct {
	*describe
	client   *rest.Client
	resource discovery.Resource
	bold     bool
	out      *bufio.Writer
}

func (d *description) print(ctx context.Context, data []byte) error {
	u := &unstructured.Unstructured{}
	if err := utiljson.Unmarshal(data, &u.Object); err != nil {
		return fmt.Errorf("decode the object: %w", err)
	}
	d.head(u)
	hideSecret(u)
	conditions := takeConditions(u)
	for _, field := range slices.Sorted(maps.Keys(u.Object)) {
		switch field {
		case "apiVersion", "kind", "metadata":
			continue
		}
		text, err := yaml.Marshal(u.Object[field])
		if err != nil {
			return fmt.Errorf("print field %s: %w", field, err)
		}
		switch u.Object[field].(type) {
		case map[string]any, []any:
			d.section(title(field))
			for line := range strings.Lines(string(text)) {
				d.out.WriteString("  " + line)
			}
		default:
			d.section(title(field))
			d.out.WriteString("  " + string(text))
		}
	}
	if len(conditions) > 0 {
		d.section("Conditions")
		d.conditions(conditions)
	}
	if d.tree {
		if err := d.owners(ctx, u); err != nil {
			return err
		}
	}
	if d.events {
		return d.printEvents(ctx, u)
	}
	return nil
}

// section begins a part of the description.
func (d *description) section(name string) {
	if d.bold {
		name = "\x1b[1m" + name + ":\x1b[0m"
	} else {
		name += ":"
	}
	fmt.Fprintln(d.out, name)
}

// head prints the metadata.
func (d *description) head(u *unstructured.Unstructured) {
	t := columns.New(d.out)
	t.Row("Name:", u.GetName())
	if u.GetNamespace() != "" {
		t.Row("Namespace:", u.GetNamespace())
	}
	t.Row("Kind:", u.GetKind()+" ("+u.GetAPIVersion()+")")
	pairs := func(name string, m map[string]string) {
		if len(m) == 0 {
			t.Row(name, "<none>")
		}
		for _, key := range slices.Sorted(maps.Keys(m)) {
			t.Row(name, key+"="+m[key])
			name = ""
		}
	}
	pairs("Labels:", u.GetLabels())
	annotations := u.GetAnnotations()
	delete(annotations, "kubectl.kubernetes.io/last-applied-configuration") // the whole object again
	pairs("Annotations:", annotations)
	if created := u.GetCreationTimestamp(); !created.IsZero() {
		t.Row("Created:", created.UTC().Format(time.RFC3339)+" ("+age(created.Time)+" ago)")
	}
	if deleted := u.GetDeletionTimestamp(); deleted != nil {
		t.Row("Deleting:", "since "+deleted.UTC().Format(time.RFC3339))
	}
	if len(u.GetFinalizers()) > 0 {
		t.Row("Finalizers:", strings.Join(u.GetFinalizers(), ", "))
	}
	_ = t.Flush() // an error of out stays in it
}

func age(since time.Time) string { return duration.HumanDuration(time.Since(since)) }

// title returns the name of a field as a heading.
func title(field string) string { return strings.ToUpper(field[:1]) + field[1:] }

// hideSecret replaces the values of a Secret by their lengths.
func hideSecret(u *unstructured.Unstructured) {
	if u.GetKind() != "Secret" || u.GroupVersionKind().Group != "" {
		return
	}
	for _, field := range []string{"data", "stringData"} {
		values, _, _ := unstructured.NestedStringMap(u.Object, field)
		for key, value := range values {
			n := len(value)
			if field == "data" { // base64
				n = n/4*3 - strings.Count(value, "=")
			}
			_ = unstructured.SetNestedField(u.Object, fmt.Sprintf("%d bytes", n), field, key)
		}
	}
}

// takeConditions removes status.conditions and returns it, if it is what conditions look like.
func takeConditions(u *unstructured.Unstructured) []map[string]any {
	items, ok, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
	if !ok {
		return nil
	}
	var conditions []map[string]any
	for _, item := range items {
		c, ok := item.(map[string]any)
		if !ok || c["type"] == nil || c["status"] == nil {
			return nil
		}
		conditions = append(conditions, c)
	}
	unstructured.RemoveNestedField(u.Object, "status", "conditions")
	return conditions
}

func (d *description) conditions(conditions []map[string]any) {
	t := columns.New(d.out)
	t.Row("  TYPE", "STATUS", "AGE", "REASON", "MESSAGE")
	for _, c := range conditions {
		text := func(key string) string {
			s, _ := c[key].(string)
			return s
		}
		since := ""
		if at, err := time.Parse(time.RFC3339, text("lastTransitionTime")); err == nil {
			since = age(at)
		}
		t.Row("  "+text("type"), text("status"), since, text("reason"), text("message"))
	}
	_ = t.Flush()
}
