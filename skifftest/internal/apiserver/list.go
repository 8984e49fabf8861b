package apiserver

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/skiff-k8s/skiff/internal/storage"
	"github.com/skiff-k8s/skiff/skifftest/internal/schema"
)

// selection returns what the request chooses by.
func (c *call) selection() (storage.Selection, error) {
	s := storage.Selection{Namespace: c.at.Namespace}
	byLabel, err := labels.Parse(c.q.Get("labelSelector"))
	if err != nil {
		return s, apierrors.NewBadRequest(err.Error())
	}
	byField, err := c.fieldSelector()
	if err != nil {
		return s, err
	}
	if byLabel.Empty() && byField == nil && c.at.Name == "" {
		return s, nil
	}
	s.Has = func(o *storage.Object) bool {
		return (c.at.Name == "" || o.Meta.Name == c.at.Name) &&
			byLabel.Matches(labels.Set(o.Meta.Labels)) && (byField == nil || byField(o))
	}
	return s, nil
}

// numbers checks the parameters that are numbers.
func (c *call) numbers() error {
	for _, name := range []string{"limit", "timeoutSeconds"} {
		if text := c.q.Get(name); text != "" {
			if _, err := strconv.ParseInt(text, 10, 64); err != nil {
				return apierrors.NewBadRequest(err.Error())
			}
		}
	}
	return nil
}

func (c *call) list() error {
	if err := c.numbers(); err != nil {
		return err
	}
	sel, err := c.selection()
	if err != nil {
		return err
	}
	p, err := storage.ParsePage(c.q)
	if err != nil {
		return err
	}
	list, err := c.s.store.List(c.r.Context(), c.res.in, sel, p)
	if err != nil {
		return err
	}
	return c.writeList(list)
}

// writeList answers with a list.
func (c *call) writeList(list storage.List) error {
	m := metav1.ListMeta{ResourceVersion: list.Version, Continue: list.Continue, RemainingItemCount: list.Remaining}
	if c.answer.as == "Table" {
		t := c.table(list.Items...)
		t.ListMeta = m
		body, err := c.marshal("meta.k8s.io/v1", "Table", t)
		if err == nil {
			c.send(http.StatusOK, body)
		}
		return err
	}
	apiVersion, kind := c.res.apiVersion(), c.res.Kind+"List"
	inner := *c
	inner.answer.media = mediaJSON
	if c.answer.as != "" {
		apiVersion, kind = "meta.k8s.io/v1", "PartialObjectMetadataList"
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"kind":%q,"apiVersion":%q,"metadata":%s,"items":[`, kind, apiVersion, encodeJSON(m))
	for i, o := range list.Items {
		data, err := inner.encode(o)
		if err != nil {
			return err
		}
		if c.res.typed() && c.answer.as == "" {
			data = bare(data)
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(data)
	}
	b.WriteString("]}\n")
	body := b.Bytes()
	var err error
	switch c.answer.media {
	case mediaYAML:
		body, err = yaml.JSONToYAML(body)
	case mediaProtobuf:
		var typed any = new(metav1.PartialObjectMetadataList)
		if c.answer.as == "" {
			typed, err = schema.New(c.res.GVK().GroupVersion().WithKind(kind))
		}
		if err == nil {
			err = json.Unmarshal(body, typed)
		}
		if err == nil {
			body, err = toProtobuf(apiVersion, kind, typed)
		}
	}
	if err != nil {
		return err
	}
	c.send(http.StatusOK, body)
	return nil
}

// bare returns an object without its kind and apiVersion, which the list has.
func bare(data []byte) []byte {
	var o map[string]json.RawMessage
	if err := json.Unmarshal(data, &o); err != nil {
		return data
	}
	delete(o, "kind")
	delete(o, "apiVersion")
	return encodeJSON(o)
}

func (c *call) watch() error {
	if err := c.numbers(); err != nil {
		return err
	}
	sel, err := c.selection()
	if err != nil {
		return err
	}
	o, err := storage.ParseWatch(c.q)
	if err != nil {
		return err
	}
	media := c.answer.media
	if media == mediaYAML { // a stream of YAML is not served
		c.answer.media, media = mediaJSON, mediaJSON
	}
	if media == mediaProtobuf {
		media += ";stream=watch"
	}
	c.w.Header().Set("Content-Type", media)
	c.w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(c.w).Flush()
	c.s.store.Watch(c.r.Context(), c.res.in, sel, o, c.events)
	return nil
}

// events sends events of a watch.
func (c *call) events(events ...storage.Event) error {
	for _, e := range events {
		object, err := c.eventObject(e)
		if err != nil {
			return err
		}
		var line []byte
		if c.answer.media == mediaProtobuf {
			frame, err := (&metav1.WatchEvent{Type: string(e.Type), Object: runtime.RawExtension{Raw: object}}).Marshal()
			if err != nil {
				return err
			}
			line = append(binary.BigEndian.AppendUint32(nil, uint32(len(frame))), frame...)
		} else {
			line = fmt.Appendf(nil, `{"type":%q,"object":%s}`+"\n", e.Type, object)
		}
		if _, err := c.w.Write(line); err != nil {
			return err
		}
	}
	return http.NewResponseController(c.w).Flush()
}

func (c *call) eventObject(e storage.Event) ([]byte, error) {
	switch {
	case e.Status != nil:
		s := *e.Status
		s.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}
		return c.marshal("v1", "Status", &s)
	case e.Object != nil:
		return c.encode(e.Object)
	}
	metadata := content{"resourceVersion": e.Version}
	if e.Initial {
		metadata["annotations"] = content{metav1.InitialEventsAnnotationKey: "true"}
	}
	mark := storage.Document{
		"apiVersion": c.res.stored.GroupVersion().String(), "kind": c.res.Kind, "metadata": metadata,
	}
	return c.encode(mark.Freeze())
}
