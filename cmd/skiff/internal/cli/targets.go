package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/discovery"
)

// A Target is objects of one resource that the arguments of a command name.
type Target struct {
	Resource discovery.Resource
	// Names are those of the objects. None means all of them, or those that selectors choose.
	Names []string
}

// ErrNoTarget is the error of Targets without arguments.
var ErrNoTarget = Usagef("name a resource: TYPE [NAME ...] or TYPE/NAME ...; " +
	"skiff api-resources lists the types")

// Targets resolves arguments as kubectl takes them:
//
//	TYPE                all objects of a type; TYPE may be a category, such as "all"
//	TYPE1,TYPE2         of several types
//	TYPE NAME1 NAME2    some objects of one type or of several
//	TYPE/NAME …         objects of any types
//
// TYPE is a resource's name, its singular, short name or kind, with its group or version and group
// behind it if need be: deploy, Deployment, deployments.apps, deployments.v1.apps.
//
// If several resources match, an error lists them. If none does, meta.IsNoMatchError holds.
func (f *Factory) Targets(ctx context.Context, args []string) ([]Target, error) {
	if len(args) == 0 {
		return nil, ErrNoTarget
	}
	if slices.ContainsFunc(args, func(a string) bool { return strings.Contains(a, "/") }) {
		return f.slashed(ctx, args)
	}
	resources, err := f.types(ctx, args[0])
	if err != nil {
		return nil, err
	}
	names := args[1:]
	if slices.Contains(names, "") {
		return nil, Usagef("a name is empty")
	}
	targets := make([]Target, len(resources))
	for i, r := range resources {
		targets[i] = Target{Resource: r, Names: names}
	}
	return targets, nil
}

// slashed resolves arguments of the form TYPE/NAME. Neighbours of one type become one Target.
func (f *Factory) slashed(ctx context.Context, args []string) ([]Target, error) {
	var targets []Target
	for _, arg := range args {
		kind, name, ok := strings.Cut(arg, "/")
		switch {
		case !ok:
			return nil, Usagef("argument %q: if one argument is TYPE/NAME, all are", arg)
		case kind == "" || name == "" || strings.Contains(name, "/"):
			return nil, Usagef("argument %q: want TYPE/NAME", arg)
		case strings.Contains(kind, ","):
			return nil, Usagef("argument %q: want one type before the slash", arg)
		}
		r, err := f.Resource(ctx, kind)
		if err != nil {
			return nil, err
		}
		last := len(targets) - 1
		if last >= 0 && targets[last].Resource.Info == r.Info {
			targets[last].Names = append(targets[last].Names, name)
		} else {
			targets = append(targets, Target{Resource: r, Names: []string{name}})
		}
	}
	return targets, nil
}

// types resolves a list of types and categories with commas between them. Each resource is in the
// result once.
func (f *Factory) types(ctx context.Context, list string) ([]discovery.Resource, error) {
	mapper, err := f.Mapper()
	if err != nil {
		return nil, err
	}
	var found []discovery.Resource
	add := func(r discovery.Resource) {
		if !slices.ContainsFunc(found, func(o discovery.Resource) bool { return o.Info == r.Info }) {
			found = append(found, r)
		}
	}
	for _, name := range strings.Split(list, ",") {
		if name == "" {
			return nil, Usagef("argument %q: a type is empty", list)
		}
		members, err := mapper.Category(ctx, name)
		if err != nil && !partial(err) {
			return nil, err
		}
		for _, gr := range members {
			r, err := f.byGVR(ctx, gr.WithVersion(""))
			if err != nil {
				return nil, err
			}
			add(r)
		}
		if len(members) > 0 {
			continue
		}
		r, err := f.Resource(ctx, name)
		if err != nil {
			return nil, err
		}
		add(r)
	}
	return found, nil
}

// Resource resolves one type.
func (f *Factory) Resource(ctx context.Context, name string) (discovery.Resource, error) {
	mapper, err := f.Mapper()
	if err != nil {
		return discovery.Resource{}, err
	}
	versioned, group := schema.ParseResourceArg(name)
	if versioned != nil {
		if gvr, err := mapper.ResourceForWithContext(ctx, *versioned); err == nil {
			return f.byGVR(ctx, gvr)
		}
	}
	gvr, err := mapper.ResourceForWithContext(ctx, group.WithVersion(""))
	if err == nil {
		return f.byGVR(ctx, gvr)
	}
	// A kind is matched in lower case by its singular, which some servers do not name.
	if gvk, errKind := mapper.KindForWithContext(ctx, group.WithVersion("")); errKind == nil {
		if m, errMap := mapper.RESTMappingWithContext(ctx, gvk.GroupKind(), gvk.Version); errMap == nil {
			return f.byGVR(ctx, m.Resource)
		}
	}
	if meta.IsNoMatchError(err) {
		return discovery.Resource{}, &NoTypeError{Name: name, err: err}
	}
	return discovery.Resource{}, fmt.Errorf("find resource %q: %w", name, err)
}

// byGVR returns what discovery knows of a resource.
func (f *Factory) byGVR(
	ctx context.Context, gvr schema.GroupVersionResource,
) (discovery.Resource, error) {
	d, err := f.Discovery()
	if err != nil {
		return discovery.Resource{}, err
	}
	catalog, err := d.Catalog(ctx)
	if catalog == nil || err != nil && !partial(err) {
		return discovery.Resource{}, err
	}
	r, ok := catalog.ByGVR(gvr)
	if !ok {
		return r, &NoTypeError{Name: gvr.GroupResource().String(), err: &meta.NoResourceMatchError{
			PartialResource: gvr}}
	}
	return r, nil
}

// partial reports whether err means that an answer of discovery lacks some groups, and is of use.
func partial(err error) bool {
	var p *discovery.PartialError
	return errors.As(err, &p)
}

// A NoTypeError is the error of a type that the server does not serve. meta.IsNoMatchError holds for
// what it wraps.
type NoTypeError struct {
	Name string
	err  error
}

// Error names the type.
func (e *NoTypeError) Error() string {
	return fmt.Sprintf("find resource %q: the server serves none; skiff api-resources lists them", e.Name)
}

// Unwrap returns the mapper's error.
func (e *NoTypeError) Unwrap() error { return e.err }

// ObjectName returns how the output names an object, as kubectl does: "pod/web",
// "deployment.apps/web".
func ObjectName(r discovery.Resource, name string) string {
	kind := strings.ToLower(r.Info.Kind)
	if r.Info.Group != "" {
		kind += "." + r.Info.Group
	}
	return kind + "/" + name
}
