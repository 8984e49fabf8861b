// Package wait has conditions for client.Client.WaitFor:
//
//	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
//	defer cancel()
//	deployments := client.Of[appsv1.Deployment](c).In("web")
//	deployment, err := deployments.WaitFor(ctx, "shop", wait.RolledOut())
//
// The conditions read the JSON of an object. So they link no Go type of an object, and they can be
// used with Go types of a program's own.
package wait

import (
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/client"
)

const missing = "it does not exist"

// Exists is met when there is an object of the name.
func Exists() client.Condition {
	return client.Condition{Name: "exist", Met: func(s client.Seen) (bool, string, error) {
		if s.Object == nil {
			return false, missing, nil
		}
		return true, "it exists", nil
	}}
}

// Deleted is met when there is no object of the name that has the uid. Another object of the name
// may have taken its place. If uid is "", Deleted is met when there is no object of the name.
func Deleted(uid types.UID) client.Condition {
	return client.Condition{Name: "be deleted", Met: func(s client.Seen) (bool, string, error) {
		has := text(s.Object, "metadata", "uid")
		switch {
		case s.Object == nil:
			return true, missing, nil
		case uid != "" && has != string(uid):
			return true, "another object has its name", nil
		}
		if text(s.Object, "metadata", "deletionTimestamp") != "" {
			return false, fmt.Sprintf("it is being deleted, and has the finalizers %v",
				at(s.Object, "metadata", "finalizers")), nil
		}
		return false, "it exists", nil
	}}
}

// Condition is met when the object's status has a condition of that type with that status: "Ready",
// "True". Upper and lower case do not matter. If the object tells the generation that the condition
// is about (observedGeneration), that is the object's present one.
func Condition(conditionType, status string) client.Condition {
	name := fmt.Sprintf("have the condition %s=%s", conditionType, status)
	return client.Condition{Name: name, Met: func(s client.Seen) (bool, string, error) {
		if s.Object == nil {
			return false, missing, nil
		}
		c := condition(s.Object, conditionType)
		if c == nil {
			return false, "it has no condition " + conditionType, nil
		}
		has := text(c, "status")
		seen := fmt.Sprintf("%s=%s", conditionType, has)
		if reason := strings.TrimSpace(text(c, "reason") + " " + text(c, "message")); reason != "" {
			seen += ": " + reason
		}
		generation := number(s.Object, "metadata", "generation")
		observed, ok := c["observedGeneration"].(int64)
		if !ok {
			observed, ok = at(s.Object, "status", "observedGeneration").(int64)
		}
		if ok && observed < generation {
			return false, fmt.Sprintf("%s, of generation %d and not %d", seen, observed,
				generation), nil
		}
		return strings.EqualFold(has, status), seen, nil
	}}
}

// When is met when f reports so. The name completes the sentence "wait for the object to …". f is
// called only if the object exists. T is the Go type of the object, the struct; it may be one of
// the program's own that has only the fields that f reads.
func When[T any](name string, f func(*T) bool) client.Condition {
	return client.Condition{Name: name, Met: func(s client.Seen) (bool, string, error) {
		if s.Object == nil {
			return false, missing, nil
		}
		object := new(T)
		if err := s.Decode(object); err != nil {
			return false, "an object that cannot be decoded", err
		}
		if f(object) {
			return true, "it does", nil
		}
		return false, "it does not", nil
	}}
}

// And is met when all conditions are. It cannot be met any more if one of them cannot.
func And(all ...client.Condition) client.Condition {
	name := names(all, " and ")
	return client.Condition{Name: name, Met: func(s client.Seen) (bool, string, error) {
		met := true
		var seen []string
		var errs []error
		for _, c := range all {
			ok, saw, err := c.Met(s)
			met = met && ok
			if seen = append(seen, saw); err != nil {
				errs = append(errs, err)
			}
		}
		return met, strings.Join(seen, "; "), errors.Join(errs...)
	}}
}

// Or is met when one of the conditions is. It cannot be met any more if none of them can.
func Or(all ...client.Condition) client.Condition {
	name := names(all, " or ")
	return client.Condition{Name: name, Met: func(s client.Seen) (bool, string, error) {
		met := false
		var seen []string
		var errs []error
		for _, c := range all {
			ok, saw, err := c.Met(s)
			met = met || ok && err == nil
			if seen = append(seen, saw); err != nil {
				errs = append(errs, err)
			}
		}
		if met || len(errs) < len(all) {
			errs = nil
		}
		return met, strings.Join(seen, "; "), errors.Join(errs...)
	}}
}

// Not is met when the condition is not: also when there is no object, unless the condition is about
// that, and when the condition cannot be met any more.
func Not(c client.Condition) client.Condition {
	return client.Condition{Name: "not " + c.Name, Met: func(s client.Seen) (bool, string, error) {
		met, seen, err := c.Met(s)
		return !met || err != nil, seen, nil
	}}
}

func names(all []client.Condition, between string) string {
	var names []string
	for _, c := range all {
		names = append(names, c.Name)
	}
	return strings.Join(names, between)
}

// at returns what stands at a path, and nil if there is nothing.
func at(object map[string]any, path ...string) any {
	var v any = object
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

func text(object map[string]any, path ...string) string {
	s, _ := at(object, path...).(string)
	return s
}

func number(object map[string]any, path ...string) int64 {
	n, _ := at(object, path...).(int64)
	return n
}

// condition returns a condition of the object's status, and nil if it has none of that type.
func condition(object map[string]any, conditionType string) map[string]any {
	all, _ := at(object, "status", "conditions").([]any)
	for _, c := range all {
		if c, ok := c.(map[string]any); ok && strings.EqualFold(text(c, "type"), conditionType) {
			return c
		}
	}
	return nil
}
