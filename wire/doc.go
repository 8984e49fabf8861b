// Package wire reads and writes Kubernetes objects as bytes, in JSON and protobuf.
//
// It reads the body of a response: one object ([ReadObject]), a list ([ListReader]) or a watch
// ([WatchReader]). Each object is returned as an [Object]: its bytes, and the part of its metadata
// that caches and controllers need. An object is not decoded until [Decode] is called:
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
// A list is never whole in memory: readers hold one object at a time. Each object is returned in
// memory of its own, or in an [Arena] of the caller. managedFields, often half of an object, are
// left out unless [Options].KeepManagedFields is set.
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
// its encoding. Input that breaks them is a [SyntaxError] with the offset and the list, watch or
// object that was being read. No length in the input is trusted before that many bytes have
// arrived.
//
//   - Unknown fields are kept and otherwise ignored.
//   - Strings that are not UTF-8 are accepted, as in encoding/json. Their bytes are kept as they
//     are; in a string read from JSON, each invalid byte becomes U+FFFD.
//   - If a key occurs twice, the last one counts, as it does when the object is decoded. A second
//     metadata or items of a list, or a second type or object of a watch event, is an error.
package wire
