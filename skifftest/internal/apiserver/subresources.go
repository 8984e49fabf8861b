package apiserver

import (
	"fmt"
	"net/http"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/internal/storage"
	"github.com/skiff-k8s/skiff/skifftest/internal/owners"
	"github.com/skiff-k8s/skiff/skifftest/internal/patch"
)

// scalePaths are where an object has what its Scale shows. selector is a LabelSelector, a map of labels,
// or a selector as text.
type scalePaths struct{ spec, status, selector []string }

var builtinScales = map[string]*scalePaths{
	"deployments.apps":       workload,
	"replicasets.apps":       workload,
	"statefulsets.apps":      workload,
	"replicationcontrollers": workload,
}

var workload = &scalePaths{
	spec: []string{"spec", "replicas"}, status: []string{"status", "replicas"}, selector: []string{"spec", "selector"},
}

// jsonPath returns a path of a CustomResourceDefinition, such as .spec.replicas.
func jsonPath(text string) []string { return strings.Split(strings.TrimPrefix(text, "."), ".") }

// scaleKind is the resource that a Scale is read and written as.
var scaleKind = &Resource{
	Group: "autoscaling", Version: "v1", Kind: "Scale", Namespaced: true,
	stored: owners.ScaleKind,
}

// scaleOf returns the Scale of an object.
func (p *scalePaths) scaleOf(o content) content {
	m := metadata(o)
	out := content{"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": content{}}
	for _, name := range []string{"name", "namespace", "uid", "resourceVersion", "creationTimestamp"} {
		set(metadata(out), name, m[name])
	}
	spec, status := content{}, content{"replicas": int64(0)}
	set(spec, "replicas", at(o, p.spec...))
	if n := at(o, p.status...); n != nil {
		status["replicas"] = n
	}
	if p.selector != nil {
		set(status, "selector", selectorText(at(o, p.selector...)))
	}
	out["spec"], out["status"] = spec, status
	return out
}

func selectorText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case content:
		var s metav1.LabelSelector
		_, byLabels := v["matchLabels"]
		_, byRules := v["matchExpressions"]
		if byLabels || byRules {
			o := content{"s": v}
			data := encodeJSON(o["s"])
			if err := jsonUnmarshal(data, &s); err != nil {
				return ""
			}
			return metav1.FormatLabelSelector(&s)
		}
		s.MatchLabels = map[string]string{}
		for key := range v {
			s.MatchLabels[key] = str(v, key)
		}
		return metav1.FormatLabelSelector(&s)
	}
	return ""
}

func (c *call) serveScale(verb string) error {
	if c.res.scale == nil {
		return errNoResource
	}
	code := http.StatusOK
	var was, next *storage.Object
	var p patching
	var body content
	var err error
	switch verb {
	case "update":
		if err = c.writeOptions("UpdateOptions"); err == nil {
			body, err = c.object(scaleKind)
		}
	case "patch":
		p, err = c.readPatch()
	}
	if err != nil {
		return err
	}
	err = c.s.store.Do(func(tx storage.Tx) (err error) {
		if was, err = c.named(tx); err != nil || verb == "get" {
			next = was
			return err
		}
		live := c.res.fromStored(thaw(was))
		scale := body
		if verb == "patch" {
			scale, err = c.patchScale(p, live)
		}
		if err == nil {
			next, err = c.rescale(tx, was, live, scale)
		}
		return err
	})
	if err != nil {
		return err
	}
	if verb != "get" {
		c.s.changed(c.res, was, next, c.dryRun)
	}
	out := storage.Document(c.res.scale.scaleOf(c.res.fromStored(thaw(next)))).Freeze()
	c.res = scaleKind
	return c.write(code, out)
}

// patchScale returns the Scale of an object after a patch or an apply.
func (c *call) patchScale(p patching, live content) (content, error) {
	scale, err := c.ownedScale(live)
	if err != nil {
		return nil, err
	}
	if p.kind == types.ApplyYAMLPatchType {
		force := p.force != nil && *p.force
		c.applied = true
		return c.s.owners.Apply(owners.ScaleKind, "scale", scale, p.body, c.manager, force)
	}
	result, err := patch.Request{
		Type: p.kind, GVK: owners.ScaleKind, Live: scale, Body: p.body, FieldValidation: c.strict,
	}.Do()
	c.warnings = append(c.warnings, result.Warnings...)
	return result.Object, err
}

