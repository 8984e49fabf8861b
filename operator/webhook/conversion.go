package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/kind"
)

// Spoke is a version of a custom resource beside the hub, with the functions that convert it. From
// makes one.
type Spoke[H any] struct{ version version }

// version is one version of a kind.
type version struct {
	kind           kind.Info
	err            error // why kind is not known
	new            func() metav1.Object
	toHub, fromHub func(src, dst metav1.Object) error // nil of the hub
}

// From returns the version with the Go type S, and how it is converted to the hub H and back. The
// functions fill in dst from src.
//
// dst has the metadata of src already, and its own apiVersion and kind. The functions may change
// its labels and annotations, for example to keep there what the other version has no field for.
// The API server permits no other change of the metadata. src is the caller's own.
func From[S, H any, PS kind.Object[S], PH kind.Object[H]](toHub func(src *S, dst *H) error,
	fromHub func(src *H, dst *S) error) Spoke[H] {
	k, err := kind.Of[S, PS]()
	return Spoke[H]{version{
		kind: k, err: err, new: func() metav1.Object { return PS(new(S)) },
		toHub: func(src, dst metav1.Object) error {
			return toHub((*S)(src.(PS)), (*H)(dst.(PH)))
		},
		fromHub: func(src, dst metav1.Object) error {
			return fromHub((*H)(src.(PH)), (*S)(dst.(PS)))
		},
	}}
}

// Convert returns the webhook that converts a custom resource between its versions, for
// spec.conversion of its CustomResourceDefinition. H is the Go type of the hub, through which the
// others are converted: the storage version, if the functions allow it, for that saves the most
// conversions. All versions have the same group and kind.
//
// Its path is /convert. A Server with several Converts, of different kinds, serves all of them
// there.
//
// Fields that the Go types do not know are lost by a conversion. Package webhooktest finds what is
// lost otherwise.
func Convert[H any, P kind.Object[H]](spokes ...Spoke[H]) *Hook {
	k, err := kind.Of[H, P]()
	all := []version{{kind: k, err: err, new: func() metav1.Object { return P(new(H)) }}}
	for _, s := range spokes {
		all = append(all, s.version)
	}
	h := newHook(converting, k, versionsErr(all), []Option{At("/convert")})
	h.converts(all)
	return h
}

// versionsErr returns what is wrong with the versions of one kind, the hub first.
func versionsErr(all []version) error {
	hub := all[0].kind
	seen := map[string]bool{}
	for _, v := range all {
		switch {
		case v.err != nil:
			return v.err
		case v.kind.Group != hub.Group || v.kind.Kind != hub.Kind:
			return fmt.Errorf("convert %s: %s is another kind", hub, v.kind)
		case seen[v.kind.Version]:
			return fmt.Errorf("convert %s: two Go types have the version %s", hub, v.kind.Version)
		}
		seen[v.kind.Version] = true
	}
	if len(all) == 1 {
		return fmt.Errorf("convert %s: it has no other version", hub)
	}
	return nil
}

// converted returns an object of the request in the desired version.
func (h *Hook) converted(raw json.RawMessage, desired string) (json.RawMessage, error) {
	var head struct {
		metav1.TypeMeta `json:",inline"`
		Metadata        json.RawMessage `json:"metadata"`
	}
	if err := decode(raw, kind.Info{}, &head); err != nil {
		return nil, fmt.Errorf("read object: %w", err)
	}
	if head.APIVersion == desired {
		return raw, nil
	}
	from, hub, to, err := h.way(head.APIVersion, desired, head.Kind)
	if err != nil {
		return nil, err
	}
	obj := from.new()
	if err := decode(raw, from.kind, obj); err != nil {
		return nil, fmt.Errorf("read object: %w", err)
	}
	if from.toHub != nil {
		if obj, err = passed(obj, hub, head.Metadata, from.toHub); err != nil {
			return nil, err
		}
	}
	if to.fromHub != nil {
		if obj, err = passed(obj, to, head.Metadata, to.fromHub); err != nil {
			return nil, err
		}
	}
	return encoded(obj, to.kind, head.Metadata)
}

