package workload

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
)

// made is a Source whose objects are made and encoded one by one. It is for resources with some
// hundreds of objects.
type made struct {
	info  Info
	seed  uint64
	names []named                                 // of generation 0, in the order of the list
	make  func(i int, s State) runtime.Object     // with no metadata but what meta does not set
	meta  func(i int, s State) *metav1.ObjectMeta // labels, annotations, owners
}

// named is the name of an object; namespace is empty if it has none.
type named struct{ namespace, name string }

// order compares as etcd does, by namespace/name: a dash comes before a slash.
func (a named) order(b named) int {
	return strings.Compare(a.namespace+"/"+a.name, b.namespace+"/"+b.name)
}

func (m *made) Info() Info { return m.info }
func (m *made) Len() int   { return len(m.names) }

func (m *made) First(i int) State {
	g := m.generator('v', i, 0)
	return State{Version: spread(&g, i, len(m.names))}
}

func (m *made) Namespace(i int) string {
	switch {
	case !m.info.Namespaced:
		return ""
	case i >= len(m.names):
		return FloodEnd
	}
	return m.names[i].namespace
}

func (m *made) Name(i int, s State) string {
	switch {
	case i >= len(m.names):
		return FloodEnd
	case s.Generation == 0:
		return m.names[i].name
	}
	g := m.generator('m', i, s.Generation)
	return m.names[i].name + "-" + g.suffixString(suffixLen)
}

func (m *made) Object(i int, s State) runtime.Object {
	if i >= len(m.names) {
		object := m.make(0, s)
		clearObject(object, floodEndMeta(m.seed, s, m.info.Namespaced), m.info)
		return object
	}
	object := m.make(i, s)
	g := m.generator('i', i, s.Generation)
	meta := m.meta(i, s)
	meta.Namespace, meta.Name = m.Namespace(i), m.Name(i, s)
	meta.UID = types.UID(g.uuidString())
	meta.ResourceVersion = strconv.FormatUint(s.Version, 10)
	meta.CreationTimestamp = timeOf(beginning + int64(g.below(30*24*3600)) + int64(s.Generation)*7200)
	if s.Phase == Deleting {
		meta.DeletionTimestamp = new(timeOf(meta.CreationTimestamp.Unix() + 86400))
		meta.DeletionGracePeriodSeconds = new(int64(0))
	}
	reflect.ValueOf(object).Elem().FieldByName("ObjectMeta").Set(reflect.ValueOf(*meta))
	return object
}

func (m *made) Append(dst []byte, f Format, i int, s State) []byte {
	if f == Protobuf && !m.info.Protobuf {
		panic(fmt.Sprintf("workload: %s are JSON only", m.info.Resource))
	}
	object := m.Object(i, s)
	if !m.info.Protobuf {
		return append(dst, mustMarshal(tree(object))...) // the server holds a map, with its keys in order
	}
	return appendMarshalled(dst, f, object)
}

// generator returns the generator of an object for one random aspect of it.
func (m *made) generator(what byte, i int, generation uint32) generator {
	return generatorOf(m.seed, uint64(m.info.Resource[0]), uint64(what), uint64(i), uint64(generation))
}

// clearObject resets an object to the given metadata.
func clearObject(object runtime.Object, meta metav1.ObjectMeta, info Info) {
	v := reflect.ValueOf(object).Elem()
	v.SetZero()
	v.FieldByName("ObjectMeta").Set(reflect.ValueOf(meta))
	if !info.Protobuf {
		object.GetObjectKind().SetGroupVersionKind(info.GroupVersionKind)
	}
}
