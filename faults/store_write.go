package faults

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/rand"

	"github.com/skiff-k8s/skiff/internal/storage"
)

func (c *call) create() error {
	if c.at.Name != "" {
		return fail(http.StatusMethodNotAllowed, "the server does not allow this method on the requested resource")
	}
	o, err := c.body()
	if err != nil {
		return err
	}
	m := o.Meta()
	switch {
	case m.ResourceVersion != "":
		return fail(http.StatusInternalServerError, "resourceVersion should not be set on objects to be created", Reason(""))
	case m.Name == "" && m.GenerateName == "":
		return fail(http.StatusUnprocessableEntity, fmt.Sprintf("%s %q is invalid: metadata.name: Required value: "+
			"name or generateName is required", c.kind.Kind, ""), c.about(""), c.aboutKind,
			Cause(metav1.CauseTypeFieldValueRequired, "Required value: name or generateName is required"))
	case m.Name == "":
		m.Name = m.GenerateName + rand.String(5)
		o.SetMeta("name", m.Name)
	case c.kind.Namespaced && m.Namespace == "":
		return fail(http.StatusBadRequest, "an empty namespace may not be set during creation")
	}
	o.SetMeta("deletionTimestamp", nil)
	return c.store.engine.Do(func(tx storage.Tx) error {
		if tx.Get(c.in, m.Namespace, m.Name) != nil {
			return fail(http.StatusConflict, fmt.Sprintf("%s %q already exists", c.resource(), m.Name),
				Reason(metav1.StatusReasonAlreadyExists), c.about(m.Name))
		}
		begin(tx, o)
		c.write(http.StatusCreated, tx.Commit(c.in, nil, o).JSON)
		return nil
	})
}

func (c *call) update() error {
	o, err := c.body()
	if err != nil {
		return err
	}
	m := o.Meta()
	switch {
	case c.at.Name == "":
		return fail(http.StatusMethodNotAllowed, "the server does not allow this method on the requested resource")
	case m.Name != c.at.Name:
		return fail(http.StatusBadRequest, fmt.Sprintf("the name of the object (%s) does not match the name on the URL (%s)",
			m.Name, c.at.Name))
	}
	return c.store.engine.Do(func(tx storage.Tx) error {
		next, err := c.replaced(tx, o, m)
		if err == nil {
			c.write(http.StatusOK, next.JSON)
		}
		return err
	})
}

// replaced returns the object after an update.
func (c *call) replaced(tx storage.Tx, o storage.Document, m storage.Meta) (*storage.Object, error) {
	was, err := c.named(tx)
	switch {
	case err != nil:
		return nil, err
	case m.UID != "" && m.UID != was.Meta.UID:
		return nil, c.conflict(m.Name, fmt.Sprintf("Precondition failed: UID in precondition: %s, UID in object meta: %s",
			m.UID, was.Meta.UID))
	case m.ResourceVersion != "" && m.ResourceVersion != was.Meta.ResourceVersion:
		return nil, c.conflict(m.Name, "the object has been modified; please apply your changes to the latest version and try again")
	}
	if c.at.Subresource == "status" {
		status := o["status"]
		if o = was.Thaw(); status == nil {
			delete(o, "status")
		} else {
			o["status"] = status
		}
	}
	o.SetMeta("uid", was.Meta.UID)
	o.SetMeta("creationTimestamp", was.Meta.CreationTimestamp)
	o.SetMeta("deletionTimestamp", was.Meta.DeletionTimestamp)
	if was.Meta.DeletionTimestamp != "" && len(o.Meta().Finalizers) == 0 {
		return tx.Remove(c.in, was), nil
	}
	return tx.Commit(c.in, was, o), nil
}

func (c *call) delete() error {
	var options metav1.DeleteOptions
	data, err := io.ReadAll(c.r.Body)
	if err == nil && len(data) > 0 {
		err = json.Unmarshal(data, &options)
	}
	if err != nil {
		return fail(http.StatusBadRequest, fmt.Sprintf("unable to read the DeleteOptions: %v", err))
	}
	var was, marked *storage.Object
	err = c.store.engine.Do(func(tx storage.Tx) (err error) {
		if was, err = c.named(tx); err == nil {
			err = c.preconditions(was, options.Preconditions)
		}
		if err == nil {
			marked = c.deleted(tx, was)
		}
		return err
	})
	if err != nil {
		return err
	}
	if marked != nil {
		c.write(http.StatusOK, marked.JSON)
		return nil
	}
	c.write(http.StatusOK, mustJSON(metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusSuccess,
		Details: &metav1.StatusDetails{
			Name: c.at.Name, Group: c.kind.Group, Kind: c.kind.Resource, UID: types.UID(was.Meta.UID),
		},
	}))
	return nil
}

// preconditions returns an error unless an object fulfils them.
func (c *call) preconditions(o *storage.Object, p *metav1.Preconditions) error {
	switch {
	case p == nil:
	case p.UID != nil && string(*p.UID) != o.Meta.UID:
		return c.conflict(o.Meta.Name, fmt.Sprintf("Precondition failed: UID in precondition: %v, UID in object meta: %v",
			*p.UID, o.Meta.UID), c.aboutKind)
	case p.ResourceVersion != nil && *p.ResourceVersion != o.Meta.ResourceVersion:
		return c.conflict(o.Meta.Name, fmt.Sprintf("Precondition failed: ResourceVersion in precondition: %v, "+
			"ResourceVersion in object meta: %v", *p.ResourceVersion, o.Meta.ResourceVersion), c.aboutKind)
	}
	return nil
}

// deleted deletes an object, or marks it as one to be deleted and returns it if it has finalizers.
func (c *call) deleted(tx storage.Tx, was *storage.Object) (marked *storage.Object) {
	if len(was.Meta.Finalizers) == 0 {
		tx.Remove(c.in, was)
		return nil
	}
	if was.Meta.DeletionTimestamp != "" {
		return was
	}
	o := was.Thaw()
	o.SetMeta("deletionTimestamp", now())
	o.SetMeta("deletionGracePeriodSeconds", 0)
	return tx.Commit(c.in, was, o)
}

func (c *call) deleteCollection() error {
	s, err := c.selection()
	if err != nil {
		return err
	}
	return c.store.engine.Do(func(tx storage.Tx) error {
		list := storage.List{Version: tx.Version()}
		for _, o := range tx.All(c.in) {
			if s.Selects(o) {
				list.Items = append(list.Items, o)
				c.deleted(tx, o)
			}
		}
		c.writeList(list)
		return nil
	})
}
