// Package all has a method for every group version of k8s.io/api, with the names of client-go's
// clientset:
//
//	cs := all.New(c)
//	jobs, err := cs.BatchV1().Jobs("default").List(ctx, metav1.ListOptions{})
//
// A program that imports this package links all API types of Kubernetes: about 7 MB more than one
// that imports the packages of the group versions that it uses, such as clientset/batchv1.
package all

import (
	"github.com/skiff-k8s/skiff/discovery"
	"github.com/skiff-k8s/skiff/rest"
)

// Clientset makes the clients of one server's resources. It is safe for concurrent use.
type Clientset struct{ rest *rest.Client }

// New returns the clientset of c's server.
func New(c *rest.Client) *Clientset { return &Clientset{rest: c} }

// Discovery returns the discovery client of the server. It caches nothing; discovery.NewMemory
// does.
func (c *Clientset) Discovery() *discovery.Client { return discovery.New(c.rest) }

// REST returns the client that all of these use.
func (c *Clientset) REST() *rest.Client { return c.rest }
