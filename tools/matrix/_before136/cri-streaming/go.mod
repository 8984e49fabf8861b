// The streaming packages of Kubernetes 1.36 and later, for the versions before, which have them in
// k8s.io/kubelet with other types. matrix puts this module in the place of k8s.io/cri-streaming there.
module k8s.io/cri-streaming

go 1.24.0
