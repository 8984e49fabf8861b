package apiserver

import (
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/internal/storage"
	"github.com/skiff-k8s/skiff/skifftest/internal/owners"
	"github.com/skiff-k8s/skiff/skifftest/internal/patch"
)

// patching is a patch that a request carries.
type patching struct {
	kind  types.PatchType
	body  []byte
	force *bool
}

// readPatch returns the request's patch, after checking its options.
func (c *call) readPatch() (p patching, err error) {
	media, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || !slices.Contains(patch.Supported(c.res.isCustom()), media) {
		return p, patch.Unsupported(c.res.isCustom())
	}
	p.kind = types.PatchType(media)
	given := c.q.Get("fieldManager")
	if err := c.writeOptions("PatchOptions"); err != nil {
		return p, err
	}
	if text := c.q.Get("force"); text != "" {
		force, err := strconv.ParseBool(text)
		if err != nil {
			return p, apierrors.NewBadRequest(err.Error())
		}
		p.force = &force
	}
	options := metav1.PatchOptions{
		FieldManager: given, FieldValidation: c.strict, DryRun: c.q["dryRun"], Force: p.force,
	}
	if errs := metav1validation.ValidatePatchOptions(&options, p.kind); len(errs) > 0 {
		return p, apierrors.NewInvalid(apischema.GroupKind{Group: metav1.GroupName, Kind: "PatchOptions"}, "", errs)
	}
	p.body, err = c.readBody()
	return p, err
}

func (c *call) patchObject() error {
	if c.at.Name == "" {
		return errNoMethod
	}
	p, err := c.readPatch()
	if err != nil {
		return err
	}
	c.patches = true
	c.applied = p.kind == types.ApplyYAMLPatchType
	code := http.StatusOK
	var was, next *storage.Object
	err = c.s.store.Do(func(tx storage.Tx) (err error) {
		was, err = c.named(tx)
		if err != nil && c.applied && c.at.Subresource == "" {
			was, code = nil, http.StatusCreated
			next, err = c.applyNew(tx, p)
			return err
		}
		if err != nil {
			return err
		}
		o, err := c.patched(p, c.res.fromStored(thaw(was)))
		if err == nil {
			next, err = c.replace(tx, was, o)
		}
		return err
	})
	if err != nil {
		return err
	}
	c.s.changed(c.res, was, next, c.dryRun)
	return c.write(code, next)
}

// applyNew creates the object that is applied.
func (c *call) applyNew(tx storage.Tx, p patching) (*storage.Object, error) {
	o, err := c.applyTo(p, nil)
	if err != nil {
		return nil, err
	}
	if name := str(metadata(o), "name"); name != c.at.Name && name != "" {
		return nil, c.otherName(name)
	}
	metadata(o)["name"] = c.at.Name
	if uid := str(metadata(o), "uid"); uid != "" {
		return nil, apierrors.NewConflict(c.res.gr(), c.at.Name,
			fmt.Errorf("uid mismatch: the provided object specified uid %s, and no existing object was found", uid))
	}
	if err := c.checkNamespace(o); err != nil {
		return nil, err
	}
	// The version says which object may be changed, and does not prevent a creation.
	if version := str(metadata(o), "resourceVersion"); version != "" {
		if _, err := strconv.ParseUint(version, 10, 64); err != nil {
			return nil, storage.NewError(http.StatusInternalServerError, "", err.Error(), nil)
		}
		delete(metadata(o), "resourceVersion")
	}
	return c.createIn(tx, o)
}

// patched returns an object, of the request's version, after a patch.
func (c *call) patched(p patching, live content) (content, error) {
	if c.applied {
		return c.applyTo(p, live)
	}
	result, err := patch.Request{
		Type: p.kind, GVK: c.res.GVK(), Custom: c.res.custom, Live: live, Body: p.body, FieldValidation: c.strict,
	}.Do()
	if err != nil {
		return nil, err
	}
	c.warnings = append(c.warnings, result.Warnings...)
	o := result.Object
	if c.res.isCustom() {
		c.res.custom.Default(o)
	}
	if name := str(metadata(o), "name"); name != c.at.Name {
		return nil, c.otherName(name)
	}
	return o, c.checkNamespace(o)
}

func (c *call) otherName(name string) error {
	return apierrors.NewBadRequest(fmt.Sprintf(
		"the name of the object (%s) does not match the name on the URL (%s)", name, c.at.Name))
}

// applyTo returns an object after server-side apply; live is nil if there is none.
func (c *call) applyTo(p patching, live content) (content, error) {
	if c.strict == metav1.FieldValidationStrict {
		if err := owners.Strict(p.body); err != nil {
			return nil, err
		}
	}
	force := p.force != nil && *p.force
	o, err := c.s.owners.Apply(c.res.GVK(), c.at.Subresource, live, p.body, c.manager, force)
	if err != nil {
		return nil, err
	}
	if c.res.isCustom() {
		c.res.custom.Default(o)
	}
	return o, nil
}
