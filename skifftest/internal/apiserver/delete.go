package apiserver

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/internal/storage"
)

// deleteOptions returns the options of a deletion: those of the body, or of the query if there is none.
func (c *call) deleteOptions() (o metav1.DeleteOptions, err error) {
	data, err := c.readBody()
	if err != nil {
		return o, err
	}
	if len(data) > 0 {
		if c.r.Header.Get("Content-Type") == mediaProtobuf {
			err = deleteOptionsOf(data, &o)
		} else {
			err = json.Unmarshal(data, &o)
			if err == nil && o.Kind != "" && o.Kind != "DeleteOptions" {
				err = fmt.Errorf("the object is of kind %s %s", o.APIVersion, o.Kind)
			}
		}
		if err != nil {
			return o, apierrors.NewBadRequest(fmt.Sprintf("unable to read the DeleteOptions: %v", err))
		}
	} else {
		if text := c.q.Get("propagationPolicy"); text != "" {
			policy := metav1.DeletionPropagation(text)
			o.PropagationPolicy = &policy
		}
		if text := c.q.Get("gracePeriodSeconds"); text != "" {
			seconds, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return o, apierrors.NewBadRequest(err.Error())
			}
			o.GracePeriodSeconds = &seconds
		}
	}
	if len(o.DryRun) == 0 {
		o.DryRun = c.q["dryRun"]
	}
	if errs := metav1validation.ValidateDeleteOptions(&o); len(errs) > 0 {
		return o, apierrors.NewInvalid(apischema.GroupKind{Group: metav1.GroupName, Kind: "DeleteOptions"}, "", errs)
	}
	c.dryRun = len(o.DryRun) > 0
	return o, nil
}

func deleteOptionsOf(data []byte, o *metav1.DeleteOptions) error {
	raw, err := rawProtobuf(data)
	if err != nil {
		return err
	}
	return o.Unmarshal(raw)
}

func (c *call) delete() error {
	options, err := c.deleteOptions()
	if err != nil {
		return err
	}
	var was, left *storage.Object
	gone := false
	err = c.s.store.Do(func(tx storage.Tx) (err error) {
		if was, err = c.named(tx); err == nil {
			err = c.mayDelete(was, options.Preconditions)
		}
		if err == nil {
			left, gone = c.deleteIn(tx, was, options)
		}
		return err
	})
	if err != nil {
		return err
	}
	if gone {
		c.s.changed(c.res, was, nil, c.dryRun)
	} else {
		c.s.changed(c.res, was, left, c.dryRun)
	}
	if gone && !c.res.returnsDeleted {
		c.answer.as = ""
		c.writeStatus(http.StatusOK, c.statusOfDeleted(c.at.Name, was.Meta.UID))
		return nil
	}
	return c.write(http.StatusOK, left)
}

// mayDelete returns an error unless an object fulfils the preconditions.
func (c *call) mayDelete(o *storage.Object, p *metav1.Preconditions) error {
	if c.res.Group == "" && c.res.Kind == "Namespace" &&
		slices.Contains([]string{"default", "kube-system", "kube-public"}, o.Meta.Name) {
		return apierrors.NewForbidden(c.res.gr(), o.Meta.Name,
			fmt.Errorf("this namespace may not be deleted"))
	}
	why := ""
	switch {
	case p == nil:
	case p.UID != nil && string(*p.UID) != o.Meta.UID:
		why = fmt.Sprintf("the UID in the precondition (%s) does not match the UID in record (%s). "+
			"The object might have been deleted and then recreated", *p.UID, o.Meta.UID)
	case p.ResourceVersion != nil && *p.ResourceVersion != o.Meta.ResourceVersion:
		why = fmt.Sprintf("the ResourceVersion in the precondition (%s) does not match the ResourceVersion in "+
			"record (%s). The object might have been modified", *p.ResourceVersion, o.Meta.ResourceVersion)
	}
	if why == "" {
		return nil
	}
	return apierrors.NewConflict(apischema.GroupResource{Group: c.res.Group, Resource: c.res.Kind}, o.Meta.Name,
		fmt.Errorf("%s", why))
}

