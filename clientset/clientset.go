// Package clientset names every built-in resource, as the clientset that tutorials teach does. It is
// a facade over package client, one line a resource:
//
//	cs := clientset.New(c)
//	pods, err := cs.CoreV1().Pods("default").List(ctx, metav1.ListOptions{})
//	deployments, err := cs.AppsV1().Deployments("kube-system").List(ctx, metav1.ListOptions{})
//
// A list is a client.List[corev1.Pod] with the fields of a corev1.PodList.
//
// It links the API types of the groups it names. A program that uses a few types links less with
// client.Of.
package clientset

import (
	"github.com/skiff-k8s/skiff/discovery"
	"github.com/skiff-k8s/skiff/rest"
)

// Clientset is every client of one server. It is safe for concurrent use.
type Clientset struct{ rest *rest.Client }

// New returns the clients of the server that c speaks to.
func New(c *rest.Client) *Clientset { return &Clientset{rest: c} }

// CoreV1 returns the resources of the core group: pods, services, config maps and so on.
func (c *Clientset) CoreV1() CoreV1 { return CoreV1{c.rest} }

// AppsV1 returns the resources of apps/v1: deployments, stateful sets and so on.
func (c *Clientset) AppsV1() AppsV1 { return AppsV1{c.rest} }

// NetworkingV1 returns the resources of networking.k8s.io/v1: ingresses, network policies and so on.
func (c *Clientset) NetworkingV1() NetworkingV1 { return NetworkingV1{c.rest} }

// Discovery returns the client that asks what the server serves. It caches nothing; see
// discovery.NewMemory.
func (c *Clientset) Discovery() *discovery.Client { return discovery.New(c.rest) }

// REST returns the client that all of these use.
func (c *Clientset) REST() *rest.Client { return c.rest }
