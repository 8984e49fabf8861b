// Package pack keeps one object in little memory, as its difference from an object that is like it.
//
//	p := new(pack.Packer)
//	pods := pack.NewGroup(nil, false)          // all Pods
//	web := pack.NewGroup(pods, true)           // those of one ReplicaSet
//	packed, base, _ := p.Add(nil, web, data, key, uid, resourceVersion)
//	h := pack.Handle{Bytes: string(packed), Base: base}
//	data, err := h.Unpack(nil, key, uid, resourceVersion)
//	p.Release(web, h)                          // when the object is gone
//
// # Words
//
//   - A holder is the program that keeps the objects: package store is one.
//   - A group is a set of objects that are expected to be alike. The holder decides which objects
//     are in it. Groups nest: the Pods of one ReplicaSet are a group within the group of all Pods.
//   - A base is an object that others of its group are stored as differences from.
//   - Own strings are strings of the object that the holder keeps anyway, such as its key, UID and
//     resourceVersion. They occur in the object's bytes too. So they are not stored again: the
//     holder passes the same strings to Add and to Unpack.
//   - A handle is a packed object: its bytes, and the base that they refer to.
//
// The package interprets neither the objects nor the own strings. It knows no Kubernetes.
//
// # Which object is a base
//
// The first object of a group that is within no other becomes the base of that group, as it came. A
// group within another gets a base with its fourth object, because a base costs about as much as
// storing three objects against the outer base does. An inner base is stored as its difference from
// the outermost one. So there are rarely more bases than a quarter of the objects.
//
// An object is packed against the base of its group; without one, against that of the next group
// outwards. Objects below 128 bytes or above 40 KB are packed alone, and those above 16 KB do not
// become a base.
//
// A base has a reference count: one for each object and each inner base that is packed against it,
// and one while its group uses it for new objects. It is freed with the last reference. A group
// lets go of its base when it has no object left, and takes another one when its objects do not
// resemble the base any more.
//
// # How an object is packed
//
// The matcher (internal/near) writes what the object has in common with the base and with its own
// strings as copies, in the S2 format. Then hexadecimal digits in what is left (container IDs, UIDs
// and checksums, which no compression shortens) are stored two to a byte (internal/digits).
package pack
