package verbs

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/wire"
)

// Create makes an object.
func (r Resource) Create(ctx context.Context, s Sent, opts *metav1.CreateOptions,
	sub []string) (wire.Object, error) {
	if s.Name == "" && (s.GenerateName == "" || len(sub) > 0) && !nameless(s.GVK.Kind) &&
		!nameless(r.Kind.Kind) {
		return wire.Object{}, r.misuse("create", "",
			"the object's metadata.name and metadata.generateName are empty: set one of them")
	}
	r, err := r.place("create", s, sub)
	if err == nil {
		err = r.complete("create", s.Name, &opts.FieldManager, &opts.FieldValidation, &opts.DryRun)
	}
	if err != nil {
		return wire.Object{}, err
	}
	req := r.to(r.Rest.Post())
	if len(sub) > 0 {
		req = req.Name(s.Name).SubResource(sub...)
	}
	r.answer = s.GVK.Kind
	return r.write(ctx, req.VersionedParams(opts).Body(s.Value).Kind(r.gvk()), opts.DryRun, sub,
		content{verb: "create", body: s.Value, created: s.Value})
}

// Update replaces an object or, with sub, a subresource of it.
func (r Resource) Update(ctx context.Context, s Sent, opts *metav1.UpdateOptions,
	sub []string) (wire.Object, error) {
	r, err := r.named("update", s, sub)
	if err == nil {
		err = r.complete("update", s.Name, &opts.FieldManager, &opts.FieldValidation, &opts.DryRun)
	}
	if err != nil {
		return wire.Object{}, err
	}
	req := r.to(r.Rest.Put()).Name(s.Name).SubResource(sub...).VersionedParams(opts).Body(
		s.Value).Kind(r.gvk())
	r.answer = s.GVK.Kind
	return r.write(ctx, req, opts.DryRun, sub, content{verb: "update", body: s.Value})
}

// Patch changes an object or, with sub, a subresource of it.
func (r Resource) Patch(ctx context.Context, name string, pt types.PatchType, data []byte,
	opts *metav1.PatchOptions, sub []string) (wire.Object, error) {
	r, err := r.one("patch", name)
	if err == nil {
		err = r.complete("patch", name, &opts.FieldManager, &opts.FieldValidation, &opts.DryRun)
	}
	if err != nil {
		return wire.Object{}, err
	}
	switch {
	case pt == "":
		return wire.Object{}, r.misuse("patch", name,
			"the patch type is empty: use one of package types, such as types.MergePatchType")
	case len(data) == 0:
		return wire.Object{}, r.misuse("patch", name,
			"the patch is empty: the patch that changes nothing is {}")
	case pt == types.ApplyPatchType && opts.FieldManager == "":
		return wire.Object{}, r.noManager("patch", name)
	}
	req := r.to(r.Rest.Patch(pt)).Name(name).SubResource(sub...).VersionedParams(opts).Body(data)
	return r.write(ctx, req, opts.DryRun, sub, content{verb: "patch", body: data, patch: data, of: pt})
}

// Apply sends an object's body, as trimmed by TrimApply, by server-side apply.
func (r Resource) Apply(ctx context.Context, s Sent, body []byte, opts *metav1.ApplyOptions,
	sub []string) (wire.Object, error) {
	r, err := r.named("apply", s, sub)
	params := opts.ToPatchOptions()
	if err == nil {
		err = r.complete("apply", s.Name, &params.FieldManager, &params.FieldValidation,
			&params.DryRun)
	}
	if err != nil {
		return wire.Object{}, err
	}
	if params.FieldManager == "" {
		return wire.Object{}, r.noManager("apply", s.Name)
	}
	req := r.to(r.Rest.Patch(types.ApplyPatchType)).Name(s.Name).SubResource(sub...).
		VersionedParams(&params).Body(body)
	r.answer = s.GVK.Kind
	return r.write(ctx, req, params.DryRun, sub, content{verb: "apply", body: body, patch: body, of: types.ApplyPatchType})
}

func (r Resource) noManager(verb, name string) error {
	return r.misuse(verb, name, "the options have no FieldManager: set it to a constant name of "+
		"this program, such as \"backup-controller\"; "+
		"the server records by that name which fields the program owns")
}

// Delete deletes one object.
func (r Resource) Delete(ctx context.Context, name string, opts metav1.DeleteOptions) error {
	r, err := r.one("delete", name)
	if err == nil {
		err = r.complete("delete", name, nil, nil, &opts.DryRun)
	}
	if err != nil {
		return err
	}
	result := r.withDeleteOptions(r.to(r.Rest.Delete()).Name(name), &opts).Do(ctx)
	o, empty, err := r.deleted(result)
	if err != nil {
		return err
	}
	tell := observer(ctx)
	if tell == nil || len(opts.DryRun) > 0 {
		return nil
	}
	w := Write{Kind: r.Kind, Namespace: r.Namespace, Name: name, Deleted: true}
	w.sent(ctx, "delete", nil, opts)
	if status := new(metav1.Status); o.Kind == "Status" && wire.Decode(o, status) == nil {
		if status.Details != nil {
			w.UID = string(status.Details.UID)
		}
	} else if !empty {
		w.UID, w.ResourceVersion = o.Meta.UID, o.Meta.ResourceVersion
		w = r.identified(w, o)
	}
	tell(w)
	return nil
}

