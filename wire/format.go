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

// ContentTypeError is the error of a Content-Type that is of no [Format], such as text/html.
type ContentTypeError struct{ problem string }

// Error returns the Content-Type and what is wrong with it.
func (e *ContentTypeError) Error() string { return e.problem }

// FormatOf returns the format of a Content-Type header. Parameters (charset=utf-8, stream=watch,
// as=Table) do not change the format. If the header cannot be parsed or its media type is of no
// format, the error is a [ContentTypeError].
func FormatOf(contentType string) (Format, error) {
	mediaType, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return 0, &ContentTypeError{fmt.Sprintf("content type %q cannot be parsed: %v", contentType,
			err)}
	}
	switch mediaType {
	case jsonType:
		return JSON, nil
	case protobufType:
		return Protobuf, nil
	}
	return 0, &ContentTypeError{fmt.Sprintf("content type %q is neither %s nor %s", mediaType,
		jsonType, protobufType)}
}
