package crd

import (
	"encoding/base64"
	"maps"
	"reflect"

	"github.com/skiff-k8s/skiff/kind"
)

// Option says of a definition what its Go type cannot.
type Option interface{ define(*definition) }

// VersionOption is an Option that concerns one version. Given to Of it concerns the version of Of's
// type.
type VersionOption interface {
	Option
	inVersion(*version)
}

type option func(*definition)

func (o option) define(d *definition) { o(d) }

type versionOption func(*version)

func (o versionOption) define(d *definition) { o(d.versions[0]) }
func (o versionOption) inVersion(v *version) { o(v) }

// ShortNames adds names that kubectl takes in place of the resource's.
func ShortNames(names ...string) Option {
	return option(func(d *definition) { d.shortNames = append(d.shortNames, names...) })
}

// Categories adds groups of resources that kubectl takes by name, such as "all".
func Categories(names ...string) Option {
	return option(func(d *definition) { d.categories = append(d.categories, names...) })
}

// Singular sets the singular name. The default is the kind in lower case.
func Singular(name string) Option { return option(func(d *definition) { d.singular = name }) }

// ListKind sets the kind of lists. The default is the kind and "List".
func ListKind(name string) Option { return option(func(d *definition) { d.listKind = name }) }

// Labels adds labels to the definition.
func Labels(labels map[string]string) Option {
	return option(func(d *definition) {
		if d.labels == nil {
			d.labels = map[string]string{}
		}
		maps.Copy(d.labels, labels)
	})
}

// Annotations adds annotations to the definition, such as cert-manager.io/inject-ca-from.
func Annotations(annotations map[string]string) Option {
	return option(func(d *definition) {
		if d.annotations == nil {
			d.annotations = map[string]string{}
		}
		maps.Copy(d.annotations, annotations)
	})
}

// ForType says in the words of a tag what the schema of a type of another module is, wherever it
// stands: crd.ForType[theirs.Duration]("type=string,pattern='^[0-9]+s$'"). With the word type the
// words replace what follows from the Go type; without it they are added.
func ForType[T any](words string) Option {
	return option(func(d *definition) { d.types[reflect.TypeFor[T]()] = words })
}

// Version adds the version of another Go type with the same group and kind. Its options are its own;
// nothing is taken over from the first version. It is served, and not the one that is stored.
func Version[T any, P kind.Object[T]](options ...VersionOption) Option {
	return option(func(d *definition) {
		v := &version{of: reflect.TypeFor[T](), served: true}
		d.versions = append(d.versions, v)
		for _, o := range options {
			if o == nil {
				d.misuse("an option of Version[%v] is nil", v.of)
				continue
			}
			o.inVersion(v)
		}
	})
}

// Storage makes a version the one that objects are stored in. The default is the version of Of's
// type.
func Storage() VersionOption { return versionOption(func(v *version) { v.storage = true }) }

// NotServed makes the server refuse requests for a version. It stays in the definition as long as
// objects may be stored in it.
func NotServed() VersionOption { return versionOption(func(v *version) { v.served = false }) }

// Deprecated makes the server add a warning to each answer in a version. "" means the server's own
// text.
func Deprecated(warning string) VersionOption {
	return versionOption(func(v *version) { v.deprecated, v.warning = true, warning })
}

// Status adds the subresource status: the status is written by it only, and the rest of the object
// without it.
// (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#status-subresource)
func Status() VersionOption { return versionOption(func(v *version) { v.status = true }) }

// Scale adds the subresource scale, which kubectl scale and autoscalers use. The paths lead to the
// number of replicas in the spec and in the status, and to a label selector as a string in either;
// "" means that there is no selector. A version with Scale needs Status.
func Scale(spec, status, selector string) VersionOption {
	return versionOption(func(v *version) { v.scale = &scalePaths{spec, status, selector} })
}

type scalePaths struct{ spec, status, selector string }

func (p *scalePaths) object() map[string]any {
	o := map[string]any{"specReplicasPath": p.spec, "statusReplicasPath": p.status}
	if p.selector != "" {
		o["labelSelectorPath"] = p.selector
	}
	return o
}

// Column is a column of kubectl get.
type Column struct {
	Name string
	Path string // a JSONPath from the object: ".status.phase"

	// Type is string, integer, number, boolean or date. "" means that of the field; it must be given
	// if the path has brackets or leads through a field of any type.
	Type        string
	Format      string // "" means none
	Description string
	Priority    int // above 0 means: with -o wide only
}

// Columns adds columns to what kubectl get shows. Without any it shows the age.
func Columns(columns ...Column) VersionOption {
	return versionOption(func(v *version) { v.columns = append(v.columns, columns...) })
}

func (c *Column) object() map[string]any {
	o := map[string]any{"name": c.Name, "jsonPath": c.Path, "type": c.Type}
	if c.Format != "" {
		o["format"] = c.Format
	}
	if c.Description != "" {
		o["description"] = c.Description
	}
	if c.Priority != 0 {
		o["priority"] = int64(c.Priority)
	}
	return o
}

// SelectableFields adds paths that field selectors may name, such as ".spec.node": at most 8, of
// strings, whole numbers and booleans.
// (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#crd-selectable-fields)
func SelectableFields(paths ...string) VersionOption {
	return versionOption(func(v *version) { v.selectable = append(v.selectable, paths...) })
}

// Webhook is where the server asks for conversions. Either Namespace and Service are set, or URL.
// Package operator/webhook answers, by its Convert.
type Webhook struct {
	Namespace, Service string
	Port               int    // of the Service; 0 means 443
	Path               string // "" means "/convert", which is that of package operator/webhook
	URL                string // the whole of it

	// CABundle are the certificates to trust, as PEM. nil means none: the Authority of
	// operator/webhook or cert-manager writes them. Install does not take those away.
	CABundle []byte
}

// Convert names the webhook that converts objects between versions.
func Convert(w Webhook) Option { return option(func(d *definition) { d.conversion = &w }) }

// NoConversion says that versions with different fields are meant to be converted by renaming the
// apiVersion only. What a version does not know is lost when an object is written in it.
func NoConversion() Option { return option(func(d *definition) { d.noConversion = true }) }

func (w *Webhook) object() map[string]any {
	client := map[string]any{}
	if w.URL != "" {
		client["url"] = w.URL
	} else {
		service := map[string]any{"namespace": w.Namespace, "name": w.Service, "path": "/convert"}
		if w.Path != "" {
			service["path"] = w.Path
		}
		if w.Port != 0 {
			service["port"] = int64(w.Port)
		}
		client["service"] = service
	}
	if len(w.CABundle) > 0 {
		client["caBundle"] = base64.StdEncoding.EncodeToString(w.CABundle)
	}
	return map[string]any{"strategy": "Webhook", "webhook": map[string]any{
		"clientConfig": client, "conversionReviewVersions": []any{"v1"}}}
}
