package apiserver

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/skiff-k8s/skiff/internal/storage"
)

func (c *call) update() error {
	if c.at.Name == "" {
		return errNoMethod
	}
	if err := c.writeOptions("UpdateOptions"); err != nil {
		return err
	}
	o, err := c.object(c.res)
	if err != nil {
		return err
	}
	if err := c.checkNamespace(o); err != nil {
		return err
	}
	switch name := str(metadata(o), "name"); name {
	case c.at.Name:
	case "":
		return apierrors.NewBadRequest("name must be provided")
	default:
		return apierrors.NewBadRequest(fmt.Sprintf(
			"the name of the object (%s) does not match the name on the URL (%s)", name, c.at.Name))
	}
	code := http.StatusOK
	var was, next *storage.Object
	err = c.s.store.Do(func(tx storage.Tx) (err error) {
		was, err = c.named(tx)
		if err != nil && c.res.createOnUpdate && c.at.Subresource == "" && str(metadata(o), "uid") == "" {
			was, code = nil, http.StatusCreated
			delete(metadata(o), "resourceVersion")
			next, err = c.createIn(tx, o)
			return err
		}
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

// replace changes an object to next, which is of the request's version. The order of the checks is
// kube-apiserver's.
func (c *call) replace(tx storage.Tx, was *storage.Object, next content) (*storage.Object, error) {
	live := c.res.fromStored(thaw(was))
	if err := c.preconditions(was, metadata(next)); err != nil {
		return nil, err
	}
	next = c.confine(next, live)
	if c.at.Subresource != "status" {
		c.res.changeGeneration(next, live)
	} else {
		set(metadata(next), "generation", metadata(live)["generation"])
	}
	if err := c.checkDefinition(next); err != nil {
		return nil, err
	}
	newMeta, err := objectMeta(next)
	if err != nil {
		return nil, err
	}
	oldMeta, err := objectMeta(live)
	if err != nil {
		return nil, err
	}
	newMeta.ResourceVersion = oldMeta.ResourceVersion
	newMeta.ManagedFields = nil // package owners checks them
	errs := c.res.changedMetaErrors(&newMeta, &oldMeta)
	errs = append(errs, c.validate(next, live)...)
	if err := c.res.invalid(c.at.Name, errs); err != nil {
		return nil, err
	}
	owned, err := c.own(live, next)
	if err != nil {
		return nil, err
	}
	form := c.res.toStored(owned)
	if was.Meta.DeletionTimestamp != "" && c.res.finished(form) {
		if c.dryRun {
			return c.commit(tx, was, form), nil
		}
		set(metadata(form), "resourceVersion", was.Meta.ResourceVersion)
		return tx.RemoveAs(c.res.in, was, form), nil
	}
	return c.commit(tx, was, form), nil
}

// finished reports whether nothing holds an object that is being deleted.
func (r *Resource) finished(o content) bool {
	finalizers, _ := metadata(o)["finalizers"].([]any)
	if r.Group == "" && r.Kind == "Namespace" {
		more, _ := at(o, "spec", "finalizers").([]any)
		finalizers = append(slices.Clone(finalizers), more...)
	}
	return len(finalizers) == 0
}

// preconditions compares the uid and the resourceVersion of an update with the object's.
func (c *call) preconditions(was *storage.Object, m content) error {
	version, uid := str(m, "resourceVersion"), str(m, "uid")
	if version != "" {
		if _, err := strconv.ParseUint(version, 10, 64); err != nil {
			return storage.NewError(http.StatusInternalServerError, "", err.Error(), nil)
		}
	}
	switch {
	case uid != "" && uid != was.Meta.UID && !c.patches:
		return apierrors.NewConflict(c.res.gr(), c.at.Name, fmt.Errorf("StorageError: invalid object, Code: 4, "+
			"Key: %s, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: %s, "+
			"UID in object meta: %s", c.registryKey(), uid, was.Meta.UID))
	case (version == "" || version == "0") && (c.res.conditional || c.res.isCustom()):
		return apierrors.NewInvalid(apischema.GroupKind{Group: c.res.Group, Kind: c.res.Plural}, c.at.Name,
			field.ErrorList{field.Invalid(metadataPath.Child("resourceVersion"), int64(0), "must be specified for an update")})
	case version != "" && version != "0" && version != was.Meta.ResourceVersion:
		return apierrors.NewConflict(c.res.gr(), c.at.Name,
			errors.New("the object has been modified; please apply your changes to the latest version and try again"))
	}
	return nil
}

// registryKey returns where kube-apiserver keeps the object.
func (c *call) registryKey() string {
	key := "/registry/"
	if c.res.isCustom() {
		key += c.res.Group + "/"
	}
	key += c.res.Plural + "/"
	if c.at.Namespace != "" {
		key += c.at.Namespace + "/"
	}
	return key + c.at.Name
}

// confine returns next with what the request cannot change as it is in live.
func (c *call) confine(next, live content) content {
	m, old := metadata(next), metadata(live)
	if str(m, "uid") == "" {
		set(m, "uid", old["uid"])
	}
	set(m, "creationTimestamp", old["creationTimestamp"])
	if old["deletionTimestamp"] != nil {
		set(m, "deletionTimestamp", old["deletionTimestamp"])
		set(m, "deletionGracePeriodSeconds", old["deletionGracePeriodSeconds"])
	}
	delete(m, "selfLink")
	set(m, "generation", old["generation"])
	switch c.at.Subresource {
	case "", "scale":
		if c.res.has("status") {
			set(next, "status", live["status"])
		}
		if c.res.Group == "" && c.res.Kind == "Namespace" {
			set(next, "spec", live["spec"])
			set(next, "status", live["status"])
		}
		if c.res.Group == "" && c.res.Kind == "Secret" {
			mergeStringData(next)
		}
		return next
	case "status":
		return c.confineStatus(next, live)
	case "finalize":
		o := cloneContent(live)
		set(o, "spec", next["spec"])
		set(o, "metadata", next["metadata"])
		return o
	default: // approval
		o := cloneContent(live)
		set(o, "status", next["status"])
		return o
	}
}

// confineStatus returns live with next's status, and its metadata where the kind lets them change.
func (c *call) confineStatus(next, live content) content {
	o := cloneContent(live)
	set(o, "status", next["status"])
	fields, _ := metadata(next)["managedFields"]
	if !c.res.bareStatus && !c.res.isCustom() {
		o["metadata"] = next["metadata"]
		switch c.res.gr().String() {
		case "deployments.apps":
			set(metadata(o), "labels", metadata(live)["labels"])
		case "pods":
			set(metadata(o), "ownerReferences", metadata(live)["ownerReferences"])
		}
	}
	set(metadata(o), "managedFields", fields)
	set(metadata(o), "resourceVersion", metadata(next)["resourceVersion"])
	return o
}

// mergeStringData moves stringData of a Secret to data, as kube-apiserver does.
func mergeStringData(o content) {
	more, _ := o["stringData"].(content)
	delete(o, "stringData")
	if len(more) == 0 {
		return
	}
	data, _ := o["data"].(content)
	if data == nil {
		data = content{}
	}
	for key, value := range more {
		if text, ok := value.(string); ok {
			data[key] = base64Of(text)
		}
	}
	o["data"] = data
}

// own returns next with its managedFields. live is nil if the object is created.
func (c *call) own(live, next content) (content, error) {
	if c.applied {
		return next, nil
	}
	return c.s.owners.Update(c.res.GVK(), c.at.Subresource, live, next, c.manager)
}
