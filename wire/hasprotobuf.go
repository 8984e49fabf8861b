package wire

import (
	"errors"

	"github.com/skiff-k8s/skiff/wire/internal/message"
)

var errNoProtobuf = errors.New("the type has no protobuf form of its own: use wire.JSON")

// HasProtobuf reports whether obj, a pointer to an API type, has a protobuf form of its own. It
// returns false for a type outside k8s.io whose protobuf methods may be promoted from one embedded
// field: those methods would write that field only.
func HasProtobuf(obj any) bool { return message.Has(obj) }
