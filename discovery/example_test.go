package discovery_test

import (
	"context"
	"fmt"

	"github.com/skiff-k8s/skiff/discovery"
	"github.com/skiff-k8s/skiff/rest"
)

// A command line tool keeps what it learns for the next run.
func Example() {
	var c *rest.Client // by rest.NewClient
	dir, err := discovery.CacheDir(c)
	if err != nil {
		panic(err)
	}
	d := discovery.NewMemory(discovery.NewDisk(discovery.New(c), dir, 0))
	deploy, err := d.ForResource(context.Background(), "deploy")
	if err != nil {
		panic(err)
	}
	fmt.Println(deploy.Kind.GVR(), deploy.Kind.Namespaced)
}
