package command

import (
	"context"

	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/cmd/skiff/internal/cli"
	"github.com/skiff-k8s/skiff/discovery"
)

// target is an object that a command works on.
type target struct {
	object
	uid types.UID // "" if the object has not been read
}

// selection chooses the objects of a command that works on many.
type selection struct {
	manifests
	labels, fields     string
	all, allNamespaces bool
}

func (s *selection) flags(set *pflag.FlagSet) {
	s.manifests.flags(set)
	set.StringVarP(&s.labels, "selector", "l", "", "label `selector`, such as app=web,tier!=db")
	set.StringVar(&s.fields, "field-selector", "",
		"field `selector`, such as status.phase=Succeeded")
	set.BoolVar(&s.all, "all", false, "all objects of the types")
	set.BoolVarP(&s.allNamespaces, "all-namespaces", "A", false,
		"with --all or a selector: objects of all namespaces")
}

// selects reports whether objects are chosen by what they are, and not by names.
func (s *selection) selects() bool { return s.all || s.labels != "" || s.fields != "" }

// check finds mistakes on the command line.
func (s *selection) check(args []string) error {
	if err := s.manifests.check(); err != nil {
		return err
	}
	switch {
	case len(s.files) > 0 && len(args) > 0:
		return cli.Usagef("--filename and the argument %q exclude each other", args[0])
	case len(s.files) > 0 && (s.selects() || s.allNamespaces):
		return cli.Usagef("--filename excludes --selector, --field-selector, --all and --all-namespaces")
	case s.all && (s.labels != "" || s.fields != ""):
		return cli.Usagef("--all excludes --selector and --field-selector")
	case s.allNamespaces && !s.selects():
		return cli.Usagef("--all-namespaces needs --all, --selector or --field-selector")
	}
	if _, err := labels.Parse(s.labels); err != nil {
		return cli.Usagef("--selector %q: %w", s.labels, err)
	}
	if _, err := fields.ParseSelector(s.fields); err != nil {
		return cli.Usagef("--field-selector %q: %w", s.fields, err)
	}
	return nil
}

// targets returns the objects, in the order of the arguments. Objects that are named need not exist.
// verb is what the server has to offer for objects of a type that are selected.
func (s *selection) targets(
	ctx context.Context, f *cli.Factory, verb string, args []string,
) ([]target, error) {
	if err := s.check(args); err != nil {
		return nil, err
	}
	if len(s.files) > 0 {
		return s.manifests.targets(ctx, f)
	}
	named, err := f.Targets(ctx, args)
	if err != nil {
		return nil, err
	}
	namespace, _, err := f.Namespace()
	if err != nil {
		return nil, err
	}
	var all []target
	for _, t := range named {
		switch {
		case len(t.Names) > 0 && s.selects():
			return nil, cli.Usagef("names exclude --selector, --field-selector and --all")
		case len(t.Names) == 0 && !s.selects():
			return nil, cli.Usagef("name the %s, or give --selector or --all", t.Resource.Info.Resource)
		case len(t.Names) == 0 && (!t.Resource.Can("list") || !t.Resource.Can(verb)):
			continue // of a category
		case len(t.Names) == 0:
			found, err := s.list(ctx, f, t.Resource, namespace)
			if err != nil {
				return nil, err
			}
			all = append(all, found...)
		}
		for _, name := range t.Names {
			o := object{resource: t.Resource, name: name}
			if t.Resource.Info.Namespaced {
				o.namespace = namespace
			}
			all = append(all, target{object: o})
		}
	}
	return all, nil
}

// list returns the objects of a resource that are selected.
func (s *selection) list(
	ctx context.Context, f *cli.Factory, r discovery.Resource, namespace string,
) ([]target, error) {
	c, err := f.REST()
	if err != nil {
		return nil, err
	}
	objects := client.Metadata(c, r.Info)
	if r.Info.Namespaced && !s.allNamespaces {
		objects = objects.In(namespace)
	}
	var found []target
	opts := metav1.ListOptions{LabelSelector: s.labels, FieldSelector: s.fields}
	for m, err := range objects.All(ctx, opts) {
		if err != nil {
			return nil, err
		}
		found = append(found, target{object{r, m.Namespace, m.Name}, m.UID})
	}
	return found, nil
}
