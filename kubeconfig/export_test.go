package kubeconfig

import "github.com/skiff-k8s/skiff/rest"

// LoadIn is Load("") in a made-up environment, for tests outside the package.
func LoadIn(vars map[string]string, home, serviceAccount string) (*rest.Config, error) {
	return environment{
		getenv:         func(key string) string { return vars[key] },
		home:           func() (string, error) { return home, nil },
		serviceAccount: serviceAccount,
	}.load("", options{})
}
