package wire

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/skiff-k8s/skiff/wire/internal/scan"
)

// ListReader reads a list object by object, while it arrives. It holds one object at a time, and
// returns each as soon as its last byte has arrived. It is for one goroutine.
type ListReader struct {
	format Format
	source listSource
	items  int // that Next has returned
	err    error
}

// listSource reads the items of a list in one format.
type listSource interface {
	// next returns the next item; io.EOF, exactly, after the last one of a complete list; or a
	// *scan.Fault.
	next() (Object, error)
	meta() *ListMeta
}

// ListMeta is the type and the metadata of a list.
type ListMeta struct {
	APIVersion string
	Kind       string // "PodList"

	// ResourceVersion is the version of the server's state that the list shows. A watch continues
	// from it.
	ResourceVersion string
	// Continue is the token for the next page; "" on the last page.
	Continue string
	// RemainingItemCount is about how many items the next pages have; nil if the server does not
	// send it.
	RemainingItemCount *int64
}

// NewListReader returns a reader of a list: r is the body of a response to a list request, in
// format f. It reads r to its end, and does not close it.
func NewListReader(r io.Reader, f Format, o Options) *ListReader {
	l := &ListReader{format: f}
	switch f {
	case JSON:
		l.source = newJSONList(r, o)
	case Protobuf:
		l.source = newProtobufList(r, o)
	default:
		l.source = &jsonList{}
		l.err = fmt.Errorf("%v is no format to read a list in", f)
	}
	return l
}

// Next returns the next object. After the last object of a complete list it returns exactly io.EOF,
// and r has been read to its end. If the list is malformed or truncated, the error is a
// [SyntaxError]. An error of r is wrapped. After an error, every call returns the same error.
func (l *ListReader) Next() (Object, error) {
	if l.err != nil {
		return Object{}, l.err
	}
	o, err := l.source.next()
	if err == nil {
		l.items++
		return o, nil
	}
	if f, ok := err.(*scan.Fault); ok {
		err = explain(f, l.format, l.reading())
	}
	l.err = err
	return Object{}, err
}

// reading returns the list's kind and the place in it, for errors.
func (l *ListReader) reading() string {
	name := "the " + cmp.Or(l.source.meta().Kind, "list")
	if l.items == 0 {
		return name
	}
	return fmt.Sprintf("%s after item %d", name, l.items)
}

// Meta returns the list's type and metadata. They are complete after Next has returned io.EOF,
// because a list may have them after its items.
func (l *ListReader) Meta() ListMeta { return *l.source.meta() }

// itemsOf sets the type of the list's items, if the options do not: the items of a PodList are
// Pods.
func (r *objectReader) itemsOf(list *ListMeta) {
	kind, ok := strings.CutSuffix(list.Kind, "List")
	if !ok || kind == "" { // "List" alone has items of any kind
		return
	}
	if r.options.APIVersion == "" && r.options.Kind == "" {
		r.options.APIVersion, r.options.Kind = list.APIVersion, kind
	}
}
