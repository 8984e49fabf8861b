package apiserver

import (
	"encoding/json"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/skiff-k8s/skiff/internal/storage"
)

var metadataPath = field.NewPath("metadata")

// metadata returns the metadata of an object, to be changed in place.
func metadata(o content) content {
	m, ok := o["metadata"].(content)
	if !ok {
		m = content{}
		o["metadata"] = m
	}
	return m
}

func str(m content, name string) string { s, _ := m[name].(string); return s }

// set sets a field; nil and "" remove it.
func set(m content, name string, v any) {
	if v == nil || v == "" {
		delete(m, name)
		return
	}
	m[name] = v
}

// objectMeta returns the metadata as its Go type.
func objectMeta(o content) (m metav1.ObjectMeta, err error) {
	if err := json.Unmarshal(encodeJSON(metadata(o)), &m); err != nil {
		return m, apierrors.NewBadRequest(err.Error())
	}
	return m, nil
}

// nameErrors returns what is wrong with a name.
func (r *Resource) nameErrors(name string, prefix bool) []string {
	switch r.names {
	case label:
		if r.Plural == "services" {
			return validation.NameIsDNSLabel(name, prefix)
		}
		return validation.ValidateNamespaceName(name, prefix)
	case pathSegment:
		return segmentErrors(name)
	}
	return validation.NameIsDNSSubdomain(name, prefix)
}

// segmentErrors returns what prevents a name from being a part of a path.
func segmentErrors(name string) (errs []string) {
	if name == "." || name == ".." {
		return []string{fmt.Sprintf("may not be '%s'", name)}
	}
	for _, part := range []string{"/", "%"} {
		if strings.Contains(name, part) {
			errs = append(errs, fmt.Sprintf("may not contain '%s'", part))
		}
	}
	return errs
}

// newMetaErrors returns what is wrong with the metadata of an object to be created.
func (r *Resource) newMetaErrors(m *metav1.ObjectMeta) field.ErrorList {
	return validation.ValidateObjectMeta(m, r.Namespaced, r.nameErrors, metadataPath)
}

// changedMetaErrors returns what is wrong with a change of metadata.
func (r *Resource) changedMetaErrors(next, was *metav1.ObjectMeta) field.ErrorList {
	return append(validation.ValidateObjectMeta(next, r.Namespaced, r.nameErrors, metadataPath),
		validation.ValidateObjectMetaUpdate(next, was, metadataPath)...)
}

func (r *Resource) invalid(name string, errs field.ErrorList) error {
	if len(errs) == 0 {
		return nil
	}
	return apierrors.NewInvalid(r.gk(), name, errs)
}

// writeOptions reads dryRun, fieldValidation and fieldManager.
func (c *call) writeOptions(kind string) error {
	c.strict, c.manager = c.q.Get("fieldValidation"), c.q.Get("fieldManager")
	path := field.NewPath("fieldManager")
	errs := metav1validation.ValidateFieldManager(c.manager, path)
	errs = append(errs, metav1validation.ValidateDryRun(field.NewPath("dryRun"), c.q["dryRun"])...)
	if kind != "DeleteOptions" {
		errs = append(errs, metav1validation.ValidateFieldValidation(field.NewPath("fieldValidation"), c.strict)...)
	}
	if len(errs) > 0 {
		return apierrors.NewInvalid(apischema.GroupKind{Group: metav1.GroupName, Kind: kind}, "", errs)
	}
	c.dryRun = len(c.q["dryRun"]) > 0
	if c.manager == "" {
		c.manager = managerOf(c.r.UserAgent())
	}
	return nil
}

// managerOf returns the manager of a request that names none: the program of the User-Agent.
func managerOf(agent string) string {
	for i, r := range agent {
		if r == '/' || i >= 128 {
			return agent[:i]
		}
	}
	if agent == "" {
		return "unknown"
	}
	return agent
}

// namespaceExists returns an error unless objects can be created in the request's namespace.
func (c *call) namespaceExists(tx storage.Tx) error {
	if !c.res.Namespaced {
		return nil
	}
	namespaces := storage.Collection{Resource: "namespaces"}
	ns := tx.Get(namespaces, "", c.at.Namespace)
	if ns == nil {
		return apierrors.NewNotFound(apischema.GroupResource{Resource: "namespaces"}, c.at.Namespace)
	}
	if ns.Meta.DeletionTimestamp == "" {
		return nil
	}
	name := c.at.Name
	err := apierrors.NewForbidden(c.res.gr(), name, errTerminating(c.at.Namespace))
	err.ErrStatus.Details.Causes = append(err.ErrStatus.Details.Causes, metav1.StatusCause{
		Type: corev1NamespaceTerminating, Field: "metadata.namespace",
		Message: "namespace " + c.at.Namespace + " is being terminated",
	})
	return err
}

const corev1NamespaceTerminating = metav1.CauseType("NamespaceTerminating")

type errTerminating string

func (e errTerminating) Error() string {
	return "unable to create new content in namespace " + string(e) + " because it is being terminated"
}

// checkNamespace sets the namespace of an object to that of the URL.
func (c *call) checkNamespace(o content) error {
	m := metadata(o)
	switch has := str(m, "namespace"); {
	case has == "" || has == c.at.Namespace:
		set(m, "namespace", c.at.Namespace)
	case !c.res.Namespaced && c.res.isCustom():
		delete(m, "namespace")
	default:
		return apierrors.NewBadRequest("the namespace of the provided object does not match the namespace sent on the request")
	}
	return nil
}

// statusOfDeleted is the answer to a deletion.
func (c *call) statusOfDeleted(name string, uid string) *metav1.Status {
	return &metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusSuccess, Code: 0,
		Details: &metav1.StatusDetails{Name: name, Group: c.res.Group, Kind: c.res.Plural, UID: types.UID(uid)},
	}
}

// maxGenerated is how much of a generateName is used: the name is within the limit of a label.
const maxGenerated = utilvalidation.DNS1123LabelMaxLength - 5