// way returns the versions that an object passes.
func (h *Hook) way(from, to, ofKind string) (f, hub, t version, err error) {
	group, _, _ := strings.Cut(to, "/")
	of := h.versions[groupKind{group, ofKind}]
	if of == nil {
		return f, hub, t, fmt.Errorf("the kind %q of %s is unknown", cut(ofKind, maxQuoted), cut(to, maxQuoted))
	}
	f, known := of.by(from)
	if !known {
		return f, hub, t, fmt.Errorf("the version %s of %s is unknown: known are %s", cut(from, maxQuoted), ofKind, of)
	}
	if t, known = of.by(to); !known {
		return f, hub, t, fmt.Errorf("the desired version %s of %s is unknown: known are %s", cut(to, maxQuoted),
			ofKind, of)
	}
	return f, of[0], t, nil
}

// groupKind is a kind without its versions.
type groupKind struct{ group, kind string }

// versions are those of one kind, the hub first.
type versions []version

func (all versions) by(apiVersion string) (version, bool) {
	i := slices.IndexFunc(all, func(v version) bool { return v.kind.APIVersion() == apiVersion })
	if i < 0 {
		return version{}, false
	}
	return all[i], true
}

func (all versions) String() string {
	names := make([]string, len(all))
	for i, v := range all {
		names[i] = v.kind.APIVersion()
	}
	return strings.Join(names, ", ")
}

// passed returns what convert makes of src in the version to. metadata is that of the object in the
// request, labels and annotations are src's.
func passed(src metav1.Object, to version, metadata json.RawMessage,
	convert func(src, dst metav1.Object) error) (metav1.Object, error) {
	dst := to.new()
	if metadata != nil {
		doc := slices.Concat([]byte(`{"metadata":`), metadata, []byte("}"))
		if err := decode(doc, to.kind, dst); err != nil {
			return nil, fmt.Errorf("read metadata: %w", err)
		}
	}
	dst.SetLabels(maps.Clone(src.GetLabels()))
	dst.SetAnnotations(maps.Clone(src.GetAnnotations()))
	before, err := metadataOf(dst)
	if err != nil {
		return nil, err
	}
	if err := convert(src, dst); err != nil {
		return nil, err
	}
	after, err := metadataOf(dst)
	if err != nil {
		return nil, err
	}
	names := maps.Clone(before)
	maps.Copy(names, after)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if name != "labels" && name != "annotations" && !reflect.DeepEqual(before[name], after[name]) {
			return nil, fmt.Errorf("the conversion to %s changed metadata.%s: "+
				"it may change labels and annotations only", to.kind.Version, name)
		}
	}
	return dst, nil
}

func metadataOf(obj metav1.Object) (map[string]any, error) {
	tree, err := treeOf(obj)
	if err != nil {
		return nil, fmt.Errorf("encode object: %w", err)
	}
	object, _ := tree.(map[string]any)
	metadata, ok := object["metadata"].(map[string]any)
	if !ok {
		return nil, errors.New("encode object: its Go type has no field \"metadata\"")
	}
	return metadata, nil
}

// encoded returns an object as JSON, with the metadata of the request but for labels and
// annotations, so that nothing of it is lost that the Go types do not know.
func encoded(obj metav1.Object, k kind.Info, metadata json.RawMessage) (json.RawMessage, error) {
	data, err := json.Marshal(obj)
	if err != nil {
		return nil, fmt.Errorf("encode object: %w", err)
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(data, &object); err != nil {
		return nil, fmt.Errorf("encode object: %w", err)
	}
	meta := map[string]any{}
	if bytesOf(metadata) != nil {
		fields := map[string]json.RawMessage{}
		if err := json.Unmarshal(metadata, &fields); err != nil {
			return nil, fmt.Errorf("read metadata: %w", err)
		}
		for name, value := range fields {
			meta[name] = value
		}
	}
	for name, values := range map[string]map[string]string{
		"labels": obj.GetLabels(), "annotations": obj.GetAnnotations()} {
		if delete(meta, name); len(values) > 0 {
			meta[name] = values
		}
	}
	for name, value := range map[string]any{
		"metadata": meta, "apiVersion": k.APIVersion(), "kind": k.Kind} {
		if object[name], err = json.Marshal(value); err != nil {
			return nil, fmt.Errorf("encode object: %w", err)
		}
	}
	return json.Marshal(object)
}
