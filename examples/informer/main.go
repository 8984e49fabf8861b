// informer keeps a copy of all pods in memory: it lists the copy when it is complete, and then
// prints what changes until Ctrl-C.
//
//	go run ./examples/informer [--kubeconfig FILE] [--namespace NAMESPACE]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

func main() {
	path := flag.String("kubeconfig", "",
		"kubeconfig `file` (default: $KUBECONFIG, ~/.kube/config, in-cluster)")
	namespace := flag.String("namespace", "", "the one `namespace` to follow (default: all)")
	flag.Parse()
	if err := run(*path, *namespace); err != nil {
		fmt.Fprintln(os.Stderr, "informer:", err)
		os.Exit(1)
	}
}

func run(path, namespace string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	cfg, err := kubeconfig.Load(path)
	if err != nil {
		return err
	}
	c, err := rest.NewClient(cfg)
	if err != nil {
		return err
	}

	factory := informer.NewFactory(c, informer.Namespace(namespace))
	pods := informer.For[corev1.Pod](factory)
	if err := factory.Start(ctx); err != nil {
		return err
	}
	defer factory.Wait() // ctx has ended by then, and everything ends with it
	defer stop()
	if err := factory.WaitForSync(ctx); err != nil {
		return err
	}

	if err := printList(pods.Lister()); err != nil {
		return err
	}
	pods.AddHandler(informer.Handler[corev1.Pod]{
		OnAdd: func(pod informer.Item[corev1.Pod]) {
			if !pod.Initial() { // those were in the list
				fmt.Println("added   ", pod.Key())
			}
		},
		OnUpdate: func(old, new informer.Item[corev1.Pod]) {
			fmt.Println("changed ", new.Key(), phase(old), "->", phase(new))
		},
		OnDelete: func(last informer.Item[corev1.Pod]) {
			fmt.Println("deleted ", last.Key(), "which was", phase(last))
		},
	})
	fmt.Println("\nwatching; Ctrl-C ends it")
	<-ctx.Done()
	return nil
}

func printList(lister informer.Lister[corev1.Pod]) error {
	pods, err := lister.List(informer.Query{})
	if err != nil {
		return err
	}
	const row = "%-20s %-48s %v\n"
	fmt.Printf(row, "NAMESPACE", "POD", "PHASE")
	for _, pod := range pods {
		fmt.Printf(row, pod.Namespace, pod.Name, pod.Status.Phase)
	}
	fmt.Printf("%d pods\n", len(pods))
	return nil
}

// phase reads what an item's metadata does not say, so it decodes the pod.
func phase(item informer.Item[corev1.Pod]) string {
	pod, err := item.Object()
	if err != nil {
		return err.Error()
	}
	return string(pod.Status.Phase)
}
