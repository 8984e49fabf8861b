package dynamic

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/internal/ctxerr"
	"github.com/skiff-k8s/skiff/internal/verbs"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/wire"
)

// Mapper finds the resource of a kind. The Mapper of package discovery is one.
type Mapper interface {
	// RESTMappingWithContext returns the resource of a kind in the first of the versions that is
	// served. If there is none, meta.IsNoMatchError holds for the error.
	RESTMappingWithContext(ctx context.Context, gk schema.GroupKind,
		versions ...string) (*meta.RESTMapping, error)
	// ResetWithContext discards what is cached.
	ResetWithContext(ctx context.Context)
}

// ApplyAllOptions are the options of ApplyAll. FieldManager is needed.
type ApplyAllOptions struct {
	// FieldManager, Force and DryRun are those of server-side apply: the name under which the
	// server records which fields are the program's; whether fields of other managers are taken
	// over; whether nothing is stored.
	FieldManager string
	Force        bool
	DryRun       bool

	// FieldValidation is what the server does about fields that it does not know: Strict, Warn or
	// Ignore of metav1. "" means Strict: the object is refused.
	FieldValidation string

	// Namespace is that of namespaced objects that name none. "" means that such an object is an
	// error.
	Namespace string

	// StopOnError makes ApplyAll end with the first object that fails. By default it goes on.
	StopOnError bool

	// Wait bounds the wait for a CustomResourceDefinition of the stream, before the first of its
	// objects is applied. 0 means the default, a minute; negative means no wait.
	Wait time.Duration

	// Each is called after each object, in the goroutine of the call of ApplyAll. It may be nil.
	Each func(Applied)
}

// Applied is what became of one object.
type Applied struct {
	Number   int                        // its number in the stream, from 1
	Object   *unstructured.Unstructured // as it was in the stream
	Resource kind.Info                  // its Resource is empty if it was not found
	Stored   *unstructured.Unstructured // as the server returned it; nil if Err is set
	Err      error                      // an [*ApplyError], or nil
}

// applyWait is the default of Wait.
const applyWait = time.Minute

// ApplyAll applies all objects of a stream by server-side apply, as those that [Decode] yields. See
// [Resource.Apply] for what is sent of each.
//
//	applied, err := dynamic.ApplyAll(ctx, dynamic.New(c), discovery.NewMapper(discovery.New(c)),
//		dynamic.Decode(file), dynamic.ApplyAllOptions{FieldManager: "deploy"})
//
// ApplyAll reads the whole stream before it sends anything. If the stream yields an error, nothing
// is applied, and that error is returned. Then it applies Namespaces, CustomResourceDefinitions and
// everything else, each in the order of the stream, one after the other. Before it applies an object
// of a CustomResourceDefinition of the stream, it waits until that is established and the server
// serves it, at most opts.Wait.
//
// It goes on after an object that fails, unless opts.StopOnError is set. It returns what became of
// each object that it tried, in order. The error joins one *[ApplyError] for each that failed; if the
// context ends or StopOnError is set, one more says how many objects were not tried. An object that
// is in the stream twice fails the second time: its fields would be removed again.
//
// If other managers own fields with other values, apierrors.IsConflict holds for an object's error,
// and Conflicts of ApplyError lists the fields and their managers.
//
// A dry run cannot check the objects of a CustomResourceDefinition or a Namespace that is not there
// yet, since it stores neither: errors.Is(err, [ErrNotChecked]) holds for their errors.
func ApplyAll(ctx context.Context, c *Client, m Mapper,
	objects iter.Seq2[*unstructured.Unstructured, error], opts ApplyAllOptions) ([]Applied, error) {
	switch {
	case m == nil:
		return nil, &kind.MisuseError{Verb: "apply", Resource: "all objects",
			Problem: "the mapper is nil: discovery.NewMapper makes one"}
	case opts.FieldManager == "":
		return nil, &kind.MisuseError{Verb: "apply", Resource: "all objects",
			Problem: "the options have no FieldManager: set it to a constant name of this program"}
	}
	opts.FieldValidation = cmp.Or(opts.FieldValidation, metav1.FieldValidationStrict)
	opts.Wait = cmp.Or(opts.Wait, applyWait)
	run := applying{client: c, mapper: m, opts: opts, crds: map[schema.GroupKind]*definition{},
		namespaces: map[string]bool{}, seen: map[identity]int{}}
	var all []Applied
	for u, err := range objects {
		if err != nil {
			return nil, err
		}
		all = append(all, Applied{Number: len(all) + 1, Object: u})
	}
	slices.SortStableFunc(all, func(a, b Applied) int {
		return cmp.Compare(rank(a.Object), rank(b.Object))
	})
	var errs []error
	for i := range all {
		if left := len(all) - i; ctx.Err() != nil {
			errs = append(errs, fmt.Errorf("%d objects were not applied: %w", left, ctxerr.Of(ctx)))
			return all[:i], errors.Join(errs...)
		}
		run.apply(ctx, &all[i])
		if opts.Each != nil {
			opts.Each(all[i])
		}
		if all[i].Err == nil {
			continue
		}
		errs = append(errs, all[i].Err)
		if left := len(all) - i - 1; opts.StopOnError {
			if left > 0 {
				errs = append(errs, fmt.Errorf("%d objects were not applied: StopOnError is set",
					left))
			}
			return all[:i+1], errors.Join(errs...)
		}
	}
	return all, errors.Join(errs...)
}

