package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/skiff-k8s/skiff/controlplane"
)

// invitation is the line before the commands, and lastLine the line after them.
const (
	invitation = "Try it, in another terminal:"
	lastLine   = "Everything stays up until Ctrl-C."
)

// invite prints commands to try addingress by hand: with kubectl if it is on the PATH, else with
// curl. A test runs the commands as printed.
func (d *demo) invite(dir string, cluster *controlplane.Cluster) error {
	d.out.plain("\nThe kubeconfig:\n\n  %s\n\n%s\n", cluster.Kubeconfig(), invitation)
	if _, err := exec.LookPath("kubectl"); err == nil {
		d.out.plain(`  export KUBECONFIG=%s
  kubectl create service clusterip hello --tcp=80
  kubectl annotate service hello ingress/http=true
  kubectl wait --for=create ingress/hello
  kubectl get ingress hello

  kubectl delete ingress hello
  kubectl wait --for=create ingress/hello
  kubectl get ingress hello

  kubectl annotate service hello ingress/http-
  kubectl wait --for=delete ingress/hello
  kubectl get ingress
`, cluster.Kubeconfig())
	} else {
		config, err := curlConfig(dir, cluster)
		if err != nil {
			return err
		}
		d.out.plain(`  api() { curl -sS -K %s "$@"; }
  server=%s
  services=$server/api/v1/namespaces/default/services
  ingresses=$server/apis/networking.k8s.io/v1/namespaces/default/ingresses

  api $services -H 'Content-Type: application/json' -d '{
    "metadata": {"name": "hello", "annotations": {"ingress/http": "true"}},
    "spec": {"ports": [{"name": "80", "port": 80}]}}'
  until api -f $ingresses/hello 2>/dev/null; do sleep 1; done

  api -X DELETE $ingresses/hello
  until api -f $ingresses/hello 2>/dev/null; do sleep 1; done

  api -X PATCH $services/hello \
    -H 'Content-Type: application/merge-patch+json' \
    -d '{"metadata": {"annotations": {"ingress/http": null}}}'
  while api -f -o /dev/null $ingresses/hello 2>/dev/null; do sleep 1; done
  api $ingresses
`, config, cluster.Config().Host)
	}
	d.out.plain("%s", lastLine)
	return nil
}

// curlConfig writes a configuration file for curl with the administrator's credentials, and returns
// its path. The files are in dir, readable by this user only.
func curlConfig(dir string, cluster *controlplane.Cluster) (string, error) {
	tls := cluster.Config().TLS
	var config strings.Builder
	for _, f := range []struct {
		option, path string
		data         []byte
	}{
		{"cacert", tls.CAFile, tls.CAData},
		{"cert", tls.CertFile, tls.CertData},
		{"key", tls.KeyFile, tls.KeyData},
	} {
		if f.path == "" {
			f.path = filepath.Join(dir, f.option+".pem")
			if err := os.WriteFile(f.path, f.data, 0o600); err != nil {
				return "", err
			}
		}
		fmt.Fprintf(&config, "%s = %q\n", f.option, f.path)
	}
	path := filepath.Join(dir, "curl.conf")
	return path, os.WriteFile(path, []byte(config.String()), 0o600)
}
