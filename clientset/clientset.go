// Package clientset has a method for every resource of the groups core/v1, apps/v1 and
// networking.k8s.io/v1, with the names of client-go's clientset. Each method is one line over
// package client:
//
//	cs := clientset.New(c)
//	pods, err := cs.CoreV1().Pods("default").List(ctx, metav1.ListOptions{})
//	deployments, err := cs.AppsV1().Deployments("kube-system").List(ctx, metav1.ListOptions{})
//
// The list of pods is a client.List[corev1.Pod], which has the fields of a corev1.PodList.
//
// A program that imports this package links the API types of the three groups. With client.Of it
// links only the types that it uses.
package clientset

import (
	"github.com/skiff-k8s/skiff/discovery"
	"github.com/skiff-k8s/skiff/rest"
)

// Clientset makes the clients of one server's resources. It is safe for concurrent use.
type Clientset struct{ rest *rest.Client }

// New returns the clientset of c's server.
func New(c *rest.Client) *Clientset { return &Clientset{rest: c} }

// CoreV1 returns the resources of the core group: pods, services, config maps and so on.
func (c *Clientset) CoreV1() CoreV1 { return CoreV1{c.rest} }

// AppsV1 returns the resources of apps/v1: deployments, stateful sets and so on.
func (c *Clientset) AppsV1() AppsV1 { return AppsV1{c.rest} }

// NetworkingV1 returns the resources of networking.k8s.io/v1: ingresses, network policies and so
// on.
func (c *Clientset) NetworkingV1() NetworkingV1 { return NetworkingV1{c.rest} }

// Discovery returns the discovery client of the server. It caches nothing; discovery.NewMemory
// does.
func (c *Clientset) Discovery() *discovery.Client { return discovery.New(c.rest) }

// REST returns the client that all of these use.
func (c *Clientset) REST() *rest.Client { return c.rest }
