package wire

import (
	"errors"
	"io"
	"iter"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The shape that other packages build against; the bodies follow.

var errNotYet = errors.New("wire: not built yet")

func (o Object) Annotation(key string) (string, bool)   { return "", false }
func (o Object) Annotations() iter.Seq2[string, string] { return func(func(string, string) bool) {} }

func ReadObject(data []byte, f Format, o Options) (Object, error) { return Object{}, errNotYet }

type ListReader struct{}

func NewListReader(r io.Reader, f Format, o Options) *ListReader { return &ListReader{} }
func (*ListReader) Next() (Object, error)                        { return Object{}, errNotYet }
func (*ListReader) Meta() ListMeta                               { return ListMeta{} }

type ListMeta struct {
	APIVersion, Kind, ResourceVersion, Continue string
	RemainingItemCount                          *int64
}

type WatchReader struct{}

func NewWatchReader(r io.Reader, f Format, o Options) *WatchReader { return &WatchReader{} }
func (*WatchReader) Next() (Event, error)                          { return Event{}, errNotYet }

type EventType string

const (
	Added    EventType = "ADDED"
	Modified EventType = "MODIFIED"
	Deleted  EventType = "DELETED"
	Bookmark EventType = "BOOKMARK"
	Error    EventType = "ERROR"
)

type Event struct {
	Type   EventType
	Object Object
}

func (e Event) Status() (*metav1.Status, error) { return nil, errNotYet }
func (e Event) InitialEventsEnd() bool          { return false }

func Decode(o Object, into any) error                                   { return errNotYet }
func Encode(obj any, f Format, apiVersion, kind string) ([]byte, error) { return nil, errNotYet }
func HasProtobuf(obj any) bool                                          { return false }
