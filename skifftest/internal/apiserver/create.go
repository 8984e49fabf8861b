package apiserver

import (
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/skiff-k8s/skiff/internal/storage"
)

// generateAttempts is how many names are made of a generateName before the client is told to retry.
const generateAttempts = 8

func (c *call) create() error {
	if c.at.Name != "" {
		return errNoMethod
	}
	if err := c.writeOptions("CreateOptions"); err != nil {
		return err
	}
	o, err := c.object(c.res)
	if err != nil {
		return err
	}
	if err := c.checkNamespace(o); err != nil {
		return err
	}
	var made *storage.Object
	err = c.s.store.Do(func(tx storage.Tx) (err error) {
		made, err = c.createIn(tx, o)
		return err
	})
	if err != nil {
		return err
	}
	c.s.changed(c.res, nil, made, c.dryRun)
	return c.write(http.StatusCreated, made)
}

// createIn creates an object of the request's version.
func (c *call) createIn(tx storage.Tx, o content) (*storage.Object, error) {
	if version := str(metadata(o), "resourceVersion"); version != "" && version != "0" { // "0" is none
		return nil, storage.NewError(http.StatusInternalServerError, "",
			"resourceVersion should not be set on objects to be created", nil)
	}
	c.begin(tx, o)
	name, err := c.name(tx, metadata(o))
	if err != nil {
		return nil, err
	}
	c.res.initialize(o)
	c.at.Name = name
	defer func() { c.at.Name = "" }()
	if err := c.checkDefinition(o); err != nil {
		return nil, err
	}
	m, err := objectMeta(o)
	if err != nil {
		return nil, err
	}
	errs := c.res.newMetaErrors(&m)
	errs = append(errs, c.validate(o, nil)...)
	if err := c.res.invalid(name, errs); err != nil {
		return nil, err
	}
	if err := c.namespaceExists(tx); err != nil {
		return nil, err
	}
	if was := tx.Get(c.res.in, c.at.Namespace, name); was != nil {
		err := apierrors.NewAlreadyExists(c.res.gr(), name)
		if was.Meta.DeletionTimestamp != "" {
			err.ErrStatus.Message = "object is being deleted: " + err.ErrStatus.Message
		}
		return nil, err
	}
	next, err := c.own(nil, o)
	if err != nil {
		return nil, err
	}
	return c.commit(tx, nil, c.res.toStored(next)), nil
}

// begin sets what a new object gets, and removes what it cannot have yet.
func (c *call) begin(tx storage.Tx, o content) {
	m := metadata(o)
	for _, name := range []string{"deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generation"} {
		delete(m, name)
	}
	m["uid"] = tx.NewUID()
	m["creationTimestamp"] = c.s.timestamp()
	if c.res.generation || c.res.isCustom() {
		m["generation"] = int64(1)
	}
	if c.res.has("status") && !c.res.keepsStatus {
		c.res.resetStatus(o)
	}
	if c.res.finalizer != "" {
		addFinalizer(m, c.res.finalizer)
	}
}

// name returns the name of a new object, after making one of its generateName.
func (c *call) name(tx storage.Tx, m content) (string, error) {
	prefix := str(m, "generateName")
	if name := str(m, "name"); name != "" || prefix == "" {
		if name == "" {
			return "", c.res.invalid("", field.ErrorList{
				field.Required(metadataPath.Child("name"), "name or generateName is required")})
		}
		return name, nil
	}
	if len(prefix) > maxGenerated {
		prefix = prefix[:maxGenerated]
	}
	for range generateAttempts {
		name := prefix + rand.String(5)
		if tx.Get(c.res.in, c.at.Namespace, name) == nil {
			m["name"] = name
			return name, nil
		}
	}
	return "", apierrors.NewGenerateNameConflict(c.res.gr(), prefix, 1)
}

// commit writes an object in its stored form, unless the request is a dry run.
func (c *call) commit(tx storage.Tx, was *storage.Object, next content) *storage.Object {
	if !c.dryRun {
		return tx.Commit(c.res.in, was, next)
	}
	version := any(nil)
	if was != nil {
		version = was.Meta.ResourceVersion
	}
	set(metadata(next), "resourceVersion", version)
	return storage.Document(next).Freeze()
}
