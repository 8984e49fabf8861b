package dynamic

import (
	"fmt"
	"io"
	"iter"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// maxDocument is the default of MaxDocument. A List that kubectl writes is one document, and has
// many objects; a single object has at most 1.5 MB (etcd's limit of a request).
const maxDocument = 64 << 20

// A DecodeOption changes how Decode reads. None is needed.
type DecodeOption func(*decodeOptions)

type decodeOptions struct{ maxDocument int }

// MaxDocument bounds the size of one document, in bytes. 0 means the default, 64 MiB; negative
// means no bound.
func MaxDocument(bytes int) DecodeOption {
	return func(o *decodeOptions) { o.maxDocument = bytes }
}

// DecodeError is the error of a stream that Decode cannot read.
type DecodeError struct {
	Document int   // its number in the stream, from 1; documents without content do not count
	Line     int   // in the stream, from 1; the first line of the document if it is not known better
	Err      error // the cause
}

// Error returns the place and the cause.
func (e *DecodeError) Error() string {
	return fmt.Sprintf("decode document %d, line %d: %v", e.Document, e.Line, e.Err)
}

// Unwrap returns Err.
func (e *DecodeError) Unwrap() error { return e.Err }

// Decode returns an iterator over the objects of a stream of YAML or JSON documents, as they stand
// in files for kubectl apply. Each object has an apiVersion and a kind, and is the caller's own. The
// iterator can be used once, because it reads r. It holds one document in memory.
//
// The documents:
//   - YAML documents are separated by lines that begin with "---". JSON objects may follow each
//     other without that. A stream may have both.
//   - Documents without content are skipped: comments only, null, nothing at all.
//   - A list is unfolded: an object without a name whose kind ends with List, and that has items.
//     Items without a kind have that of a list such as PodList.
//   - A byte order mark and line ends of CRLF are accepted. UTF-16 is not.
//
// YAML is YAML 1.1, as for kubectl and the API server: yes, no, on and off are booleans. Integers
// are int64, other numbers float64.
//
// An error ends the iteration. It is a [*DecodeError], and is yielded with a nil object. Beside
// malformed text and a document over [MaxDocument] these are errors, because something would be lost:
//   - a key that is there twice, as for the API server with strict field validation; a key beside a
//     YAML merge (<<) that the merge has too is one;
//   - a key that is a boolean, a number with a fraction or null in YAML: y, on, 1.10. It needs quotes;
//   - an integer that int64 does not hold;
//   - text that is not UTF-8.
//
// Errors contain keys of the document, and no values, which may be secret.
func Decode(r io.Reader, opts ...DecodeOption) iter.Seq2[*unstructured.Unstructured, error] {
	var o decodeOptions
	for _, option := range opts {
		option(&o)
	}
	if o.maxDocument == 0 {
		o.maxDocument = maxDocument
	}
	return func(yield func(*unstructured.Unstructured, error) bool) {
		s := newStream(r, o.maxDocument)
		for number := 1; ; number++ {
			content, line, err := s.next()
			if err == io.EOF {
				return
			}
			var objects []*unstructured.Unstructured
			if err == nil {
				objects, err = unfold(content)
			}
			if err != nil {
				yield(nil, &DecodeError{Document: number, Line: line, Err: err})
				return
			}
			for _, u := range objects {
				if !yield(u, nil) {
					return
				}
			}
		}
	}
}

// unfold returns the object that a document holds, or those of its list.
func unfold(content any) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	err := addObjects(&objects, content, "", "", "")
	return objects, err
}

// addObjects adds the objects of a value. path is where it stands in the document; apiVersion and
// kind are those of an item that has none.
func addObjects(to *[]*unstructured.Unstructured, content any, path, apiVersion, kind string) error {
	where := "the document"
	if path != "" {
		where = path
	}
	object, ok := content.(map[string]any)
	if !ok {
		return fmt.Errorf("%s is %s and not an object", where, called(content))
	}
	if object["apiVersion"] == nil && object["kind"] == nil && apiVersion != "" && kind != "" {
		object["apiVersion"], object["kind"] = apiVersion, kind
	}
	for _, field := range []string{"apiVersion", "kind"} {
		if text, ok := object[field].(string); object[field] != nil && !ok {
			return fmt.Errorf("the %s of %s is %s and not a string", field, where,
				called(object[field]))
		} else if text == "" {
			return fmt.Errorf("%s has no %s", where, field)
		}
	}
	u := &unstructured.Unstructured{Object: object}
	if metadata := object["metadata"]; metadata != nil {
		fields, ok := metadata.(map[string]any)
		if !ok {
			return fmt.Errorf("the metadata of %s are %s and not an object", where,
				called(metadata))
		}
		for _, field := range []string{"name", "generateName", "namespace"} { // name: n, name: 1
			if _, ok := fields[field].(string); fields[field] != nil && !ok {
				return fmt.Errorf("the metadata.%s of %s is %s and not a string", field, where,
					called(fields[field]))
			}
		}
	}
	itemKind, isList := strings.CutSuffix(u.GetKind(), "List")
	items, hasItems := object["items"]
	switch {
	case !isList || !hasItems && itemKind != "" || u.GetName() != "":
		*to = append(*to, u)
		return nil
	case items == nil:
		return nil
	}
	list, ok := items.([]any)
	if !ok {
		return fmt.Errorf("the items of %s are %s and not a list", where, called(items))
	}
	for i, item := range list {
		at := fmt.Sprintf("%s.items[%d]", path, i)
		if path == "" {
			at = at[1:]
		}
		if err := addObjects(to, item, at, u.GetAPIVersion(), itemKind); err != nil {
			return err
		}
	}
	return nil
}

// called names the JSON type of a value.
func called(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	case string:
		return "a string"
	case bool:
		return "a boolean"
	}
	return "a number"
}
