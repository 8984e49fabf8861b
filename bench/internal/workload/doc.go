// Package workload makes the objects that the bench measures with: the objects of a cluster of a
// given size, from a seed. The same seed, size and state give the same bytes on every machine.
//
// The objects are as similar as in a real cluster. Pods of one ReplicaSet share the template of
// their Deployment. Names, uids, container IDs, addresses, nodes, times and versions come from a
// generator, for each object, and compress as badly as those of a real cluster.
//
//	w := workload.New(workload.Config{Pods: 20_000})
//	pod := w.Pods.Object(7, w.Pods.First(7)).(*corev1.Pod)                     // as a client must have it
//	bytes := w.Pods.Append(nil, workload.Protobuf, 7, w.Pods.First(7))          // the same, as in a list
//	frame := workload.AppendEvent(nil, workload.JSON, w.Pods, "ADDED", 7, state) // as in a watch
//
// # Positions and states
//
// A Source is the objects of one resource. It has a number of positions, with an object at each,
// which goes through states. A State has:
//
//   - the Generation: another generation is another object at the same position, with a new name, uid
//     and owner, as after a rollout;
//   - the Revision: how often the object was changed;
//   - the Phase of a pod's life;
//   - the resourceVersion.
//
// Encoding is a pure function of position, state and format, and safe for concurrent use. So a
// server has to keep the states only.
//
// Behind the last position, at Len, there is one more object, named FloodEnd in the namespace of
// the same name. It is in no list; an event of it marks the end of a flood.
package workload
