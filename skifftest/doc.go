// Package skifftest is a Kubernetes API server in memory for unit tests. The real client, informer and
// controller run on it, over real HTTP:
//
//	s := skifftest.New(t, deployment, service)
//	c, err := rest.NewClient(s.Config())
//
// The server starts in milliseconds and ends with the test. By default its connections are in memory,
// so that it works in a bubble of testing/synctest.
//
// # What it does
//
//   - All verbs: create with generateName, get, update, the patches (JSON, merge, strategic merge,
//     server-side apply with owners and conflicts), delete with preconditions, finalizers and
//     propagation, deletecollection; dryRun, fieldValidation, managedFields.
//   - Lists with label and field selectors, pages, resourceVersion and resourceVersionMatch; watches with
//     bookmarks, watch-list and 410 ([Server.Compact]).
//   - The subresources status, scale, namespaces/finalize, pods/binding, pods/eviction and
//     certificatesigningrequests/approval.
//   - Discovery, aggregated and by group, of what a kube-apiserver with its default features serves. The
//     two versions of HorizontalPodAutoscaler, and the two APIs of Events, have their objects in common.
//   - JSON, YAML and protobuf; PartialObjectMetadata; Table for custom kinds.
//   - Custom kinds, by [WithCRDs], [Server.AddCRD] or a client that creates a CustomResourceDefinition.
//   - Owner references, the finalizers orphan and foregroundDeletion and the content of namespaces, when
//     it is told to ([Server.CollectGarbage], [WithGarbageCollection]).
//
// # What it does not do
//
//   - It does not validate the fields of built-in kinds. It checks names, labels, annotations, owner
//     references and finalizers; the immutable metadata; the immutable fields of the commonest kinds, such
//     as a Deployment's selector; and what JSON and protobuf say of types and unknown fields.
//   - It does not set the defaults of built-in kinds, such as a Deployment's strategy or a Service's
//     clusterIP. It sets what objects are not read without: the phase of a new Pod, claim, volume and
//     namespace, the type of a Secret, the label and the finalizer of a Namespace.
//   - It has no authentication and no authorization: everybody may do everything.
//   - It has no admission: no webhooks, no policies, no quotas, no service accounts in pods.
//   - It has no controllers and no scheduler: no ReplicaSet of a Deployment, no Endpoints. No
//     kubelet ends a pod: one that is on a node stays after its deletion, as on a node that is away, until it
//     is deleted with gracePeriodSeconds 0 or by [Delete].
//   - It converts no custom kind between versions but by the name of the version.
//   - It serves no logs, exec, attach, port-forward, proxy, tokens, reviews and OpenAPI, and no Table of
//     built-in kinds.
//
// The same suite, package skifftest/conformance, runs on this server and on the real one.
//
// A test of these runs on a real control plane: package
// [github.com/skiff-k8s/skiff/controlplane].
package skifftest
