package apiserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/skiff-k8s/skiff/internal/storage"
	"github.com/skiff-k8s/skiff/skifftest/internal/schema"
)

// format is how an answer is written.
type format struct {
	media string
	as    string // PartialObjectMetadata, Table, or "" for the object itself
}

// negotiate returns the format of the answer: the first acceptable one of the Accept header.
func (c *call) negotiate() (format, error) {
	accept := strings.Join(c.r.Header.Values("Accept"), ",")
	if strings.TrimSpace(accept) == "" {
		return format{media: mediaJSON}, nil
	}
	for _, part := range strings.Split(accept, ",") {
		media, params, err := mime.ParseMediaType(strings.TrimSpace(part))
		if err != nil {
			continue
		}
		switch media {
		case "*/*", "application/*":
			media = mediaJSON
		case mediaJSON, mediaYAML:
		case mediaProtobuf:
			if !c.res.typed() && params["as"] == "" {
				continue
			}
		default:
			continue
		}
		f := format{media: media, as: strings.TrimSuffix(params["as"], "List")}
		switch {
		case f.as == "":
			return f, nil
		case params["g"] != metav1.GroupName || params["v"] != "v1":
		case f.as == "PartialObjectMetadata", f.as == "Table" && media != mediaProtobuf && c.res.isCustom():
			return f, nil
		}
	}
	accepted := mediaJSON + ", " + mediaYAML
	if c.res.typed() {
		accepted += ", " + mediaProtobuf
	}
	return format{media: mediaJSON}, storage.NewError(http.StatusNotAcceptable, metav1.StatusReasonNotAcceptable,
		"the server was unable to respond with a content type that the client supports. "+
			"Available representations: "+accepted, nil)
}

// write answers with an object.
func (c *call) write(code int, o *storage.Object) error {
	body, err := c.encode(o)
	if err != nil {
		return err
	}
	c.send(code, body)
	return nil
}

func (c *call) send(code int, body []byte) {
	if pretty := c.q.Get("pretty"); isJSON(c.answer.media) && pretty != "" && pretty != "0" && pretty != "false" {
		var b bytes.Buffer
		if json.Indent(&b, body, "", "  ") == nil {
			body = b.Bytes()
		}
	}
	c.w.Header().Set("Content-Type", c.answer.media)
	for _, warning := range c.warnings {
		c.w.Header().Add("Warning", fmt.Sprintf("299 - %q", warning))
	}
	c.w.WriteHeader(code)
	_, _ = c.w.Write(body)
}

func isJSON(media string) bool { return media == mediaJSON }

// encode returns an object in the request's version and the answer's format.
func (c *call) encode(o *storage.Object) ([]byte, error) {
	data := o.JSON
	switch c.answer.as {
	case "PartialObjectMetadata":
		p, err := partial(data)
		if err != nil {
			return nil, err
		}
		return c.marshal("meta.k8s.io/v1", "PartialObjectMetadata", p)
	case "Table":
		t := c.table(o)
		t.ResourceVersion = o.Meta.ResourceVersion
		return c.marshal("meta.k8s.io/v1", "Table", t)
	}
	if c.res.GVK() != c.res.stored {
		data = encodeJSON(c.res.fromStored(thaw(o)))
	}
	switch c.answer.media {
	case mediaYAML:
		return yaml.JSONToYAML(data)
	case mediaProtobuf:
		typed, err := schema.New(c.res.GVK())
		if err == nil {
			err = json.Unmarshal(data, typed)
		}
		if err != nil {
			return nil, err
		}
		return toProtobuf(c.res.apiVersion(), c.res.Kind, typed)
	}
	return data, nil
}

// marshal returns a value of a kind of its own in the answer's format.
func (c *call) marshal(apiVersion, kind string, v any) ([]byte, error) {
	if c.answer.media == mediaProtobuf {
		return toProtobuf(apiVersion, kind, v)
	}
	data, err := json.Marshal(v)
	if err == nil && c.answer.media == mediaYAML {
		return yaml.JSONToYAML(data)
	}
	return data, err
}

func partial(data []byte) (*metav1.PartialObjectMetadata, error) {
	p := new(metav1.PartialObjectMetadata)
	err := json.Unmarshal(data, p)
	p.TypeMeta = metav1.TypeMeta{APIVersion: "meta.k8s.io/v1", Kind: "PartialObjectMetadata"}
	return p, err
}

func encodeJSON(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("skifftest: encode a %T: %v", v, err)) // it came from JSON
	}
	return data
}

// fail answers with an error.
func (c *call) fail(err error) {
	var known apierrors.APIStatus
	status := apierrors.NewInternalError(err).ErrStatus
	if errors.As(err, &known) {
		status = known.Status()
	}
	status.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}
	if status.Details != nil && status.Details.RetryAfterSeconds > 0 {
		c.w.Header().Set("Retry-After", strconv.Itoa(int(status.Details.RetryAfterSeconds)))
	}
	c.answer.as = ""
	c.writeStatus(int(status.Code), &status)
}

func (c *call) writeStatus(code int, status *metav1.Status) {
	body, err := c.marshal("v1", "Status", status)
	if err != nil {
		panic(fmt.Sprintf("skifftest: encode a status: %v", err))
	}
	c.send(code, body)
}
