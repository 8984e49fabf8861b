package wire_test

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/wire"
)

// fuzzPaths lead through everything that a path can lead through.
var fuzzPaths = []string{
	"metadata.annotations", "metadata.finalizers[*]", "spec.containers[*].env", "spec.containers[*].resources.limits['cpu']",
	"spec.volumes[*].configMap.items[*].mode", "spec.nodeSelector['zone']", "spec.nodeSelector[*]", "spec.terminationGracePeriodSeconds",
	"status.startTime", "status.conditions[*].lastTransitionTime", "spec.containers[*].livenessProbe.httpGet.port",
}

// Whatever the bytes are: no panic and no byte beyond them, what is left is an object that can be
// read, and what is decoded of it is what is left of what is decoded without paths.
func fuzzFields(f *testing.F, format wire.Format) {
	pods := smallPods()
	pods[0].Spec.NodeSelector = map[string]string{"a": "b", "zone": "c"}
	pods[0].Spec.Containers = []corev1.Container{{Name: "c", Env: []corev1.EnvVar{{Name: "e"}}}, {}}
	pods[0].Status.StartTime = &pods[0].CreationTimestamp
	f.Add(body(f, format, &pods[0]))
	f.Add(body(f, format, &pods[1]))
	f.Add(body(f, format, samplePod()))
	drop, keep := mustDrop(f, podType, fuzzPaths...), mustFields(f, podType, fuzzPaths...)
	f.Fuzz(func(t *testing.T, data []byte) {
		// To look at an object that nobody has read is as safe as at any other. That it reads no byte
		// too many shows in a slice that ends in the middle of memory.
		raw := wire.Object{Format: format, Kind: "Pod", Data: append(bytes.Clone(data), `"}]}}}`...)[:len(data)]}
		for range raw.Values(keep) {
		}
		if kept, err := raw.Keep(keep, nil); err != nil {
			var syntax *wire.SyntaxError
			if !errors.As(err, &syntax) || syntax.Offset < 0 || syntax.Offset > int64(len(data)) {
				t.Fatalf("the error is %v", err)
			}
		} else if len(kept.Data) > 2*len(data) {
			t.Fatalf("%d bytes became %d", len(data), len(kept.Data))
		}

		options := fuzzOptions
		options.APIVersion, options.Kind = "v1", "Pod"
		plain, plainErr := wire.ReadObject(data, format, options)
		options.Drop = drop
		o, err := wire.ReadObject(data, format, options)
		if err != nil {
			checkError(t, len(data), err)
			if format == wire.JSON && plainErr == nil {
				t.Fatalf("only when fields are dropped it is an error: %v", err)
			}
			return
		}
		if plainErr != nil {
			t.Fatalf("only when fields are dropped it is none: %v", plainErr)
		}
		checkObject(t, o)
		if !reflect.DeepEqual(o.Meta, plain.Meta) || o.Kind != plain.Kind || len(o.Data) > len(plain.Data) {
			t.Fatalf("got %+v, want %+v", o, plain)
		}
		if len(o.Data) == 0 {
			return // a message without fields, which has to stand in an envelope
		}
		if again, err := wire.ReadObject(o.Data, format, options); err != nil || o.Kind == "Pod" && !reflect.DeepEqual(again, o) {
			t.Fatalf("dropped again\n got %+v, %v\nwant %+v", again, err, o)
		}
		if kept, err := plain.Keep(keep, nil); err == nil && o.Kind == "Pod" {
			if again, err := kept.Keep(keep, nil); err != nil || !bytes.Equal(again.Data, kept.Data) {
				t.Fatalf("kept again\n got %q, %v\nwant %q", again.Data, err, kept.Data)
			}
			checkPartsOf(t, plain, o, kept)
		}
	})
}

// checkPartsOf checks that what has been dropped and what has been kept of an object can be decoded
// if the object can, and are what Go makes of it.
func checkPartsOf(t *testing.T, whole, dropped, kept wire.Object) {
	t.Helper()
	var all, without, only corev1.Pod
	if wire.Decode(whole, &all) != nil {
		return
	}
	if err := wire.Decode(dropped, &without); err != nil {
		t.Fatalf("of a good object, what is left is not: %v", err)
	}
	if err := wire.Decode(kept, &only); err != nil {
		t.Fatalf("of a good object, what is kept is not: %v", err)
	}
	if all.Name != without.Name || all.Spec.NodeName != without.Spec.NodeName || all.Status.Phase != without.Status.Phase ||
		len(without.Finalizers) > 0 || without.Spec.TerminationGracePeriodSeconds != nil || len(without.Spec.NodeSelector) > 0 || without.Status.StartTime != nil {
		t.Fatalf("of\n%+v\nthere is left\n%+v", all, without)
	}
	if !reflect.DeepEqual(all.Finalizers, only.Finalizers) || !reflect.DeepEqual(all.Annotations, only.Annotations) ||
		!reflect.DeepEqual(all.Spec.NodeSelector, only.Spec.NodeSelector) || len(all.Spec.Containers) != len(only.Spec.Containers) {
		t.Fatalf("of\n%+v\nthere is kept\n%+v", all, only)
	}
}

func FuzzFieldsJSON(f *testing.F) {
	f.Add([]byte(`{"spec":{"containers":[{"env":[1],"name":"a"},null,{"\u0065nv":[]}],"nodeSelector":{"zone":"a","zone":"b"}},"metadata":{"finalizers":["a",2],"annotations":null}}`))
	fuzzFields(f, wire.JSON)
}

func FuzzFieldsProtobuf(f *testing.F) { fuzzFields(f, wire.Protobuf) }
