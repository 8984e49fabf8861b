// Package workload makes the objects that the bench measures with: what a cluster of some size has in
// it, from a seed. The same seed, size and state give the same bytes, on every machine.
//
// What is the same in reality is the same here: pods of one ReplicaSet have the template of their
// Deployment in common. What differs in reality differs here: names, uids, container IDs, addresses,
// nodes, times and versions come from a generator, object by object, and compress as badly as those
// of a cluster do.
//
//	w := workload.New(workload.Config{Pods: 20_000})
//	pod := w.Pods.Object(7, w.Pods.First(7)).(*corev1.Pod)                     // what a client must have
//	bytes := w.Pods.Append(nil, workload.Protobuf, 7, w.Pods.First(7))          // the same, as in a list
//	frame := workload.AppendEvent(nil, workload.JSON, w.Pods, "ADDED", 7, state) // as in a watch
//
// # Positions and states
//
// A Source is the objects of one resource: so many positions, and at each an object that goes through
// states. A State says which: its Generation (an object of another generation is another object at
// the same place, with a new name, uid and owner: what a rollout leaves behind), its Revision (the
// same object, changed so many times), the Phase of a pod's life, and the resourceVersion. Encoding
// is a pure function of position, state and format, safe for concurrent use, so that a server has to
// remember nothing but states.
//
// Beyond the last position, at Len, there is one more object, named FloodEnd in the namespace of the
// same name. It is in no list: an event of it says that a flood is over.
package workload
