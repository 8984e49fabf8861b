// mirror keeps copies, in one cluster, of the Secrets of another that have the label mirror: a
// controller with two clusters.
//
//	go run ./examples/mirror --from FILE --to FILE [--namespace NAME]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/workqueue"
)

const copied = "example.com/copied" // the label of a copy

func main() {
	from := flag.String("from", "", "kubeconfig `file` of the cluster to read")
	to := flag.String("to", "", "kubeconfig `file` of the cluster to write")
	namespace := flag.String("namespace", "mirror", "the `namespace` of the copies")
	flag.Parse()
	if *from == "" || *to == "" {
		fmt.Fprintln(os.Stderr, "usage: mirror --from FILE --to FILE [--namespace NAME]")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	exitOn(run(ctx, connect(*from), connect(*to), *namespace))
}

func run(ctx context.Context, from, to *rest.Client, namespace string) error {
	theirs, ours := informer.NewFactory(from), informer.NewFactory(to)
	secrets := informer.For[corev1.Secret](theirs, informer.LabelSelector("mirror,!"+copied))
	copies := informer.For[corev1.Secret](ours, informer.Namespace(namespace),
		informer.LabelSelector(copied))
	writes := client.Of[corev1.Secret](to).In(namespace)

	mirror := func(ctx context.Context, key controller.Key) (done controller.Result, err error) {
		name := key.Namespace + "." + key.Name
		s, err := secrets.Lister().Get(key.Namespace, key.Name)
		if apierrors.IsNotFound(err) {
			c, err := copies.Lister().Item(namespace, name)
			if err == nil {
				log.Printf("delete the copy of %s", key)
				err = writes.Delete(ctx, c.Name(), metav1.DeleteOptions{})
			}
			return done, client.IgnoreNotFound(err)
		}
		if err != nil {
			return done, err
		}
		c := &corev1.Secret{Data: s.Data, Type: s.Type}
		c.Name, c.Labels = name, map[string]string{copied: key.Namespace}
		c.Annotations = map[string]string{copied: key.String()}
		_, err = writes.Apply(ctx, c, metav1.ApplyOptions{FieldManager: "mirror", Force: true})
		return done, err
	}
	source := func(c informer.Item[corev1.Secret]) (keys []controller.Key) {
		text, _ := c.Annotation(copied)
		if key, err := workqueue.ParseKey(text); err == nil {
			keys = append(keys, key)
		}
		return keys
	}
	// controller.Run runs one factory; the other runs beside it, and ends with it.
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { defer stop(); ended <- ours.Run(ctx) }()
	err := controller.Run(ctx, theirs, controller.New("mirror", mirror,
		controller.For(secrets), controller.Watches(copies, source)))
	stop()
	return errors.Join(err, <-ended)
}

func connect(path string) *rest.Client {
	cfg, err := kubeconfig.Load(path)
	exitOn(err)
	c, err := rest.NewClient(cfg)
	exitOn(err)
	return c
}

func exitOn(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
