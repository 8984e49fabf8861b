package wait

import (
	"fmt"

	"github.com/skiff-k8s/skiff/client"
)

// of returns a condition about objects of some kinds that exist.
func of(name string, kinds []string,
	met func(object map[string]any) (bool, string, error)) client.Condition {
	return client.Condition{Name: name, Met: func(s client.Seen) (bool, string, error) {
		if s.Object == nil {
			return false, missing, nil
		}
		kind := text(s.Object, "kind")
		for _, k := range kinds {
			if k == kind {
				return met(s.Object)
			}
		}
		return false, "a " + kind, fmt.Errorf("a %s cannot %s: this is for %v", kind, name, kinds)
	}}
}

// JobDone is met when a Job is complete. If the Job has failed, the wait ends with an error.
func JobDone() client.Condition {
	return of("be complete", []string{"Job"}, func(o map[string]any) (bool, string, error) {
		seen := fmt.Sprintf("%d pods are active, %d have succeeded, %d have failed",
			number(o, "status", "active"), number(o, "status", "succeeded"),
			number(o, "status", "failed"))
		if c := condition(o, "Failed"); text(c, "status") == "True" {
			return false, seen, fmt.Errorf("the Job has failed: %s: %s", text(c, "reason"),
				text(c, "message"))
		}
		return text(condition(o, "Complete"), "status") == "True", seen, nil
	})
}

// PodReady is met when a Pod is ready. If the Pod has ended, the wait ends with an error.
func PodReady() client.Condition {
	return of("be ready", []string{"Pod"}, func(o map[string]any) (bool, string, error) {
		phase := text(o, "status", "phase")
		c := condition(o, "Ready")
		seen := "phase " + phase
		if reason := text(c, "reason"); reason != "" {
			seen += ", not ready: " + reason + " " + text(c, "message")
		}
		if phase == "Succeeded" || phase == "Failed" {
			return false, seen, fmt.Errorf("the Pod has ended, in phase %s", phase)
		}
		return text(c, "status") == "True", seen, nil
	})
}

// Established is met when the server serves the resource that a CustomResourceDefinition defines.
func Established() client.Condition {
	kinds := []string{"CustomResourceDefinition"}
	return of("be established", kinds, func(o map[string]any) (bool, string, error) {
		if c := condition(o, "NamesAccepted"); text(c, "status") == "False" {
			return false, "its names are not accepted: " + text(c, "message"), nil
		}
		met := text(condition(o, "Established"), "status") == "True"
		return met, fmt.Sprintf("Established=%t", met), nil
	})
}

// LoadBalancer is met when the load balancer of a Service or an Ingress has an address. If the
// Service is of another type than LoadBalancer, the wait ends with an error.
func LoadBalancer() client.Condition {
	kinds := []string{"Service", "Ingress"}
	return of("have a load balancer", kinds, func(o map[string]any) (bool, string, error) {
		if t := text(o, "spec", "type"); text(o, "kind") == "Service" && t != "LoadBalancer" {
			return false, "type " + t, fmt.Errorf("a Service of type %s gets no load balancer", t)
		}
		all, _ := at(o, "status", "loadBalancer", "ingress").([]any)
		for _, i := range all {
			if i, ok := i.(map[string]any); ok {
				if address := text(i, "ip") + text(i, "hostname"); address != "" {
					return true, address, nil
				}
			}
		}
		return false, "no address", nil
	})
}

// RolledOut is met when a Deployment, StatefulSet or DaemonSet runs its newest template everywhere,
// by the rules of kubectl rollout status. If a Deployment has exceeded its progress deadline, or if
// the update strategy of the others is OnDelete, the wait ends with an error.
func RolledOut() client.Condition {
	kinds := []string{"Deployment", "StatefulSet", "DaemonSet"}
	return of("be rolled out", kinds, func(o map[string]any) (bool, string, error) {
		kind := text(o, "kind")
		strategy := text(o, "spec", "updateStrategy", "type")
		if kind != "Deployment" && strategy != "RollingUpdate" {
			return false, "update strategy " + strategy, fmt.Errorf(
				"a %s with the update strategy %s is not rolled out", kind, strategy)
		}
		generation := number(o, "metadata", "generation")
		observed := number(o, "status", "observedGeneration")
		if observed < generation {
			return false, fmt.Sprintf("its controller has seen generation %d and not %d", observed,
				generation), nil
		}
		switch kind {
		case "Deployment":
			return deploymentRolledOut(o)
		case "DaemonSet":
			return daemonSetRolledOut(o)
		}
		return statefulSetRolledOut(o)
	})
}

func deploymentRolledOut(o map[string]any) (bool, string, error) {
	want, all := number(o, "spec", "replicas"), number(o, "status", "replicas")
	updated := number(o, "status", "updatedReplicas")
	available := number(o, "status", "availableReplicas")
	seen := fmt.Sprintf("%d of %d replicas are updated, %d are available, %d are old", updated,
		want, available, all-updated)
	if c := condition(o, "Progressing"); text(c, "reason") == "ProgressDeadlineExceeded" {
		return false, seen, fmt.Errorf("the Deployment has exceeded its progress deadline: %s",
			text(c, "message"))
	}
	return updated >= want && all <= updated && available >= updated, seen, nil
}

func daemonSetRolledOut(o map[string]any) (bool, string, error) {
	want := number(o, "status", "desiredNumberScheduled")
	updated := number(o, "status", "updatedNumberScheduled")
	available := number(o, "status", "numberAvailable")
	return updated >= want && available >= want,
		fmt.Sprintf("%d of %d pods are updated, %d are available", updated, want, available), nil
}

func statefulSetRolledOut(o map[string]any) (bool, string, error) {
	want, ready := number(o, "spec", "replicas"), number(o, "status", "readyReplicas")
	updated := number(o, "status", "updatedReplicas")
	partition, ok := at(o, "spec", "updateStrategy", "rollingUpdate", "partition").(int64)
	seen := fmt.Sprintf("%d of %d replicas are updated, %d are ready", updated, want, ready)
	if ok {
		seen += fmt.Sprintf(", the partition is %d", partition)
		return ready >= want && updated >= want-partition, seen, nil
	}
	current := text(o, "status", "updateRevision") == text(o, "status", "currentRevision")
	return ready >= want && current, seen, nil
}
