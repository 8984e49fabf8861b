package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/cmd/skiff/internal/cli"
	"github.com/skiff-k8s/skiff/cmd/skiff/internal/schema"
	"github.com/skiff-k8s/skiff/discovery"
	"github.com/skiff-k8s/skiff/kind"
)

// textWidth is how long a line of a description is, at most.
const textWidth = 80

type explain struct {
	f          *cli.Factory
	recursive  bool
	apiVersion string
}

func newExplain(f *cli.Factory) *cobra.Command {
	o := explain{f: f}
	cmd := &cobra.Command{
		Use:   "explain TYPE[.FIELD ...]",
		Short: "Print what the fields of a resource mean",
		Long:  "explain prints what the server's OpenAPI document says of a resource, or of one of its fields.",
		Example: "  skiff explain pods.spec.containers\n  skiff explain deploy.spec --recursive\n" +
			"  skiff explain events --api-version events.k8s.io/v1",
		GroupID: groupServer,
		Args:    cobra.ExactArgs(1),
		ValidArgsFunction: func(
			cmd *cobra.Command, args []string, word string,
		) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return f.CompleteTargets("get")(cmd, args, word)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), args[0])
		},
	}
	cmd.Flags().BoolVar(&o.recursive, "recursive", false, "print the names of all fields below, too")
	cmd.Flags().StringVar(&o.apiVersion, "api-version", "",
		"`version`, such as apps/v1 (default: the server's preferred one)")
	return cmd
}

func (o *explain) run(ctx context.Context, path string) error {
	name, rest, dotted := strings.Cut(path, ".")
	fields := strings.Split(rest, ".")
	if !dotted {
		fields = nil
	}
	k, err := o.resource(ctx, name)
	var s *schema.Schema
	if err == nil {
		s, err = o.find(ctx, k, fields)
	}
	var noField *noFieldError
	if dotted && err != nil && (errors.As(err, &noField) || errors.As(err, new(*cli.NoTypeError))) {
		// What looks like fields may be the resource's group: boats.example.com.
		if r, errWhole := o.f.Resource(ctx, path); errWhole == nil {
			k, fields = r.Info, nil
			s, err = o.find(ctx, k, nil)
		}
	}
	if err != nil {
		return err
	}
	out := bufio.NewWriter(o.f.Out)
	if err := o.print(out, k, fields, s); err != nil {
		return err
	}
	return out.Flush()
}

// resource returns the kind of a resource, in --api-version if that is set.
func (o *explain) resource(ctx context.Context, name string) (kind.Info, error) {
	if o.apiVersion == "" {
		r, err := o.f.Resource(ctx, name)
		return r.Info, err
	}
	gv, err := apischema.ParseGroupVersion(o.apiVersion)
	if err != nil {
		return kind.Info{}, cli.Usagef("--api-version %q: want a version such as apps/v1", o.apiVersion)
	}
	mapper, err := o.f.Mapper()
	if err != nil {
		return kind.Info{}, err
	}
	gvr, err := mapper.ResourceForWithContext(ctx, gv.WithResource(name))
	if err != nil {
		return kind.Info{}, fmt.Errorf("find resource %q in %s: %w", name, o.apiVersion, err)
	}
	d, err := o.f.Discovery()
	if err != nil {
		return kind.Info{}, err
	}
	return d.ByGVR(ctx, gvr)
}

// A noFieldError is the error of a field that does not exist.
type noFieldError struct{ path, field string }

func (e *noFieldError) Error() string {
	return fmt.Sprintf("explain %s: there is no field %q", e.path, e.field)
}

// find returns the schema of a field of a kind.
func (o *explain) find(ctx context.Context, k kind.Info, fields []string) (*schema.Schema, error) {
	c, err := o.f.REST()
	if err != nil {
		return nil, err
	}
	gvk := k.GVK()
	data, err := discovery.NewOpenAPI(c).GroupVersion(ctx, gvk.GroupVersion())
	if err != nil {
		return nil, fmt.Errorf("read the OpenAPI document of %s: %w", k.APIVersion(), err)
	}
	document, err := schema.Parse(data)
	if err != nil {
		return nil, err
	}
	s, ok := document.Kind(gvk)
	if !ok {
		return nil, fmt.Errorf("explain %s: the server's OpenAPI document does not describe it",
			k.GVR().GroupResource())
	}
	path := k.Resource
	for _, field := range fields {
		all, err := s.Fields()
		if err != nil {
			return nil, fmt.Errorf("explain %s: %w", path, err)
		}
		i := slices.IndexFunc(all, func(f schema.Field) bool { return f.Name == field })
		if i < 0 {
			return nil, &noFieldError{path, field}
		}
		s = all[i].Schema
		path += "." + field
	}
	return s, nil
}

func (o *explain) print(out io.Writer, k kind.Info, fields []string, s *schema.Schema) error {
	if k.Group != "" {
		fmt.Fprintf(out, "GROUP:      %s\n", k.Group)
	}
	fmt.Fprintf(out, "KIND:       %s\nVERSION:    %s\n\n", k.Kind, k.Version)
	if len(fields) > 0 {
		fmt.Fprintf(out, "FIELD: %s <%s>\n\n", fields[len(fields)-1], s.Type())
	}
	fmt.Fprintln(out, "DESCRIPTION:")
	wrap(out, "    ", s.Description())
	if enum := s.Enum(); len(enum) > 0 {
		fmt.Fprintf(out, "\nENUM:\n    %s\n", strings.Join(enum, "\n    "))
	}
	all, err := s.Fields()
	if err != nil || len(all) == 0 {
		return err
	}
	fmt.Fprintln(out, "\nFIELDS:")
	if o.recursive {
		return o.tree(out, "  ", s, map[string]bool{s.Name(): true})
	}
	for _, f := range all {
		fmt.Fprintf(out, "  %s\t<%s>%s\n", f.Name, f.Type(), required(f))
		wrap(out, "    ", f.Description())
		fmt.Fprintln(out)
	}
	return nil
}

func required(f schema.Field) string {
	if f.Required {
		return " -required-"
	}
	return ""
}

// tree prints the names of all fields below. within holds the types around: one that contains itself
// is not printed again.
func (o *explain) tree(out io.Writer, indent string, s *schema.Schema, within map[string]bool) error {
	fields, err := s.Fields()
	if err != nil {
		return err
	}
	for _, f := range fields {
		fmt.Fprintf(out, "%s%s\t<%s>%s\n", indent, f.Name, f.Type(), required(f))
		name := f.Schema.Name()
		if name != "" && within[name] {
			continue
		}
		within[name] = true
		if err := o.tree(out, indent+"  ", f.Schema, within); err != nil {
			return err
		}
		delete(within, name)
	}
	return nil
}

// wrap prints text in lines of textWidth, each behind indent. Lines of the text stay apart.
func wrap(out io.Writer, indent, text string) {
	if text == "" {
		text = "<empty>"
	}
	for line := range strings.Lines(text) {
		column := 0
		for _, word := range strings.Fields(line) {
			switch {
			case column == 0:
				fmt.Fprint(out, indent, word)
				column = len(indent) + len(word)
			case column+1+len(word) > textWidth:
				fmt.Fprint(out, "\n", indent, word)
				column = len(indent) + len(word)
			default:
				fmt.Fprint(out, " ", word)
				column += 1 + len(word)
			}
		}
		fmt.Fprintln(out)
	}
}
