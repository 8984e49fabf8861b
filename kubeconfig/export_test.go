package kubeconfig

// OpenIn is Open("") in a made-up environment, for tests outside the package.
func OpenIn(vars map[string]string, home, serviceAccount string) (*Config, error) {
	return environment{
		getenv:         func(key string) string { return vars[key] },
		home:           func() (string, error) { return home, nil },
		serviceAccount: serviceAccount,
	}.open("", options{})
}
