package wire

import (
	"errors"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/wire/fieldpath"
	"github.com/skiff-k8s/skiff/wire/internal/scan"
)

// jsonObject reads the object that begins at the scanner's mark. It leaves out the fields that drop
// leads to, and managedFields unless they are kept. The outline is good if the scanner is without
// error afterwards.
func (k *outline) jsonObject(s *scan.JSON, drop *fieldpath.Names, keepManagedFields bool) {
	k.reset()
	hasMetadata := false
	c := cutter{outline: k}
	for more := s.Open('{', '}'); more; more = s.Next('}') {
		key := s.Key()
		name := s.Bytes(key)
		c.begin(key.Start - 1)
		switch string(name) {
		case "apiVersion":
			s.Text(&k.apiVersion)
		case "kind":
			s.Text(&k.kind)
		case "metadata":
			if hasMetadata {
				s.FailAt(key.Start, errors.New("metadata stands there a second time"))
				return
			}
			hasMetadata = true
			k.jsonMetadata(s, drop.Member(name), keepManagedFields)
		default:
			c.value(s, drop.Member(name))
		}
		c.end(s.Place())
	}
	c.close()
}

// jsonMetadata reads the value of metadata. The fields that Meta is made of are never dropped.
func (k *outline) jsonMetadata(s *scan.JSON, drop *fieldpath.Names, keepManagedFields bool) {
	if s.Null() {
		return
	}
	c := cutter{outline: k}
	for more := s.Open('{', '}'); more; more = s.Next('}') {
		key := s.Key()
		name := s.Bytes(key)
		c.begin(key.Start - 1)
		switch string(name) {
		case "namespace":
			s.Text(&k.namespace)
		case "name":
			s.Text(&k.name)
		case "uid":
			s.Text(&k.uid)
		case "resourceVersion":
			s.Text(&k.resourceVersion)
		case "generation":
			s.Int(&k.generation)
		case "deletionTimestamp":
			k.deleting = !s.Null()
			if k.deleting {
				s.Value()
			}
		case "labels":
			k.jsonLabels(s)
		case "annotations":
			k.jsonAnnotations(s, drop.Member(name))
		case "ownerReferences":
			k.jsonOwners(s)
		case "managedFields":
			if keepManagedFields {
				c.value(s, drop.Member(name))
			} else {
				s.Value()
				c.cut = true
			}
		default:
			c.value(s, drop.Member(name))
		}
		c.end(s.Place())
	}
	c.close()
}

func (k *outline) jsonLabels(s *scan.JSON) {
	if s.Null() {
		k.labels = k.labels[:0]
		return
	}
	for more := s.Open('{', '}'); more; more = s.Next('}') {
		label := labelText{key: s.Checked(s.Key())}
		s.Text(&label.value)
		k.labels = append(k.labels, label)
	}
}

// jsonAnnotations reads annotations. Their values are checked to be strings, because Annotation,
// which reads them later, returns no error.
func (k *outline) jsonAnnotations(s *scan.JSON, drop *fieldpath.Names) {
	if s.Null() {
		return
	}
	c := cutter{outline: k}
	for more := s.Open('{', '}'); more; more = s.Next('}') {
		key := s.Key()
		c.begin(key.Start - 1)
		if drop != nil {
			name := s.Bytes(key)
			c.cut = (drop.Whole() || drop.Member(name).Whole()) &&
				string(name) != metav1.InitialEventsAnnotationKey
		}
		var value scan.Text
		s.Text(&value)
		c.end(s.Place())
	}
	c.close()
}

func (k *outline) jsonOwners(s *scan.JSON) {
	k.owner = ownerText{}
	if s.Null() {
		return
	}
	for more := s.Open('[', ']'); more; more = s.Next(']') {
		if owner := jsonOwner(s); !k.owner.controller {
			k.owner = owner
		}
	}
}

func jsonOwner(s *scan.JSON) ownerText {
	var o ownerText
	if s.Null() {
		return o
	}
	for more := s.Open('{', '}'); more; more = s.Next('}') {
		switch key := s.Key(); string(s.Bytes(key)) {
		case "apiVersion":
			s.Text(&o.apiVersion)
		case "kind":
			s.Text(&o.kind)
		case "name":
			s.Text(&o.name)
		case "uid":
			s.Text(&o.uid)
		case "controller":
			o.controller = s.Peek() == 't'
			s.Value()
		default:
			s.Value()
		}
	}
	return o
}
