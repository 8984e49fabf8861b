// Package wire reads and writes Kubernetes objects as bytes, in JSON and protobuf.
//
// What enters is the body of a response: one object ([ReadObject]), a list ([ListReader]) or a
// watch ([WatchReader]). What leaves is an [Object]: the object's own bytes, and the few things of
// its metadata that everybody asks for. Nothing is decoded until somebody calls [Decode]:
//
//	list := wire.NewListReader(body, wire.Protobuf, wire.Options{})
//	for {
//		o, err := list.Next()
//		if err == io.EOF {
//			break // the list is complete; list.Meta() has its resourceVersion
//		}
//		if err != nil {
//			return err // cut off or malformed: never mistaken for the end
//		}
//		fmt.Println(o.Kind, o.Meta.Key(), o.Meta.Labels)
//		var pod corev1.Pod
//		if err := wire.Decode(o, &pod); err != nil {
//			return err
//		}
//	}
//
// A list is never whole in memory: readers hold one object at a time, and hand each out in memory
// of its own, or in an [Arena] of the caller. managedFields, often half of an object, are left out
// on the way unless asked for.
//
// # Fields
//
// Fields that a program never reads need not be kept, and fields that it does not read now need not
// be decoded. Package fieldpath chooses them by paths such as spec.containers[*].env:
//
//   - [Options].Drop leaves fields out of every object that is read ([NewDrop]).
//   - [Object.Keep] makes an object of the chosen fields alone, to decode no others.
//   - [Object.Values] reads the values of fields without decoding, for an index by field.
//
// # What is checked
//
// Input is treated as untrusted. JSON is read by the grammar of RFC 8259, protobuf by the rules of
// its encoding; what breaks them is a [SyntaxError] that names the offset and what was being read.
// No length that the input claims is believed before that many bytes have come.
//
//   - Unknown fields are kept and otherwise ignored.
//   - Strings that are not UTF-8 pass, as they do in encoding/json: bytes are kept as they are,
//     and each wrong one is U+FFFD in what is read from JSON.
//   - Where a key occurs twice, the last one counts, as it does when the object is decoded. Only
//     for what decides where an object begins and ends — metadata, items, a watch event's type and
//     object — a second one is an error.
package wire
