package wire

import "errors"

// jsonObject reads the object that begins at the scanner's mark. What the outline says is good if
// the scanner is without error afterwards.
func (k *outline) jsonObject(s *scanner, keepManagedFields bool) {
	k.reset()
	hasMetadata := false
	for more := s.open('{', '}'); more; more = s.next('}') {
		switch key := s.key(); string(s.bytes(key)) {
		case "apiVersion":
			s.string(&k.apiVersion)
		case "kind":
			s.string(&k.kind)
		case "metadata":
			if hasMetadata {
				s.failAt(key.start, errors.New("metadata stands there a second time"))
				return
			}
			hasMetadata = true
			k.jsonMetadata(s, keepManagedFields)
		default:
			s.value()
		}
	}
}

// jsonMetadata reads the value of metadata. Each member that is left out takes one comma along: the
// one before it, or the one after it where nothing stays before it.
func (k *outline) jsonMetadata(s *scanner, keepManagedFields bool) {
	if s.null() {
		return
	}
	var (
		kept    bool // a member that stays has been read
		end     int  // of the member before
		leading text // a member to leave out, before any that stays
	)
	for more := s.open('{', '}'); more; more = s.next('}') {
		key := s.key()
		start := key.start - 1
		if leading.end > 0 {
			k.cut(leading.start, start)
			leading = text{}
		}
		name := s.bytes(key)
		if string(name) == "managedFields" && !keepManagedFields {
			s.value()
			if kept {
				k.cut(end, s.i)
			} else {
				leading = text{start: start, end: s.i}
			}
		} else {
			k.jsonMetadataField(s, name)
			kept = true
		}
		end = s.i
	}
	if leading.end > 0 {
		k.cut(leading.start, leading.end)
	}
}

func (k *outline) jsonMetadataField(s *scanner, name []byte) {
	switch string(name) {
	case "namespace":
		s.string(&k.namespace)
	case "name":
		s.string(&k.name)
	case "uid":
		s.string(&k.uid)
	case "resourceVersion":
		s.string(&k.resourceVersion)
	case "generation":
		s.int(&k.generation)
	case "deletionTimestamp":
		k.deleting = !s.null()
		if k.deleting {
			s.value()
		}
	case "labels":
		k.jsonLabels(s)
	case "annotations":
		jsonStrings(s)
	case "ownerReferences":
		k.jsonOwners(s)
	default:
		s.value()
	}
}

func (k *outline) jsonLabels(s *scanner) {
	if s.null() {
		k.labels = k.labels[:0]
		return
	}
	for more := s.open('{', '}'); more; more = s.next('}') {
		label := labelText{key: s.checked(s.key())}
		s.string(&label.value)
		k.labels = append(k.labels, label)
	}
}

// jsonStrings reads a map of strings that is looked into later, if ever: Annotation, which has no
// error to return, finds it in order.
func jsonStrings(s *scanner) {
	if s.null() {
		return
	}
	for more := s.open('{', '}'); more; more = s.next('}') {
		s.key()
		var value text
		s.string(&value)
	}
}

func (k *outline) jsonOwners(s *scanner) {
	k.owner = ownerText{}
	if s.null() {
		return
	}
	for more := s.open('[', ']'); more; more = s.next(']') {
		if owner := jsonOwner(s); !k.owner.controller {
			k.owner = owner
		}
	}
}

func jsonOwner(s *scanner) ownerText {
	var o ownerText
	if s.null() {
		return o
	}
	for more := s.open('{', '}'); more; more = s.next('}') {
		switch key := s.key(); string(s.bytes(key)) {
		case "apiVersion":
			s.string(&o.apiVersion)
		case "kind":
			s.string(&o.kind)
		case "name":
			s.string(&o.name)
		case "uid":
			s.string(&o.uid)
		case "controller":
			o.controller = s.space() == 't'
			s.value()
		default:
			s.value()
		}
	}
	return o
}
