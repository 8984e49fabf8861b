// Package control lets the process that started `devcluster up --control` steer the cluster.
// controlplane, in the library module, is the other side.
//
// The protocol is lines. On stdin, one command a line; EOF means "stop everything and end". On
// stdout, one JSON object a line: first, when the cluster is up,
//
//	{"kubeconfig":"…","server":"https://127.0.0.1:PORT","data":"DIR","logs":"DIR","pids":{"etcd":1,"kube-apiserver":2,"kube-controller-manager":3}}
//
// then one answer for each command, in order, when it is carried out:
//
//	{"ok":true,"pids":{…}}
//	{"ok":false,"error":"…"}
//
// A command is a verb and a component's name, such as `restart kube-apiserver`. Verbs: stop (SIGTERM
// and wait), kill (SIGKILL and wait), start (and wait until it is ready), restart (stop, start),
// pause (SIGSTOP), resume (SIGCONT). The API server keeps its port. Everything else that devcluster
// has to say goes to stderr.
package control
