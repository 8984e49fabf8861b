// workqueue is the loop of a controller, written by hand: an informer's handler adds keys to a
// queue, and five workers take them. The program checks that every Service has the label "owner".
//
//	go run ./examples/workqueue [--kubeconfig FILE]
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os/signal"
	"sync"
	"syscall"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/workqueue"
)

const workers, maxRetries = 5, 3

func main() {
	path := flag.String("kubeconfig", "",
		"kubeconfig `file` (default: $KUBECONFIG, ~/.kube/config, in-cluster)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	cfg, err := kubeconfig.Load(*path)
	exitOn(err)
	c, err := rest.NewClient(cfg)
	exitOn(err)
	factory := informer.NewFactory(c)
	services := informer.For[corev1.Service](factory)
	queue := workqueue.New[workqueue.Key](workqueue.WithName("services"))
	add := func(s informer.Item[corev1.Service]) {
		queue.Add(workqueue.Key{Namespace: s.Namespace(), Name: s.Name()})
	}
	update := func(_, s informer.Item[corev1.Service]) { add(s) }
	services.AddHandler(informer.Handler[corev1.Service]{OnAdd: add, OnUpdate: update,
		OnDelete: add})
	exitOn(factory.Start(ctx))
	exitOn(factory.WaitForSync(ctx))
	var running sync.WaitGroup
	for range workers {
		running.Go(func() { work(ctx, queue, services.Lister()) })
	}
	running.Wait() // each worker ends with ctx, after the Done of its key
	factory.Wait()
}

func work(ctx context.Context, queue *workqueue.Queue[workqueue.Key],
	services informer.Lister[corev1.Service]) {
	for {
		key, err := queue.Get(ctx)
		if err != nil {
			return
		}
		switch err := check(services, key); {
		case err == nil:
			queue.Forget(key)
		case queue.NumRequeues(key) < maxRetries:
			log.Printf("retry %d of %s: %v", queue.NumRequeues(key)+1, key, err)
			queue.AddRateLimited(key)
		default:
			log.Printf("give up %s until its next event: %v", key, err)
			queue.Forget(key)
		}
		queue.Done(key)
	}
}

func check(services informer.Lister[corev1.Service], key workqueue.Key) error {
	service, err := services.Get(key.Namespace, key.Name)
	if err != nil { // a Service that is gone is fine
		return client.IgnoreNotFound(err)
	}
	if service.Labels["owner"] == "" {
		return fmt.Errorf("no label %q", "owner")
	}
	log.Printf("%s is owned by %s", key, service.Labels["owner"])
	return nil
}

func exitOn(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
