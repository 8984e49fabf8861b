package kubeconfig_test

import (
	"fmt"

	"github.com/skiff-k8s/skiff/kubeconfig"
)

// A kubeconfig that is kept in a Secret or in a program's own configuration.
func ExampleParse() {
	data := []byte(`
clusters: [{name: hamburg, cluster: {server: "https://hamburg.example:6443"}}]
users: [{name: joe, user: {token: c2VjcmV0}}]
contexts: [{name: work, context: {cluster: hamburg, user: joe, namespace: shop}}]
current-context: work
`)
	c, err := kubeconfig.Parse(data)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s of %s at %s, namespace %s\n", c.User, c.Cluster, c.REST.Host, c.Namespace)
	// Output: joe of hamburg at https://hamburg.example:6443, namespace shop
}
