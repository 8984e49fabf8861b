package oidc_test

import (
	"fmt"

	"github.com/skiff-k8s/skiff/kubeconfig"
	_ "github.com/skiff-k8s/skiff/kubeconfig/oidc"
)

// The issuer is asked when a request needs a token, and not before.
func Example() {
	c, err := kubeconfig.Parse([]byte(`
clusters: [{name: hamburg, cluster: {server: "https://hamburg.example:6443"}}]
users:
- name: jane
  user:
    auth-provider:
      name: oidc
      config: {client-id: kubernetes, idp-issuer-url: "https://issuer.example", refresh-token: c2VjcmV0}
contexts: [{name: work, context: {cluster: hamburg, user: jane}}]
current-context: work
`), kubeconfig.WithSaver(func(s kubeconfig.Saved) error {
		fmt.Println("write the config of", s.User, "to", s.File)
		return nil
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.REST.Credentials)
	// Output: the auth-provider oidc of https://issuer.example
}
