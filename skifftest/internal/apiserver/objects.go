package apiserver

import (
	"errors"
	"fmt"

	apischema "k8s.io/apimachinery/pkg/runtime/schema"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	"github.com/skiff-k8s/skiff/internal/storage"
	"github.com/skiff-k8s/skiff/skifftest/internal/schema"
)

// manager is the owner of the fields of objects that are put.
const manager = "skifftest"

// Put creates an object, or replaces what is there, whatever its version, with its status, its uid and
// its deletionTimestamp, if it has one. The namespace is made if there is none. o is a value of JSON.
func (s *Server) Put(o content) (content, error) {
	gvk := apischema.FromAPIVersionAndKind(str(o, "apiVersion"), str(o, "kind"))
	res := s.registry.kind(gvk)
	if res == nil {
		return nil, fmt.Errorf("the server serves no %s", gvk)
	}
	name, namespace := str(metadata(o), "name"), str(metadata(o), "namespace")
	switch {
	case name == "":
		return nil, fmt.Errorf("it has no name")
	case res.Namespaced && namespace == "":
		return nil, fmt.Errorf("it has no namespace")
	case !res.Namespaced && namespace != "":
		return nil, fmt.Errorf("%s is cluster-scoped, and the object has the namespace %q", gvk.Kind, namespace)
	}
	o, err := res.strictly(o)
	if err != nil {
		return nil, err
	}
	if res.Namespaced {
		if err := s.ensureNamespace(namespace); err != nil {
			return nil, err
		}
	}
	c := &call{s: s, res: res, manager: manager}
	c.at.Namespace, c.at.Name = namespace, name
	var was, next *storage.Object
	err = s.store.Do(func(tx storage.Tx) (err error) {
		was = tx.Get(res.in, namespace, name)
		next, err = c.put(tx, was, o)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.changed(res, was, next, false)
	return s.Get(gvk, namespace, name)
}

// strictly returns an object in the form of its kind. It is an error if it has fields that the kind
// has not: the server would drop them.
func (r *Resource) strictly(o content) (_ content, err error) {
	var unknown []error
	switch {
	case r.typed():
		o, unknown, err = schema.Convert(r.GVK(), o)
	case r.isCustom():
		var paths []string
		o = cloneContent(o)
		paths, err = r.custom.Decode(o)
		for _, path := range paths {
			unknown = append(unknown, fmt.Errorf("unknown field %q", path))
		}
	}
	return o, errors.Join(append(unknown, err)...)
}

func (c *call) put(tx storage.Tx, was *storage.Object, o content) (*storage.Object, error) {
	var live content
	m := metadata(o)
	delete(m, "resourceVersion")
	if was != nil {
		live = c.res.fromStored(thaw(was))
		for _, name := range []string{"uid", "creationTimestamp"} {
			if str(m, name) == "" {
				set(m, name, metadata(live)[name])
			}
		}
	}
	if str(m, "uid") == "" {
		m["uid"] = tx.NewUID()
	}
	if str(m, "creationTimestamp") == "" {
		m["creationTimestamp"] = c.s.timestamp()
	}
	status, given := o["status"].(content)
	if c.res.isCustom() {
		c.res.custom.Default(o)
	} else {
		c.res.initialize(o)
	}
	if given && !equal(status, emptyStatus(c.res, o)) {
		o["status"] = status
	}
	switch {
	case m["generation"] != nil:
	case live != nil:
		c.res.changeGeneration(o, live)
	case c.res.generation || c.res.isCustom():
		m["generation"] = int64(1)
	}
	meta, err := objectMeta(o)
	if err != nil {
		return nil, err
	}
	errs := append(c.res.newMetaErrors(&meta), c.validate(o, nil)...)
	if err := c.res.invalid(c.at.Name, errs); err != nil {
		return nil, err
	}
	if m["managedFields"] == nil {
		if o, err = c.own(live, o); err != nil {
			return nil, err
		}
	}
	return c.commit(tx, was, c.res.toStored(o)), nil
}

// emptyStatus returns the status of an object of a Go type whose status is not set.
func emptyStatus(r *Resource, o content) any {
	bare := content{}
	for name, v := range o {
		bare[name] = v
	}
	r.resetStatus(bare)
	return bare["status"]
}

// ensureNamespace creates a namespace that is not there.
func (s *Server) ensureNamespace(name string) error {
	gvk := apischema.GroupVersionKind{Version: "v1", Kind: "Namespace"}
	if o, _ := s.Get(gvk, "", name); o != nil {
		return nil
	}
	_, err := s.Put(content{"apiVersion": "v1", "kind": "Namespace", "metadata": content{"name": name}})
	return err
}

// Get returns an object of a kind; it is an error if there is none.
func (s *Server) Get(gvk apischema.GroupVersionKind, namespace, name string) (content, error) {
	res := s.registry.kind(gvk)
	if res == nil {
		return nil, fmt.Errorf("the server serves no %s", gvk)
	}
	c := &call{s: s, res: res}
	c.at.Namespace, c.at.Name = namespace, name
	var o *storage.Object
	err := s.store.Do(func(tx storage.Tx) (err error) { o, err = c.named(tx); return err })
	if err != nil {
		return nil, err
	}
	return res.fromStored(thaw(o)), nil
}

// Objects returns the objects of a kind in the order of their namespaces and names.
func (s *Server) Objects(gvk apischema.GroupVersionKind) ([]content, error) {
	res := s.registry.kind(gvk)
	if res == nil {
		return nil, fmt.Errorf("the server serves no %s", gvk)
	}
	var all []content
	_ = s.store.Do(func(tx storage.Tx) error {
		for _, o := range tx.All(res.in) {
			all = append(all, res.fromStored(thaw(o)))
		}
		return nil
	})
	return all, nil
}

// Remove deletes an object at once, whatever its finalizers, and reports whether it was there.
func (s *Server) Remove(gvk apischema.GroupVersionKind, namespace, name string) (bool, error) {
	res := s.registry.kind(gvk)
	if res == nil {
		return false, fmt.Errorf("the server serves no %s", gvk)
	}
	var was *storage.Object
	_ = s.store.Do(func(tx storage.Tx) error {
		if was = tx.Get(res.in, namespace, name); was != nil {
			tx.Remove(res.in, was)
		}
		return nil
	})
	if was != nil {
		s.changed(res, was, nil, false)
	}
	return was != nil, nil
}

// Decode returns an object in JSON.
func Decode(data []byte) (o content, err error) {
	err = utiljson.Unmarshal(data, &o)
	if err == nil && o == nil {
		err = fmt.Errorf("it is null")
	}
	return o, err
}

// AddDefinition puts a CustomResourceDefinition, and returns an error unless it is served.
func (s *Server) AddDefinition(o content) error {
	if str(o, "kind") != "CustomResourceDefinition" {
		return fmt.Errorf("its kind is %q", str(o, "kind"))
	}
	if _, err := s.newDefinition(o); err != nil {
		return err
	}
	_, err := s.Put(o)
	return err
}
