package wire

import (
	"fmt"
	"mime"
)

// Format is an encoding of objects. The zero Format is invalid.
type Format uint8

const (
	// JSON is supported by every resource of every API server.
	JSON Format = iota + 1
	// Protobuf is supported by the types built into Kubernetes, and not by custom resources.
	Protobuf
)

const (
	jsonType     = "application/json"
	protobufType = "application/vnd.kubernetes.protobuf"
)

// ContentType returns the format's media type, for an Accept or Content-Type header. It returns ""
// if f is invalid.
func (f Format) ContentType() string {
	switch f {
	case JSON:
		return jsonType
	case Protobuf:
		return protobufType
	}
	return ""
}

// String returns the format's name, for messages.
func (f Format) String() string {
	switch f {
	case JSON:
		return "JSON"
	case Protobuf:
		return "protobuf"
	}
	return fmt.Sprintf("wire.Format(%d)", uint8(f))
}

// FormatOf returns the format of a Content-Type header. Parameters (charset=utf-8, stream=watch,
// as=Table) do not change the format. If the header cannot be parsed or its media type is of no
// format, the error contains it.
func FormatOf(contentType string) (Format, error) {
	mediaType, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return 0, fmt.Errorf("content type %q cannot be parsed: %w", contentType, err)
	}
	switch mediaType {
	case jsonType:
		return JSON, nil
	case protobufType:
		return Protobuf, nil
	}
	return 0, fmt.Errorf("content type %q is neither %s nor %s", mediaType, jsonType, protobufType)
}
