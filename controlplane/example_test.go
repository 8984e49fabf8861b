package controlplane_test

import (
	"context"
	"fmt"
	"log"
	"testing"

	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/rest"
)

// A program that is no test starts a control plane and stops it.
func ExampleRun() {
	cluster, err := controlplane.Run(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	defer cluster.Stop()

	c, err := rest.NewClient(cluster.Config())
	if err != nil {
		log.Fatal(err)
	}
	version, err := c.Get().AbsPath("/version").DoRaw(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\nkubectl --kubeconfig %s get namespaces\n", version, cluster.Kubeconfig())
}

// A test asks for the control plane that its package shares, and for a namespace of its own. The
// package's TestMain is
//
//	func TestMain(m *testing.M) { controlplane.Main(m) }
func ExampleStart() {
	_ = func(t *testing.T) { // func TestSomething(t *testing.T)
		cluster := controlplane.Start(t)
		c, err := rest.NewClient(cluster.Config())
		if err != nil {
			t.Fatal(err)
		}
		namespace := cluster.Namespace(t)
		err = c.Get().Namespace(namespace).Resource("configmaps").Name("missing").Do(t.Context()).Error()
		if err == nil {
			t.Error("got a ConfigMap that nobody created")
		}
	}
}
