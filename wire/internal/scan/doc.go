// Package scan reads JSON and protobuf as they stand in bytes: [JSON] goes over the values of a
// document, [Protobuf] over the fields of a message, and [Window] is the part of a stream that
// either looks at. Nothing is decoded; what is read is a place in the bytes ([Text]).
//
// Input is treated as untrusted. JSON is read by the grammar of RFC 8259, protobuf by the rules of
// its encoding, and what breaks them is a [Fault]. No length that the input claims is believed
// before that many bytes have come.
//
// The package knows nothing of Kubernetes.
package scan

// Text is where a string stands in the bytes that are read. The zero Text is the empty string.
type Text struct {
	Start, End int

	// Unquote is set in JSON where the bytes are not the string itself, because it has escapes or
	// is not UTF-8.
	Unquote bool
}

// Fault is an error and the place in the input where it was found.
type Fault struct {
	At  int64
	Err error
}

func (f *Fault) Error() string { return f.Err.Error() }

// Unwrap returns the error without its place.
func (f *Fault) Unwrap() error { return f.Err }

// ReadError is an error of the reader that input comes from.
type ReadError struct{ Err error }

func (e ReadError) Error() string { return e.Err.Error() }

// Unwrap returns the reader's error.
func (e ReadError) Unwrap() error { return e.Err }
