// apply sets keys of a ConfigMap by server-side apply, and owns them: a key that it set the last
// time and does not set now is removed, unless it was told to keep what it owns. Keys of others
// stay.
//
//	go run ./examples/apply [--kubeconfig FILE] [--namespace NAME] [--keep] CONFIGMAP KEY=VALUE…
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

// manager is the name by which the server records what this program owns. old is the one under
// which its keys were written before it used apply.
const manager, old = "apply-example", "kubectl-create"

func main() {
	path := flag.String("kubeconfig", "",
		"kubeconfig `file` (default: $KUBECONFIG, ~/.kube/config, in-cluster)")
	namespace := flag.String("namespace", "default", "the ConfigMap's `namespace`")
	keep := flag.Bool("keep", false, "keep the keys that were set before")
	flag.Parse()
	if flag.NArg() < 1 {
		log.Print("usage: apply [--kubeconfig FILE] [--namespace NAME] [--keep] CONFIGMAP KEY=VALUE…")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	cfg, err := kubeconfig.Load(*path)
	exitOn(err)
	c, err := rest.NewClient(cfg)
	exitOn(err)

	maps := client.Of[corev1.ConfigMap](c, client.Manager(manager), client.Strict()).In(*namespace)
	mine := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: flag.Arg(0)}}
	now, err := maps.Get(ctx, mine.Name, metav1.GetOptions{})
	switch {
	case err == nil:
		now, err = maps.AdoptFields(ctx, now, old, manager)
		exitOn(err)
		if *keep {
			mine, err = client.Extract(now, manager, "")
			exitOn(err)
		}
	case !apierrors.IsNotFound(err):
		exitOn(err)
	}
	if mine.Data == nil {
		mine.Data = map[string]string{}
	}
	for _, arg := range flag.Args()[1:] {
		key, value, _ := strings.Cut(arg, "=")
		mine.Data[key] = value
	}
	now, err = maps.Apply(ctx, mine, metav1.ApplyOptions{})
	exitOn(err)
	fmt.Printf("%s has %v, of which %v are set from here\n", now.Name, now.Data, mine.Data)
}

func exitOn(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
