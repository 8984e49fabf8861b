package webhook

import (
	"encoding/json"
	"fmt"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/wire"
)

// Operation is what a request does to an object.
type Operation string

// The operations of admission.k8s.io/v1.
const (
	Create  Operation = "CREATE"
	Update  Operation = "UPDATE"
	Delete  Operation = "DELETE"
	Connect Operation = "CONNECT"
)

// Request is a request of the API server to admit what a user asks for. It belongs to the function
// that gets it.
type Request[T any] struct {
	Attributes
	// Object is the object as it is to be stored. It is nil for Delete.
	Object *T
	// OldObject is the object as it is stored. It is nil for Create and Connect, and if it cannot be
	// decoded.
	OldObject *T
	// OldObjectErr is why OldObject cannot be decoded: it was stored by another version of the
	// definition, for example. The function decides what that means. To refuse it would keep the
	// object from ever being changed or deleted.
	OldObjectErr error
}

// Attributes are the parts of a request that do not depend on the type of its object.
type Attributes struct {
	// UID identifies the review.
	UID types.UID
	// Operation is what the request does. One that is none of the four constants is refused before a
	// function is called.
	Operation Operation
	// Kind and Resource are those that the rules of the webhook's configuration named. The API
	// server has converted the objects to that version.
	Kind     metav1.GroupVersionKind
	Resource metav1.GroupVersionResource
	// RequestKind and RequestResource are those of the request that the user sent. They differ from
	// Kind and Resource if the user sent another version.
	RequestKind     metav1.GroupVersionKind
	RequestResource metav1.GroupVersionResource
	// Subresource is "status" or "scale", for example, and "" for the object itself.
	Subresource string
	// Namespace is "" for a cluster-scoped object. Name may be "" for Create with a generateName.
	Namespace, Name string
	// User is who sent the request.
	User authenticationv1.UserInfo
	// DryRun reports whether nothing will be stored. A function that has effects of its own leaves
	// them out then.
	DryRun bool
	// Options are the CreateOptions, UpdateOptions or DeleteOptions of the request, as JSON. They
	// may be nil.
	Options []byte
}

// admissionReview is AdmissionReview of admission.k8s.io/v1
// (https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/). It
// is a type of this package, so that the objects stay bytes and no generated code is linked.
type admissionReview struct {
	APIVersion string             `json:"apiVersion"`
	Kind       string             `json:"kind"`
	Request    *admissionRequest  `json:"request,omitempty"`
	Response   *admissionResponse `json:"response,omitempty"`
}

type admissionRequest struct {
	UID             types.UID                    `json:"uid"`
	Kind            metav1.GroupVersionKind      `json:"kind"`
	Resource        metav1.GroupVersionResource  `json:"resource"`
	SubResource     string                       `json:"subResource"`
	RequestKind     *metav1.GroupVersionKind     `json:"requestKind"`
	RequestResource *metav1.GroupVersionResource `json:"requestResource"`
	Name            string                       `json:"name"`
	Namespace       string                       `json:"namespace"`
	Operation       Operation                    `json:"operation"`
	UserInfo        authenticationv1.UserInfo    `json:"userInfo"`
	Object          json.RawMessage              `json:"object"`
	OldObject       json.RawMessage              `json:"oldObject"`
	DryRun          *bool                        `json:"dryRun"`
	Options         json.RawMessage              `json:"options"`
}

type admissionResponse struct {
	UID       types.UID      `json:"uid"`
	Allowed   bool           `json:"allowed"`
	Status    *metav1.Status `json:"status,omitempty"`
	Patch     []byte         `json:"patch,omitempty"`
	PatchType string         `json:"patchType,omitempty"`
	Warnings  []string       `json:"warnings,omitempty"`
}

func (r *admissionRequest) attributes() Attributes {
	a := Attributes{
		UID: r.UID, Operation: r.Operation, Kind: r.Kind, Resource: r.Resource,
		RequestKind: r.Kind, RequestResource: r.Resource, Subresource: r.SubResource,
		Namespace: r.Namespace, Name: r.Name, User: r.UserInfo,
		DryRun: r.DryRun != nil && *r.DryRun, Options: bytesOf(r.Options),
	}
	if r.RequestKind != nil {
		a.RequestKind = *r.RequestKind
	}
	if r.RequestResource != nil {
		a.RequestResource = *r.RequestResource
	}
	return a
}

// bytesOf returns a document, and nil for null and none.
func bytesOf(doc json.RawMessage) []byte {
	if string(doc) == "null" {
		return nil
	}
	return doc
}

// requestOf returns the request with its objects decoded.
func requestOf[T any](in *admissionRequest, k kind.Info) (*Request[T], error) {
	r := &Request[T]{Attributes: in.attributes()}
	if err := ofKind(in, k); err != nil {
		return nil, err
	}
	if doc := bytesOf(in.Object); doc != nil {
		r.Object = new(T)
		if err := decode(doc, k, r.Object); err != nil {
			return nil, badRequest("read object: %v", err)
		}
	}
	if doc := bytesOf(in.OldObject); doc != nil {
		r.OldObject = new(T)
		if err := decode(doc, k, r.OldObject); err != nil {
			r.OldObject, r.OldObjectErr = nil, fmt.Errorf("read old object: %w", err)
		}
	}
	return r, nil
}

// ofKind refuses a request whose objects are not of the hook's kind: a wrong rule in the
// configuration. A Scale decoded into a Deployment would be a Deployment with zeros.
func ofKind(in *admissionRequest, k kind.Info) error {
	got := in.Kind
	if got.Group == k.Group && got.Version == k.Version && got.Kind == k.Kind {
		return nil
	}
	of := cut(in.Resource.Resource, maxQuoted)
	if in.SubResource != "" {
		of += "/" + cut(in.SubResource, maxQuoted)
	}
	return badRequest("the webhook is for %s, and was called for %s %s (resource %s, operation %s): "+
		"correct the rules of its configuration",
		k, cut(metav1.GroupVersion{Group: got.Group, Version: got.Version}.String(), maxQuoted),
		cut(got.Kind, maxQuoted), of, in.Operation)
}

func badRequest(format string, args ...any) error {
	return &Denied{Code: 400, Message: fmt.Sprintf(format, args...)}
}

// decode decodes a JSON object as API servers do: field names are case-sensitive.
func decode(doc []byte, k kind.Info, into any) error {
	return wire.Decode(wire.Object{Data: doc, Format: wire.JSON,
		APIVersion: k.APIVersion(), Kind: k.Kind}, into)
}
