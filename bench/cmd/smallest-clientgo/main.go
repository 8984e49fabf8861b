// smallest-clientgo is examples/informer, written with client-go. It keeps a copy of all pods in
// memory, lists the copy when it is complete, and then prints changes until Ctrl-C. The bench
// builds both and compares the binaries.
//
//	go run ./cmd/smallest-clientgo [--kubeconfig FILE] [--namespace NAMESPACE]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"text/tabwriter"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

func main() {
	path := flag.String("kubeconfig", "", "kubeconfig `file` (default: $KUBECONFIG, ~/.kube/config, in-cluster)")
	namespace := flag.String("namespace", "", "the one `namespace` to follow (default: all)")
	flag.Parse()
	if err := run(*path, *namespace); err != nil {
		fmt.Fprintln(os.Stderr, "smallest-clientgo:", err)
		os.Exit(1)
	}
}

func run(path, namespace string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	cfg, err := load(path)
	if err != nil {
		return err
	}
	cfg.ContentType = runtime.ContentTypeProtobuf
	cfg.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}

	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(namespace))
	pods := factory.Core().V1().Pods()
	informer := pods.Informer()
	factory.Start(ctx.Done())
	defer factory.Shutdown() // ctx has ended by then, and everything ends with it
	defer stop()
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		return ctx.Err()
	}

	if err := printList(pods.Lister()); err != nil {
		return err
	}
	if _, err := informer.AddEventHandler(printer{}); err != nil {
		return err
	}
	fmt.Println("\nwatching; Ctrl-C ends it")
	<-ctx.Done()
	return nil
}

// load finds the configuration in the order that kubectl does, and then the cluster's own.
func load(path string) (*rest.Config, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = path
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
}

func printList(lister corelisters.PodLister) error {
	pods, err := lister.List(labels.Everything())
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintf(w, "NAMESPACE\tPOD\tPHASE\n")
	for _, pod := range pods {
		fmt.Fprintf(w, "%s\t%s\t%s\n", pod.Namespace, pod.Name, pod.Status.Phase)
	}
	fmt.Fprintf(w, "%d pods\n", len(pods))
	return w.Flush()
}

// printer is the handler.
type printer struct{}

func (printer) OnAdd(object any, initial bool) {
	if pod, ok := object.(*corev1.Pod); ok && !initial { // those were in the list
		fmt.Println("added   ", key(pod))
	}
}

func (printer) OnUpdate(old, new any) {
	was, ok := old.(*corev1.Pod)
	is, ok2 := new.(*corev1.Pod)
	if ok && ok2 {
		fmt.Println("changed ", key(is), was.Status.Phase, "->", is.Status.Phase)
	}
}

func (printer) OnDelete(last any) {
	if tombstone, ok := last.(cache.DeletedFinalStateUnknown); ok {
		last = tombstone.Obj
	}
	if pod, ok := last.(*corev1.Pod); ok {
		fmt.Println("deleted ", key(pod), "which was", pod.Status.Phase)
	}
}

func key(pod *corev1.Pod) string { return pod.Namespace + "/" + pod.Name }