// ownedScale returns the Scale of an object, with the owners of its replicas.
func (c *call) ownedScale(live content) (content, error) {
	return c.s.owners.ToScale(c.res.GVK(), c.res.scale.path(), live, c.res.scale.scaleOf(live))
}

// path returns the path of the replicas in the spec.
func (p *scalePaths) path() string { return "." + strings.Join(p.spec, ".") }

// ownRescaled returns next, which is live with the replicas of scale, with the owners that follow.
func (c *call) ownRescaled(live, next, scale content) (content, error) {
	if !c.applied {
		was, err := c.ownedScale(live)
		if err != nil {
			return nil, err
		}
		if scale, err = c.s.owners.Update(owners.ScaleKind, "scale", was, scale, c.manager); err != nil {
			return nil, err
		}
		c.applied = true
	}
	return c.s.owners.FromScale(c.res.GVK(), c.res.scale.path(), next, scale)
}

// rescale sets the replicas of an object to those of a Scale.
func (c *call) rescale(tx storage.Tx, was *storage.Object, live, scale content) (*storage.Object, error) {
	if name := str(metadata(scale), "name"); name != c.at.Name {
		return nil, apierrors.NewBadRequest(fmt.Sprintf(
			"the name of the object (%s) does not match the name on the URL (%s)", name, c.at.Name))
	}
	n, _ := at(scale, "spec", "replicas").(int64)
	if n < 0 {
		return nil, apierrors.NewInvalid(scaleKind.gk(), c.at.Name, negativeReplicas(n))
	}
	next := cloneContent(live)
	m := metadata(next)
	set(m, "resourceVersion", metadata(scale)["resourceVersion"])
	if uid := str(metadata(scale), "uid"); uid != "" {
		m["uid"] = uid
	}
	if str(m, "resourceVersion") == "" {
		m["resourceVersion"] = was.Meta.ResourceVersion
	}
	parent := next
	for _, name := range c.res.scale.spec[:len(c.res.scale.spec)-1] {
		parent = child(parent, name)
	}
	parent[c.res.scale.spec[len(c.res.scale.spec)-1]] = n
	next, err := c.ownRescaled(live, next, scale)
	if err != nil {
		return nil, err
	}
	return c.replace(tx, was, next)
}

// succeed answers with a Status of success.
func (c *call) succeed(code int) error {
	c.answer.as = ""
	c.writeStatus(code, &metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusSuccess, Code: int32(code),
	})
	return nil
}

// bind assigns a pod to a node.
func (c *call) bind() error {
	if err := c.writeOptions("CreateOptions"); err != nil {
		return err
	}
	o, err := c.object(&Resource{Version: "v1", Kind: "Binding", Plural: "bindings", Namespaced: true,
		stored: apischema.GroupVersionKind{Version: "v1", Kind: "Binding"}})
	if err != nil {
		return err
	}
	node, _ := at(o, "target", "name").(string)
	var was, next *storage.Object
	err = c.s.store.Do(func(tx storage.Tx) (err error) {
		if was, err = c.named(tx); err != nil {
			return err
		}
		pod := thaw(was)
		if has := str(child(pod, "spec"), "nodeName"); has != "" {
			return apierrors.NewConflict(apischema.GroupResource{Resource: "pods/binding"}, c.at.Name,
				fmt.Errorf("pod %s is already assigned to node %q", c.at.Name, has))
		}
		child(pod, "spec")["nodeName"] = node
		status := child(pod, "status")
		conditions, _ := status["conditions"].([]any)
		status["conditions"] = append(conditions, content{
			"type": "PodScheduled", "status": "True", "lastProbeTime": nil, "lastTransitionTime": c.s.timestamp(),
		})
		next = c.commit(tx, was, pod)
		return nil
	})
	if err != nil {
		return err
	}
	c.s.changed(c.res, was, next, c.dryRun)
	return c.succeed(http.StatusCreated)
}
