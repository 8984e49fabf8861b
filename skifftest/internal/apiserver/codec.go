package apiserver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/validation/field"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"github.com/skiff-k8s/skiff/internal/storage"
	"github.com/skiff-k8s/skiff/skifftest/internal/schema"
)

// The media types.
const (
	mediaJSON     = "application/json"
	mediaYAML     = "application/yaml"
	mediaProtobuf = "application/vnd.kubernetes.protobuf"
)

// magic begins an object in protobuf: https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding-idl
var magic = []byte("k8s\x00")

// maxBody is how large a body may be: kube-apiserver's limit.
const maxBody = 3 << 20

// content is an object as unstructured content: maps, lists, strings, bools, int64 and float64.
type content = map[string]any

// thaw returns an object of the store, to be changed.
func thaw(o *storage.Object) content {
	var m content
	if err := utiljson.Unmarshal(o.JSON, &m); err != nil {
		panic(fmt.Sprintf("skifftest: decode a stored object: %v", err)) // Freeze wrote it
	}
	return m
}

// readBody returns the body of the request.
func (c *call) readBody() ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(c.r.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, apierrors.NewBadRequest(err.Error())
	case len(data) > maxBody:
		return nil, apierrors.NewRequestEntityTooLargeError(fmt.Sprintf("limit is %d", maxBody))
	}
	return data, nil
}

// object returns the object of kind res in the body.
func (c *call) object(res *Resource) (content, error) {
	data, err := c.readBody()
	if err != nil {
		return nil, err
	}
	return c.decodeAs(res, data)
}

// decodeAs returns the object in a body whose kind, if it says none, is that of res.
func (c *call) decodeAs(res *Resource, data []byte) (content, error) {
	media := c.r.Header.Get("Content-Type")
	if media != "" {
		if parsed, _, err := mime.ParseMediaType(media); err == nil {
			media = parsed
		}
	}
	switch media {
	case "", mediaJSON:
	case mediaYAML:
		converted, err := yaml.YAMLToJSON(data)
		if err != nil {
			return nil, apierrors.NewBadRequest(fmt.Sprintf(
				"the object provided is unrecognized (must be of type %s): %v", res.Kind, err))
		}
		data = converted
	case mediaProtobuf:
		if !res.typed() {
			return nil, unsupportedMedia(mediaJSON, mediaYAML)
		}
		gvk, body, err := fromProtobuf(data)
		if err != nil {
			return nil, apierrors.NewBadRequest(err.Error())
		}
		data = body
		if gvk != res.GVK() {
			return nil, c.wrongKind(res, gvk)
		}
	default:
		return nil, unsupportedMedia(mediaJSON, mediaYAML, mediaProtobuf)
	}
	return c.decodeJSON(res, data)
}

func unsupportedMedia(accepted ...string) error {
	return storage.NewError(415, metav1.StatusReasonUnsupportedMediaType,
		"the body of the request was in an unknown format - accepted media types include: "+
			strings.Join(accepted, ", "), nil)
}

// decodeJSON returns an object of kind res in JSON. By the Go type of a built-in kind, and by the schema
// of a custom one, it refuses, names or drops fields that are not known.
func (c *call) decodeJSON(res *Resource, data []byte) (content, error) {
	var head struct {
		APIVersion string `json:"apiVersion,omitempty"`
		Kind       string `json:"kind,omitempty"`
	}
	err := json.Unmarshal(data, &head)
	switch {
	case err == nil && res.isCustom() && head.Kind == "":
		return nil, apierrors.NewBadRequest(fmt.Sprintf("the object provided is unrecognized (must be of type %s): "+
			"Object 'Kind' is missing in '%.200s'", res.Kind, data))
	case err != nil:
		return nil, apierrors.NewBadRequest(fmt.Sprintf("the object provided is unrecognized (must be of type %s): "+
			"couldn't get version/kind; json parse error: %v (%.100x)", res.Kind, err, data))
	}
	gv, err := apischema.ParseGroupVersion(head.APIVersion)
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	gvk := gv.WithKind(head.Kind)
	if head.APIVersion == "" {
		gvk.Group, gvk.Version = res.Group, res.Version
	}
	if head.Kind == "" {
		gvk.Kind = res.Kind
	}
	if gvk != res.GVK() {
		return nil, c.wrongKind(res, gvk)
	}
	var o content
	var unknown []error
	if res.typed() {
		o, unknown, err = schema.Decode(res.GVK(), data)
	} else if unknown, err = kjson.UnmarshalStrict(data, &o); err == nil {
		o["apiVersion"], o["kind"] = res.apiVersion(), res.Kind
	}
	if err != nil {
		return nil, c.cannotHandle(res, gvk, err)
	}
	if res.isCustom() {
		more, err := c.customFields(res, o)
		if err != nil {
			return nil, c.cannotHandle(res, gvk, err)
		}
		unknown = append(unknown, more...)
	}
	return o, c.unknownFields(res, unknown)
}

