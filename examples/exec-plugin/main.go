// exec-plugin is a credential plugin: a program that a kubeconfig names, and that prints a token. Its
// tokens are those of a service account, valid for ten minutes, so that a user can work with the
// rights of that account instead of his own:
//
//	users:
//	- name: robot
//	  user:
//	    exec:
//	      apiVersion: client.authentication.k8s.io/v1
//	      command: exec-plugin
//	      args: [--kubeconfig, /home/jane/.kube/admin, shop/robot]
//	      interactiveMode: Never
//
// kubectl, client-go and skiff run it when they need a token, and again when that has expired.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"

	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

// credential is the ExecCredential of client.authentication.k8s.io, the part that is used. It is the
// plugin's input, in $KUBERNETES_EXEC_INFO, and its output.
type credential struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Status     struct {
		Token               string    `json:"token"`
		ExpirationTimestamp time.Time `json:"expirationTimestamp"`
	} `json:"status"`
}

func main() {
	path := flag.String("kubeconfig", "", "kubeconfig `file` of a user who may create the tokens")
	flag.Parse()
	if err := run(*path, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "exec-plugin:", err)
		os.Exit(1)
	}
}

func run(path, account string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	var c credential
	if err := json.Unmarshal([]byte(os.Getenv("KUBERNETES_EXEC_INFO")), &c); err != nil {
		return errors.New("this is a credential plugin: name it in a kubeconfig, as exec.command")
	}
	namespace, name, ok := strings.Cut(account, "/")
	if !ok {
		return errors.New("name the service account, as NAMESPACE/NAME")
	}
	// Without plugins: a kubeconfig that names this program again would never end.
	cfg, err := kubeconfig.Load(path, kubeconfig.WithoutPlugins())
	if err != nil {
		return err
	}
	client, err := rest.NewClient(cfg)
	if err != nil {
		return err
	}
	request := &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: new(int64(600))},
	}
	err = client.Post().Namespace(namespace).Resource("serviceaccounts").Name(name).
		SubResource("token").Kind(authenticationv1.SchemeGroupVersion.WithKind("TokenRequest")).
		Body(request).Do(ctx).Into(request)
	if err != nil {
		return err
	}
	c.Status.Token = request.Status.Token
	c.Status.ExpirationTimestamp = request.Status.ExpirationTimestamp.Time
	return json.NewEncoder(os.Stdout).Encode(c)
}