// deleted returns the answer to the deletion of an object: a Status, or the object if it remains
// for a while (finalizers, a grace period). Some servers answer with nothing.
func (r Resource) deleted(result rest.Result) (o wire.Object, empty bool, err error) {
	if data, err := result.Raw(); err != nil || len(data) == 0 {
		return wire.Object{}, true, err
	}
	o, err = result.Object(r.options())
	return o, false, err
}

// DeleteCollection deletes every object that list selects.
func (r Resource) DeleteCollection(ctx context.Context, opts metav1.DeleteOptions,
	list metav1.ListOptions) error {
	if r.Whole && r.Kind.Namespaced && r.Namespace == "" {
		return r.misuse("delete all", "",
			"the API deletes collections of one namespace only: use In(namespace)")
	}
	r, err := r.inScope("delete all", "", false)
	if err == nil {
		err = r.complete("delete all", "", nil, nil, &opts.DryRun)
	}
	if err != nil {
		return err
	}
	list.Watch = false
	result := r.withDeleteOptions(r.to(r.Rest.Delete()).VersionedParams(&list), &opts).Do(ctx)
	tell := observer(ctx)
	if tell == nil || len(opts.DryRun) > 0 {
		tell = func(Write) {}
	}
	return r.allDeleted(result, func(w Write) {
		w.sent(ctx, "deletecollection", nil, opts)
		tell(w)
	})
}

// allDeleted reads the answer to the deletion of a collection and calls tell for each of its
// objects. The server answers with the objects as they were before, so that the last
// resourceVersion is not known, or with a Status, or some servers with nothing.
func (r Resource) allDeleted(result rest.Result, tell func(Write)) error {
	if data, err := result.Raw(); err != nil || len(data) == 0 {
		return err
	}
	items, err := result.Items(r.options())
	if err != nil {
		return err
	}
	for _, o := range items {
		tell(r.identified(Write{Kind: r.Kind, Namespace: o.Meta.Namespace, Name: o.Meta.Name,
			UID: o.Meta.UID, Deleted: true}, o))
	}
	return nil
}

// withDeleteOptions sends options in the body, as the API asks for. Query parameters are for
// clients that cannot send a body.
func (r Resource) withDeleteOptions(req *rest.Request, opts *metav1.DeleteOptions) *rest.Request {
	if opts.TypeMeta == (metav1.TypeMeta{}) {
		opts.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "DeleteOptions"}
	}
	return req.Body(opts)
}

// write sends a request that changes an object, and calls the write observer if it succeeded.
func (r Resource) write(ctx context.Context, req *rest.Request, dryRun, sub []string,
	c content) (wire.Object, error) {
	o, err := req.Do(ctx).Object(r.optionsOf(sub))
	if err != nil {
		return wire.Object{}, err
	}
	// An answer without a name or a version is one that the server does not store: a review, a
	// token, the Status that answers an eviction.
	tell := observer(ctx)
	if tell == nil || len(dryRun) > 0 || o.Meta.Name == "" || o.Meta.ResourceVersion == "" {
		return o, nil
	}
	w := Write{
		Kind: r.Kind, Namespace: o.Meta.Namespace, Name: o.Meta.Name,
		UID: o.Meta.UID, ResourceVersion: o.Meta.ResourceVersion,
	}
	if r.OwnKind(sub) { // a Scale has the metadata of its object, and not its kind
		w = r.identified(w, o)
	}
	w.sent(ctx, c.verb, sub, c.body)
	if wantsFields(ctx) {
		w.Fields = r.fields(c, sub)
	}
	tell(w)
	return o, nil
}

// optionsOf returns the options for reading an object or a subresource. Only the server knows the
// kind of a subresource, unless it is the resource's own or SubKind.
func (r Resource) optionsOf(sub []string) wire.Options {
	o := r.options()
	switch {
	case !r.OwnKind(sub):
		o.APIVersion, o.Kind = r.SubKind.ToAPIVersionAndKind()
	case o.Kind == "":
		o.Kind = r.answer
	}
	return o
}

// identified adds the object's kind and scope to a Write.
func (r Resource) identified(w Write, o wire.Object) Write {
	if !r.Whole && r.As == "" {
		w.Kind.Kind, w.Kind.Namespaced = o.Kind, o.Meta.Namespace != ""
	}
	return w
}
