package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/skiff-k8s/skiff/skifftest/controlplane"
)

// invite tells how to try it by hand: with kubectl, or with curl where that is not
// installed.
func (d *demo) invite(dir string, cluster *controlplane.Cluster) error {
	d.out.plain("\nEverything stays up until Ctrl-C. The kubeconfig:\n\n  %s\n", cluster.Kubeconfig())
	if _, err := exec.LookPath("kubectl"); err == nil {
		d.out.plain(`Try, in another terminal:

  export KUBECONFIG=%s
  kubectl create service clusterip hello --tcp=80
  kubectl annotate service hello ingress/http=true
  kubectl get ingress hello
  kubectl delete ingress hello; kubectl get ingress hello
  kubectl annotate service hello ingress/http-
  kubectl get ingress
`, cluster.Kubeconfig())
		return nil
	}
	files, err := curlFiles(dir, cluster)
	if err != nil {
		return err
	}
	d.out.plain(`Try, in another terminal (with kubectl on the PATH this would be shorter):

  api() { curl -sS %s "$@"; }
  services=%[2]s/api/v1/namespaces/default/services
  ingresses=%[2]s/apis/networking.k8s.io/v1/namespaces/default/ingresses
  api $services -H 'Content-Type: application/json' -d '{"metadata":{"name":"hello","annotations":{"ingress/http":"true"}},"spec":{"ports":[{"port":80}]}}'
  api $ingresses/hello
  api $ingresses/hello -X DELETE; api $ingresses/hello
  api $services/hello -X PATCH -H 'Content-Type: application/merge-patch+json' -d '{"metadata":{"annotations":{"ingress/http":null}}}'
  api $ingresses
`, files, cluster.Config().Host)
	return nil
}

// curlFiles writes the administrator's credentials where curl can read them, and
// returns the options that do.
func curlFiles(dir string, cluster *controlplane.Cluster) (string, error) {
	tls := cluster.Config().TLS
	file := func(name, given string, data []byte) (string, error) {
		if given != "" {
			return given, nil
		}
		path := filepath.Join(dir, name)
		return path, os.WriteFile(path, data, 0o600)
	}
	ca, err := file("ca.crt", tls.CAFile, tls.CAData)
	if err != nil {
		return "", err
	}
	cert, err := file("client.crt", tls.CertFile, tls.CertData)
	if err != nil {
		return "", err
	}
	key, err := file("client.key", tls.KeyFile, tls.KeyData)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("--cacert %s --cert %s --key %s", ca, cert, key), nil
}
