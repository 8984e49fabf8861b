package apiserver

import (
	"fmt"
	"net/http"

	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/skiff-k8s/skiff/internal/storage"
)

// evict deletes a pod if the PodDisruptionBudgets that select it allow that
// (https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/).
func (c *call) evict() error {
	if err := c.writeOptions("CreateOptions"); err != nil {
		return err
	}
	gvk := policyv1.SchemeGroupVersion.WithKind("Eviction")
	o, err := c.object(&Resource{Group: gvk.Group, Version: gvk.Version, Kind: gvk.Kind, Namespaced: true, stored: gvk})
	if err != nil {
		return err
	}
	var options metav1.DeleteOptions
	if v := o["deleteOptions"]; v != nil {
		if err := jsonUnmarshal(encodeJSON(v), &options); err != nil {
			return apierrors.NewBadRequest(err.Error())
		}
	}
	c.dryRun = c.dryRun || len(options.DryRun) > 0
	var was *storage.Object
	err = c.s.store.Do(func(tx storage.Tx) (err error) {
		if was, err = c.named(tx); err != nil {
			return err
		}
		if err = c.mayDelete(was, options.Preconditions); err == nil {
			err = c.spendBudget(tx, was)
		}
		if err == nil {
			c.deleteIn(tx, was, options)
		}
		return err
	})
	if err != nil {
		return err
	}
	return c.succeed(http.StatusCreated)
}

// spendBudget takes the disruption of a pod from its budget. A pod that is Pending, or has ended, costs
// nothing.
func (c *call) spendBudget(tx storage.Tx, pod *storage.Object) error {
	switch at(thaw(pod), "status", "phase") {
	case "Pending", "Succeeded", "Failed":
		return nil
	}
	in := storage.Collection{Group: "policy", Resource: "poddisruptionbudgets"}
	for _, o := range tx.All(in) {
		if o.Meta.Namespace != pod.Meta.Namespace {
			continue
		}
		var budget policyv1.PodDisruptionBudget
		if err := jsonUnmarshal(o.JSON, &budget); err != nil {
			return err
		}
		selector, err := metav1.LabelSelectorAsSelector(budget.Spec.Selector)
		if err != nil || !selector.Matches(labels.Set(pod.Meta.Labels)) {
			continue
		}
		if budget.Status.DisruptionsAllowed <= 0 {
			err := apierrors.NewTooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", 0)
			err.ErrStatus.Details.Causes = append(err.ErrStatus.Details.Causes, metav1.StatusCause{
				Type: policyv1.DisruptionBudgetCause,
				Message: fmt.Sprintf("The disruption budget %s needs %d healthy pods and has %d currently",
					budget.Name, budget.Status.DesiredHealthy, budget.Status.CurrentHealthy),
			})
			return err
		}
		if !c.dryRun {
			object := thaw(o)
			child(object, "status")["disruptionsAllowed"] = int64(budget.Status.DisruptionsAllowed - 1)
			tx.Commit(in, o, object)
		}
	}
	return nil
}
