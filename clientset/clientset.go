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
// Below this package is one for every group version of k8s.io/api, such as clientset/batchv1:
//
//	jobs, err := batchv1.New(c).Jobs("default").List(ctx, metav1.ListOptions{})
//
// A package of API types that a program imports is linked whole, because it registers its types as
// the program starts. So there are four ways, and the fewer types one imports, the smaller is the
// program:
//   - client.Of[batchv1.Job](c): the types that the program imports itself;
//   - batchv1.New(c): one group version;
//   - clientset.New(c): core/v1, apps/v1 and networking.k8s.io/v1;
//   - all.New(c), of package clientset/all: every group version, about 7 MB more.
//
// A subresource whose objects have a type of their own is in the package of that type: Scales in
// autoscalingv1, Evictions in policyv1, TokenRequests in authenticationv1, PodBindings in corev1.
// Other subresources are methods and arguments of client.Client.
package clientset

import (
	"github.com/skiff-k8s/skiff/clientset/appsv1"
	"github.com/skiff-k8s/skiff/clientset/corev1"
	"github.com/skiff-k8s/skiff/clientset/networkingv1"
	"github.com/skiff-k8s/skiff/discovery"
	"github.com/skiff-k8s/skiff/rest"
)

//go:generate go run -C ../tools ./clientset ..

// Clientset makes the clients of one server's resources. It is safe for concurrent use.
type Clientset struct{ rest *rest.Client }

// New returns the clientset of c's server.
func New(c *rest.Client) *Clientset { return &Clientset{rest: c} }

// CoreV1 returns the resources of the core group: pods, services, config maps and so on.
func (c *Clientset) CoreV1() corev1.Client { return corev1.New(c.rest) }

// AppsV1 returns the resources of apps/v1: deployments, stateful sets and so on.
func (c *Clientset) AppsV1() appsv1.Client { return appsv1.New(c.rest) }

// NetworkingV1 returns the resources of networking.k8s.io/v1: ingresses, network policies and so
// on.
func (c *Clientset) NetworkingV1() networkingv1.Client { return networkingv1.New(c.rest) }

// Discovery returns the discovery client of the server. It caches nothing; discovery.NewMemory
// does.
func (c *Clientset) Discovery() *discovery.Client { return discovery.New(c.rest) }

// REST returns the client that all of these use.
func (c *Clientset) REST() *rest.Client { return c.rest }
