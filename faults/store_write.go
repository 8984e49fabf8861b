package faults

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
)

func (c *call) create() error {
	if c.at.name != "" {
		return fail(http.StatusMethodNotAllowed, "the server does not allow this method on the requested resource")
	}
	o, err := c.body()
	if err != nil {
		return err
	}
	m := o.meta()
	switch {
	case m.ResourceVersion != "":
		return fail(http.StatusInternalServerError, "resourceVersion should not be set on objects to be created", Reason(""))
	case m.Name == "" && m.GenerateName == "":
		return fail(http.StatusUnprocessableEntity, fmt.Sprintf("%s %q is invalid: metadata.name: Required value: "+
			"name or generateName is required", c.kind.Kind, ""), c.about(""), c.aboutKind,
			Cause(metav1.CauseTypeFieldValueRequired, "Required value: name or generateName is required"))
	case m.Name == "":
		m.Name = m.GenerateName + rand.String(5)
		o.setMeta("name", m.Name)
	case c.kind.Namespaced && m.Namespace == "":
		return fail(http.StatusBadRequest, "an empty namespace may not be set during creation")
	}
	o.setMeta("deletionTimestamp", nil)
	c.store.mu.Lock()
	if c.store.objects[c.in][m.key()] != nil {
		c.store.mu.Unlock()
		return fail(http.StatusConflict, fmt.Sprintf("%s %q already exists", c.resource(), m.Name),
			Reason(metav1.StatusReasonAlreadyExists), c.about(m.Name))
	}
	made := c.store.create(c.in, o)
	c.store.mu.Unlock()
	c.write(http.StatusCreated, made.json)
	return nil
}

func (c *call) update() error {
	o, err := c.body()
	if err != nil {
		return err
	}
	m := o.meta()
	switch {
	case c.at.name == "":
		return fail(http.StatusMethodNotAllowed, "the server does not allow this method on the requested resource")
	case m.Name != c.at.name:
		return fail(http.StatusBadRequest, fmt.Sprintf("the name of the object (%s) does not match the name on the URL (%s)",
			m.Name, c.at.name))
	}
	c.store.mu.Lock()
	next, err := c.replaced(o, m)
	c.store.mu.Unlock()
	if err != nil {
		return err
	}
	c.write(http.StatusOK, next.json)
	return nil
}

// replaced returns the object after an update. store.mu is held.
func (c *call) replaced(o document, m meta) (*object, error) {
	was, err := c.named()
	switch {
	case err != nil:
		return nil, err
	case m.UID != "" && m.UID != was.meta.UID:
		return nil, c.conflict(m.Name, fmt.Sprintf("Precondition failed: UID in precondition: %s, UID in object meta: %s",
			m.UID, was.meta.UID))
	case m.ResourceVersion != "" && m.ResourceVersion != was.meta.ResourceVersion:
		return nil, c.conflict(m.Name, "the object has been modified; please apply your changes to the latest version and try again")
	}
	if c.at.subresource == "status" {
		status := o["status"]
		if o = was.thaw(); status == nil {
			delete(o, "status")
		} else {
			o["status"] = status
		}
	}
	o.setMeta("uid", was.meta.UID)
	o.setMeta("creationTimestamp", was.meta.CreationTimestamp)
	o.setMeta("deletionTimestamp", was.meta.DeletionTimestamp)
	if was.meta.DeletionTimestamp != "" && len(o.meta().Finalizers) == 0 {
		return c.store.remove(c.in, was), nil
	}
	return c.store.replace(c.in, was, o), nil
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
	c.store.mu.Lock()
	was, err := c.named()
	if err == nil {
		err = c.preconditions(was, options.Preconditions)
	}
	var marked *object
	if err == nil {
		marked = c.deleted(was)
	}
	c.store.mu.Unlock()
	if err != nil {
		return err
	}
	if marked != nil {
		c.write(http.StatusOK, marked.json)
		return nil
	}
	c.write(http.StatusOK, mustJSON(metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusSuccess,
		Details: &metav1.StatusDetails{
			Name: c.at.name, Group: c.kind.Group, Kind: c.kind.Resource, UID: typesUID(was.meta.UID),
		},
	}))
	return nil
}

// preconditions returns an error unless an object fulfils them.
func (c *call) preconditions(o *object, p *metav1.Preconditions) error {
	switch {
	case p == nil:
	case p.UID != nil && string(*p.UID) != o.meta.UID:
		return c.conflict(o.meta.Name, fmt.Sprintf("Precondition failed: UID in precondition: %v, UID in object meta: %v",
			*p.UID, o.meta.UID), c.aboutKind)
	case p.ResourceVersion != nil && *p.ResourceVersion != o.meta.ResourceVersion:
		return c.conflict(o.meta.Name, fmt.Sprintf("Precondition failed: ResourceVersion in precondition: %v, "+
			"ResourceVersion in object meta: %v", *p.ResourceVersion, o.meta.ResourceVersion), c.aboutKind)
	}
	return nil
}

// deleted deletes an object, or marks it as one to be deleted and returns it if it has finalizers.
// store.mu is held.
func (c *call) deleted(was *object) (marked *object) {
	if len(was.meta.Finalizers) == 0 {
		c.store.remove(c.in, was)
		return nil
	}
	if was.meta.DeletionTimestamp != "" {
		return was
	}
	o := was.thaw()
	o.setMeta("deletionTimestamp", now())
	o.setMeta("deletionGracePeriodSeconds", 0)
	return c.store.replace(c.in, was, o)
}

func (c *call) deleteCollection() error {
	s, err := c.selection()
	if err != nil {
		return err
	}
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	var items []*object
	for _, o := range sorted(c.store.objects[c.in]) {
		if s.has(o) {
			items = append(items, o)
			c.deleted(o)
		}
	}
	c.writeList(format(c.store.version), "", 0, items)
	return nil
}
