// Package kubeconfig writes the kubeconfig of the cluster.
package kubeconfig

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"text/template"
)

// Entry is a kubeconfig with one cluster, one user and one context. CA, Cert and Key are PEM and
// are written inline, so that the file works wherever it is copied to.
type Entry struct {
	Server        string
	CA, Cert, Key []byte
}

// The names are fixed: a user merges the file with others by KUBECONFIG=a:b and switches by
// `kubectl config use-context devcluster`.
var file = template.Must(template.New("kubeconfig").Funcs(template.FuncMap{
	"base64": base64.StdEncoding.EncodeToString,
}).Parse(`apiVersion: v1
kind: Config
clusters:
- name: devcluster
  cluster:
    server: {{.Server}}
    certificate-authority-data: {{base64 .CA}}
users:
- name: devcluster
  user:
    client-certificate-data: {{base64 .Cert}}
    client-key-data: {{base64 .Key}}
contexts:
- name: devcluster
  context:
    cluster: devcluster
    user: devcluster
    namespace: default
current-context: devcluster
`))

// Write writes the kubeconfig to path, readable by its owner only. It replaces an older file in one
// step, so that a client that watches the file never reads a part of it.
func Write(path string, e Entry) error {
	var b bytes.Buffer
	if err := file.Execute(&b, e); err != nil {
		return err
	}
	next, err := os.CreateTemp(filepath.Dir(path), ".kubeconfig-*")
	if err != nil {
		return err
	}
	defer os.Remove(next.Name())
	if _, err := next.Write(b.Bytes()); err != nil {
		next.Close()
		return err
	}
	if err := next.Close(); err != nil {
		return err
	}
	return os.Rename(next.Name(), path)
}
