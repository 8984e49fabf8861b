package storage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Document is an object as JSON values.
type Document map[string]any

// Meta is the part of an object's metadata that the servers decide by.
type Meta struct {
	Name              string            `json:"name"`
	GenerateName      string            `json:"generateName"`
	Namespace         string            `json:"namespace"`
	UID               string            `json:"uid"`
	ResourceVersion   string            `json:"resourceVersion"`
	Labels            map[string]string `json:"labels"`
	Finalizers        []string          `json:"finalizers"`
	CreationTimestamp string            `json:"creationTimestamp"`
	DeletionTimestamp string            `json:"deletionTimestamp"`

	OwnerReferences []metav1.OwnerReference `json:"ownerReferences"`
}

// Key returns namespace/name.
func (m Meta) Key() string { return m.Namespace + "/" + m.Name }

// Object is a state of an object. It does not change.
type Object struct {
	Meta Meta
	JSON []byte
}

// Key returns namespace/name.
func (o *Object) Key() string { return o.Meta.Key() }

// Decode returns the document of JSON. Numbers are json.Numbers: they keep their digits.
func Decode(data []byte) (Document, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var o Document
	if err := d.Decode(&o); err != nil {
		return nil, fmt.Errorf("decode an object: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("decode an object: more follows it")
	}
	if o == nil {
		return nil, errors.New("decode an object: it is null")
	}
	return o, nil
}

// Str returns a field of the object if it is a string, and "" otherwise.
func (d Document) Str(field string) string { s, _ := d[field].(string); return s }

// Meta returns the object's metadata. Fields of another type than theirs are left out.
func (d Document) Meta() (m Meta) {
	_ = json.Unmarshal(encode(d["metadata"]), &m)
	return m
}

// SetMeta sets a field of the metadata; nil and "" remove it.
func (d Document) SetMeta(field string, value any) {
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

// Freeze returns the object that a document is now.
func (d Document) Freeze() *Object { return &Object{Meta: d.Meta(), JSON: encode(d)} }

// Thaw returns a document of an object, to be changed.
func (o *Object) Thaw() Document {
	d, err := Decode(o.JSON)
	if err != nil {
		panic(err) // Freeze wrote it
	}
	return d
}

// encode encodes values that can be encoded: maps of strings, numbers, lists and so on.
func encode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("storage: encode a %T: %v", v, err))
	}
	return data
}

// compareKeys orders keys as etcd does: namespace/name as bytes.
func compareKeys(a, b string) int { return strings.Compare(a, b) }
