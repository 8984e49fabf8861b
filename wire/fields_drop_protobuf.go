package wire

import "errors"

var errDropUntyped = errors.New("Options.Drop was made without a type that has a protobuf form, so it cannot be used on protobuf")

// protobufWithout leaves out of the message of an object what drop says, after protobufObject has
// read it. Only the tags and lengths of what the paths go through are looked at.
func (k *outline) protobufWithout(drop *Fields, msg []byte, kind string, keepManagedFields bool) *fault {
	if !drop.of(kind) {
		return nil // a Status, say
	}
	if drop.drop == nil {
		return &fault{0, errNoDrop}
	}
	n := drop.drop.of(keepManagedFields).protobuf
	if n == nil {
		return &fault{0, errDropUntyped}
	}
	k.edits = k.edits[:0] // managedFields are among what is left out now
	f := fields{b: msg, end: len(msg)}
	k.fieldsWithout(n, &f)
	return f.err
}

// fieldsWithout leaves fields out of the message m, and says by how many bytes that makes it shorter.
func (k *outline) fieldsWithout(n *protobufNode, m *fields) (shorter int) {
	for m.next() {
		child := n.field(m.num)
		if child != nil && !child.whole {
			child = child.entry(m)
		}
		switch {
		case child == nil:
		case child.whole:
			k.cut(m.tag, m.stop)
			shorter += m.stop - m.tag
		case m.wireType == wireBytes:
			shorter += k.fieldWithout(child, m)
		}
	}
	return shorter
}

// fieldWithout leaves fields out of the message in the field f. That makes the message's length
// another, which itself may be shorter then.
func (k *outline) fieldWithout(n *protobufNode, f *fields) (shorter int) {
	at := len(k.edits)
	k.edits = append(k.edits, edit{start: f.length, end: f.start})
	m := f.message()
	shorter = k.fieldsWithout(n, &m)
	f.inner(&m)
	if shorter == 0 {
		k.edits = k.edits[:at]
		return 0
	}
	length := &k.edits[at]
	length.length = f.stop - f.start - shorter
	return shorter - length.grows()
}
