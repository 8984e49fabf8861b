package wire

import (
	"errors"

	"github.com/skiff-k8s/skiff/wire/internal/message"
)

var errNoProtobuf = errors.New("the type has no protobuf form of its own: use wire.JSON")

// HasProtobuf reports whether obj, a pointer to an API type, has a protobuf form of its own. A type
// outside k8s.io has none if its protobuf methods can be those of one embedded field: written by
// them, it would be that field alone.
func HasProtobuf(obj any) bool { return message.Has(obj) }
