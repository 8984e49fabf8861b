package wire

import (
	"fmt"
	"mime"
)

// Format is how an object is written as bytes. The zero Format is none.
type Format uint8

const (
	// JSON is what every resource of every API server speaks.
	JSON Format = iota + 1
	// Protobuf is what the types built into Kubernetes speak too; custom resources do not.
	Protobuf
)

const (
	jsonType     = "application/json"
	protobufType = "application/vnd.kubernetes.protobuf"
)

// ContentType is the format's media type, as in an Accept or Content-Type header. It is "" for what
// is no format.
func (f Format) ContentType() string {
	switch f {
	case JSON:
		return jsonType
	case Protobuf:
		return protobufType
	}
	return ""
}

// String names the format, for messages.
func (f Format) String() string {
	switch f {
	case JSON:
		return "JSON"
	case Protobuf:
		return "protobuf"
	}
	return fmt.Sprintf("wire.Format(%d)", uint8(f))
}

// FormatOf reads a Content-Type header. Parameters (charset=utf-8, stream=watch, as=Table) do not
// change the format. The error says which type it was that is no format.
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