// deleteIn deletes an object, or marks it as one to be deleted, and returns its last state.
func (c *call) deleteIn(tx storage.Tx, was *storage.Object, options metav1.DeleteOptions) (left *storage.Object, gone bool) {
	o := thaw(was)
	m := metadata(o)
	c.res.propagate(m, options)
	grace := c.res.grace(o, options)
	if c.res.finished(o) && grace == 0 {
		if c.dryRun {
			return was, true
		}
		return tx.RemoveAs(c.res.in, was, o), true
	}
	if has, _ := m["deletionGracePeriodSeconds"].(int64); was.Meta.DeletionTimestamp != "" && grace < has {
		m["deletionTimestamp"] = c.s.now().UTC().Add(time.Duration(grace) * time.Second).Format(time.RFC3339)
		m["deletionGracePeriodSeconds"] = grace
	}
	if was.Meta.DeletionTimestamp == "" {
		m["deletionTimestamp"] = c.s.now().UTC().Add(time.Duration(grace) * time.Second).Format(time.RFC3339)
		if !(c.res.Group == "" && c.res.Kind == "Namespace") {
			m["deletionGracePeriodSeconds"] = grace
		}
		if generation, ok := m["generation"].(int64); ok {
			m["generation"] = generation + 1
		}
	}
	if c.res.Group == "" && c.res.Kind == "Namespace" {
		status, _ := o["status"].(content)
		if status == nil {
			status = content{}
			o["status"] = status
		}
		status["phase"] = "Terminating"
	}
	return c.commit(tx, was, o), false
}

// grace returns how many seconds an object stays after its deletion: those that a kubelet gives a pod.
func (r *Resource) grace(o content, options metav1.DeleteOptions) int64 {
	if r.Group != "" || r.Kind != "Pod" {
		return 0
	}
	node, _ := at(o, "spec", "nodeName").(string)
	phase := at(o, "status", "phase")
	if node == "" || phase == "Succeeded" || phase == "Failed" {
		return 0
	}
	if options.GracePeriodSeconds != nil {
		return *options.GracePeriodSeconds
	}
	if seconds, ok := at(o, "spec", "terminationGracePeriodSeconds").(int64); ok {
		return seconds
	}
	return 30
}

// propagate sets the finalizers that the garbage collector works by.
func (r *Resource) propagate(m content, options metav1.DeleteOptions) {
	if r.Group == "" && r.Kind == "Namespace" {
		return
	}
	policy := metav1.DeletionPropagation("")
	switch {
	case options.PropagationPolicy != nil:
		policy = *options.PropagationPolicy
	case hasFinalizer(m, metav1.FinalizerOrphanDependents), hasFinalizer(m, metav1.FinalizerDeleteDependents):
		return
	case r.orphans:
		policy = metav1.DeletePropagationOrphan
	default:
		return
	}
	removeFinalizer(m, metav1.FinalizerOrphanDependents)
	removeFinalizer(m, metav1.FinalizerDeleteDependents)
	switch policy {
	case metav1.DeletePropagationOrphan:
		addFinalizer(m, metav1.FinalizerOrphanDependents)
	case metav1.DeletePropagationForeground:
		addFinalizer(m, metav1.FinalizerDeleteDependents)
	}
}

func hasFinalizer(m content, name string) bool {
	all, _ := m["finalizers"].([]any)
	return slices.Contains(all, any(name))
}

func addFinalizer(m content, name string) {
	if !hasFinalizer(m, name) {
		all, _ := m["finalizers"].([]any)
		m["finalizers"] = append(slices.Clone(all), name)
	}
}

func removeFinalizer(m content, name string) {
	all, _ := m["finalizers"].([]any)
	all = slices.DeleteFunc(slices.Clone(all), func(v any) bool { return v == any(name) })
	if len(all) == 0 {
		delete(m, "finalizers")
		return
	}
	m["finalizers"] = all
}

func (c *call) deleteCollection() error {
	options, err := c.deleteOptions()
	if err != nil {
		return err
	}
	sel, err := c.selection()
	if err != nil {
		return err
	}
	var list storage.List
	err = c.s.store.Do(func(tx storage.Tx) error {
		for _, o := range tx.All(c.res.in) {
			if !sel.Selects(o) {
				continue
			}
			list.Items = append(list.Items, o)
			c.deleteIn(tx, o, options)
		}
		list.Version = tx.Version()
		return nil
	})
	if err != nil {
		return err
	}
	for _, o := range list.Items {
		c.s.changed(c.res, o, nil, c.dryRun)
	}
	return c.writeList(list)
}
