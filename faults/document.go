package faults

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// document is an object as JSON values. Numbers keep their digits.
type document map[string]any

// meta is what the store looks at in an object.
type meta struct {
	Name              string            `json:"name"`
	GenerateName      string            `json:"generateName"`
	Namespace         string            `json:"namespace"`
	UID               string            `json:"uid"`
	ResourceVersion   string            `json:"resourceVersion"`
	Labels            map[string]string `json:"labels"`
	Finalizers        []string          `json:"finalizers"`
	CreationTimestamp string            `json:"creationTimestamp"`
	DeletionTimestamp string            `json:"deletionTimestamp"`
}

func (m meta) key() string { return m.Namespace + "/" + m.Name }

// decode returns a document of a Go value, or of JSON.
func decode(v any) (document, error) {
	var data []byte
	switch v := v.(type) {
	case []byte:
		data = v
	case string:
		data = []byte(v)
	default:
		var err error
		if data, err = json.Marshal(v); err != nil {
			return nil, fmt.Errorf("faults: encode a %T: %w", v, err)
		}
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var o document
	if err := d.Decode(&o); err != nil {
		return nil, fmt.Errorf("faults: decode an object: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("faults: decode an object: more follows it")
	}
	if o == nil {
		return nil, errors.New("faults: decode an object: it is null")
	}
	return o, nil
}

func (d document) str(field string) string { s, _ := d[field].(string); return s }

// meta returns the object's metadata. What has another type than it should is left out.
func (d document) meta() (m meta) {
	_ = json.Unmarshal(mustJSON(d["metadata"]), &m)
	return m
}

// setMeta sets a field of the metadata; nil and "" remove it.
func (d document) setMeta(field string, value any) {
	metadata, ok := d["metadata"].(map[string]any)
	if !ok {
		metadata = map[string]any{}
		d["metadata"] = metadata
	}
	if value == nil || value == "" {
		delete(metadata, field)
		return
	}
	metadata[field] = value
}

// freeze returns the object that a document is now.
func (d document) freeze() *object { return &object{meta: d.meta(), json: mustJSON(d)} }

// thaw returns a document of an object, to be changed.
func (o *object) thaw() document {
	d, err := decode(o.json)
	if err != nil {
		panic(err) // freeze wrote it
	}
	return d
}

func now() string { return time.Now().UTC().Format(time.RFC3339) }

// compareKeys orders keys as etcd does: namespace/name as bytes.
func compareKeys(a, b string) int { return strings.Compare(a, b) }