// unknownFields applies fieldValidation to fields that are unknown or there twice.
func (c *call) unknownFields(res *Resource, unknown []error) error {
	switch {
	case len(unknown) == 0 || c.strict == metav1.FieldValidationIgnore:
	case c.strict == metav1.FieldValidationStrict:
		return c.cannotHandle(res, res.GVK(), runtime.NewStrictDecodingError(unknown))
	default:
		for _, err := range unknown {
			c.warnings = append(c.warnings, err.Error())
		}
	}
	return nil
}

func (c *call) cannotHandle(res *Resource, gvk apischema.GroupVersionKind, err error) error {
	return apierrors.NewBadRequest(fmt.Sprintf("%s in version %q cannot be handled as a %s: %v",
		gvk.Kind, gvk.Version, res.Kind, err))
}

// wrongKind is the error of an object of another kind than the URL's.
func (c *call) wrongKind(res *Resource, gvk apischema.GroupVersionKind) error {
	if res.isCustom() {
		if gvk.GroupVersion() != res.GVK().GroupVersion() {
			return apierrors.NewBadRequest(fmt.Sprintf("the API version in the data (%s) does not match the "+
				"expected API version (%s)", gvk.GroupVersion(), res.GVK().GroupVersion()))
		}
		return apierrors.NewInvalid(res.gk(), c.at.Name, field.ErrorList{
			field.Invalid(field.NewPath("kind"), gvk.Kind, "must be "+res.Kind)})
	}
	if !schema.IsBuiltin(gvk) {
		at := apischema.GroupVersionKind{Version: res.Version, Kind: gvk.Kind}
		return c.cannotHandle(res, at, fmt.Errorf("no kind %q is registered for version %q in scheme %q",
			gvk.Kind, gvk.GroupVersion(), "skifftest"))
	}
	pkg := res.Group
	if pkg == "" {
		pkg = "core"
	}
	pkg, _, _ = strings.Cut(pkg, ".")
	return c.cannotHandle(res, gvk, fmt.Errorf("converting (%s.%s) to (%s.%s): unknown conversion",
		gvk.Version, gvk.Kind, pkg, res.Kind))
}

// fromProtobuf returns the kind and the JSON of an object of a built-in kind.
func fromProtobuf(data []byte) (gvk apischema.GroupVersionKind, body []byte, err error) {
	rest, ok := bytes.CutPrefix(data, magic)
	if !ok {
		return gvk, nil, fmt.Errorf("provided data does not appear to be a protobuf message, expected prefix %v", magic)
	}
	var u runtime.Unknown
	if err := u.Unmarshal(rest); err != nil {
		return gvk, nil, err
	}
	gvk = apischema.FromAPIVersionAndKind(u.APIVersion, u.Kind)
	typed, err := schema.New(gvk)
	if err != nil {
		return gvk, nil, err
	}
	if err := typed.(interface{ Unmarshal([]byte) error }).Unmarshal(u.Raw); err != nil {
		return gvk, nil, err
	}
	body, err = json.Marshal(typed)
	return gvk, body, err
}

// toProtobuf returns an object in protobuf.
func toProtobuf(apiVersion, kind string, v any) ([]byte, error) {
	m, ok := v.(interface{ Marshal() ([]byte, error) })
	if !ok {
		return nil, fmt.Errorf("a %T has no protobuf form", v)
	}
	raw, err := m.Marshal()
	if err != nil {
		return nil, err
	}
	u := runtime.Unknown{TypeMeta: runtime.TypeMeta{APIVersion: apiVersion, Kind: kind}, Raw: raw}
	body, err := u.Marshal()
	return append(bytes.Clone(magic), body...), err
}