var (
	namespaceKind  = schema.GroupKind{Kind: "Namespace"}
	definitionKind = schema.GroupKind{Group: "apiextensions.k8s.io",
		Kind: "CustomResourceDefinition"}
)

// rank is the place of an object in the order of ApplyAll.
func rank(u *unstructured.Unstructured) int {
	switch u.GroupVersionKind().GroupKind() {
	case namespaceKind:
		return 0
	case definitionKind:
		return 1
	}
	return 2
}

// applying is a call of ApplyAll.
type applying struct {
	client *Client
	mapper Mapper
	opts   ApplyAllOptions

	seen       map[identity]int                 // the numbers of the objects that were tried
	namespaces map[string]bool                  // of the stream
	crds       map[schema.GroupKind]*definition // of the stream, by the kind that they define
}

// identity is what the server stores one object of.
type identity struct {
	schema.GroupKind
	namespace, name string
}

// apply applies one object.
func (run *applying) apply(ctx context.Context, a *Applied) {
	err := run.tryApply(ctx, a)
	if err == nil {
		return
	}
	gvk := a.Object.GroupVersionKind()
	if run.opts.DryRun && run.isMissing(a, err) {
		err = fmt.Errorf("%w: %w", ErrNotChecked, err)
	}
	a.Err = &ApplyError{Number: a.Number, GVK: gvk, Namespace: a.Object.GetNamespace(),
		Name: a.Object.GetName(), Err: err}
}

func (run *applying) tryApply(ctx context.Context, a *Applied) error {
	gvk := a.Object.GroupVersionKind()
	crd := run.crds[gvk.GroupKind()]
	if gvk.GroupKind() == definitionKind {
		d := definitionOf(a.Object)
		run.crds[d.defines] = d
		defer func() { d.applied = a.Stored }()
	}
	waits := crd.isToBeServed(gvk.Version) && !run.opts.DryRun && run.opts.Wait > 0
	if !waits {
		return run.once(ctx, a)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, run.opts.Wait,
		fmt.Errorf("the bound of the wait, %v, is over", run.opts.Wait))
	defer cancel()
	return run.whenServed(ctx, a, crd)
}

// once finds the resource of an object, and applies the object.
func (run *applying) once(ctx context.Context, a *Applied) error {
	gvk := a.Object.GroupVersionKind()
	mapping, err := run.mapper.RESTMappingWithContext(ctx, gvk.GroupKind(), gvk.Version)
	if err != nil {
		return fmt.Errorf("find its resource: %w", err)
	}
	a.Resource = kind.Info{Group: gvk.Group, Version: gvk.Version, Kind: gvk.Kind,
		Resource:   mapping.Resource.Resource,
		Namespaced: mapping.Scope.Name() == meta.RESTScopeNameNamespace}
	if k, ok := kind.ByGVR(mapping.Resource); ok && k.Kind == gvk.Kind {
		a.Resource.Protobuf = k.Protobuf
	}
	d := Resource{verbs.Resource{Rest: run.client.rest, Kind: a.Resource, Whole: true,
		Format: wire.JSON, Defaults: verbs.Defaults{Validation: run.opts.FieldValidation,
			DryRun: run.opts.DryRun}}}
	id := identity{gvk.GroupKind(), "", a.Object.GetName()}
	if a.Resource.Namespaced {
		id.namespace = cmp.Or(a.Object.GetNamespace(), run.opts.Namespace)
		d = *d.In(id.namespace)
	}
	if first, ok := run.seen[id]; ok && first != a.Number {
		return fmt.Errorf("the object is in the stream twice: it is object %d, too", first)
	}
	run.seen[id] = a.Number
	if gvk.GroupKind() == namespaceKind {
		run.namespaces[a.Object.GetName()] = true
	}
	a.Stored, err = d.apply(ctx, a.Object, &metav1.ApplyOptions{
		FieldManager: run.opts.FieldManager, Force: run.opts.Force}, nil)
	return err
}
