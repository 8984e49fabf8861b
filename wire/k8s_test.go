package wire_test

import (
	"bytes"
	"math/rand"
	"reflect"
	"sort"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	k8sjson "k8s.io/apimachinery/pkg/runtime/serializer/json"
	k8sprotobuf "k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"sigs.k8s.io/randfill"

	"github.com/skiff-k8s/skiff/wire"
)

// What Kubernetes itself makes of objects and bytes: the measure of everything here.

var formats = []wire.Format{wire.JSON, wire.Protobuf}

// serializer is Kubernetes' own of a format.
func serializer(f wire.Format) runtime.Serializer {
	if f == wire.JSON {
		return k8sjson.NewSerializerWithOptions(k8sjson.DefaultMetaFactory, scheme, scheme, k8sjson.SerializerOptions{})
	}
	return k8sprotobuf.NewSerializer(scheme, scheme)
}

// kindOf is what the scheme says an object is.
func kindOf(t testing.TB, obj runtime.Object) schema.GroupVersionKind {
	t.Helper()
	kinds, _, err := scheme.ObjectKinds(obj)
	if err != nil {
		t.Fatal(err)
	}
	return kinds[0]
}

// body is obj as the API server would send it, with its type.
func body(t testing.TB, f wire.Format, obj runtime.Object) []byte {
	t.Helper()
	obj = obj.DeepCopyObject()
	obj.GetObjectKind().SetGroupVersionKind(kindOf(t, obj))
	var out bytes.Buffer
	if err := serializer(f).Encode(obj, &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// decoded is what Kubernetes decodes from a body.
func decoded(t testing.TB, f wire.Format, data []byte) runtime.Object {
	t.Helper()
	obj, _, err := serializer(f).Decode(data, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return obj
}

// metaOf is the Meta that an object is to have.
func metaOf(o metav1.Object) wire.Meta {
	m := wire.Meta{
		Namespace:       o.GetNamespace(),
		Name:            o.GetName(),
		UID:             string(o.GetUID()),
		ResourceVersion: o.GetResourceVersion(),
		Generation:      o.GetGeneration(),
		Deleting:        o.GetDeletionTimestamp() != nil,
	}
	var labels []wire.Label
	for key, value := range o.GetLabels() {
		labels = append(labels, wire.Label{Key: key, Value: value})
	}
	sort.Slice(labels, func(i, j int) bool { return labels[i].Key < labels[j].Key })
	m.Labels = wire.NewLabels(labels...)
	if owner := metav1.GetControllerOf(o); owner != nil {
		m.Owner = wire.Owner{APIVersion: owner.APIVersion, Kind: owner.Kind, Name: owner.Name, UID: string(owner.UID)}
	}
	return m
}

// filler fills objects at random, with strings that need escapes and with managedFields.
func filler(seed int64) *randfill.Filler { return asKubernetes(randfill.NewWithSeed(seed)) }

// asKubernetes makes a filler fill objects so that Kubernetes can write them.
func asKubernetes(fill *randfill.Filler) *randfill.Filler {
	return fill.NilChance(.4).NumElements(0, 4).MaxDepth(18).Funcs(
		func(s *string, c randfill.Continue) {
			*s = randomString(c)
		},
		func(tm *metav1.TypeMeta, c randfill.Continue) {},
		func(q *resource.Quantity, c randfill.Continue) {
			*q = *resource.NewMilliQuantity(c.Int63n(1e6), resource.DecimalSI)
			_ = q.String() // which it caches, and decoding does too
		},
		func(tm *metav1.Time, c randfill.Continue) {
			tm.Time = time.Unix(c.Int63n(4e9), 0)
		},
		func(tm *metav1.MicroTime, c randfill.Continue) {
			tm.Time = time.UnixMicro(c.Int63n(4e15))
		},
		func(r *runtime.RawExtension, c randfill.Continue) {
			r.Raw = []byte(`{"kind":"Raw","metadata":{"managedFields":[1]},"items":[{}]}`)
		},
		func(f *metav1.FieldsV1, c randfill.Continue) {
			f.SetRawString(`{"f:metadata":{"f:labels":{}}}`)
		},
		func(m *metav1.ObjectMeta, c randfill.Continue) {
			c.FillNoCustom(m)
			if c.Bool() {
				m.ManagedFields = nil
			}
		},
	)
}

func randomString(c randfill.Continue) string {
	switch c.Intn(8) {
	case 0:
		return ""
	case 1:
		return c.String(20) // any characters
	case 2:
		return strings.Repeat(`\"/`+"\n\t\x00<&>\u2028\U0001f6f6", c.Intn(3))
	}
	const plain = "abcdefghijklmnopqrstuvwxyz0123456789.-/"
	b := make([]byte, c.Intn(40))
	for i := range b {
		b[i] = plain[c.Intn(len(plain))]
	}
	return string(b)
}

// random returns a new object of a type, filled.
func random(fill *randfill.Filler, t reflect.Type) runtime.Object {
	obj := reflect.New(t).Interface()
	fill.Fill(obj)
	return obj.(runtime.Object)
}

// randomPods returns pods of distinct names.
func randomPods(seed int64, n int) []corev1.Pod {
	fill := filler(seed)
	rng := rand.New(rand.NewSource(seed))
	pods := make([]corev1.Pod, n)
	for i := range pods {
		fill.Fill(&pods[i])
		pods[i].Namespace = "default"
		pods[i].Name = "pod-" + string(rune('a'+rng.Intn(26))) + "-" + time.Duration(i).String()
	}
	return pods
}
