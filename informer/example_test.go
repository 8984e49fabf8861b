package informer_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/workqueue"
)

// configMaps serves a list of one ConfigMap, and a watch that sends nothing until the client leaves.
func configMaps(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	switch q := r.URL.Query(); {
	case q.Get("sendInitialEvents") == "true": // as a server without streamed lists
		w.WriteHeader(http.StatusUnprocessableEntity)
	case q.Get("watch") == "true":
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	default:
		_, _ = io.WriteString(w, `{"kind":"ConfigMapList","apiVersion":"v1",
			"metadata":{"resourceVersion":"7"},"items":[{"metadata":{"namespace":"shop","name":"web",
			"uid":"1","resourceVersion":"7"},"data":{"greeting":"hello"}}]}`)
	}
}

// A program adds handlers, runs the factory in a goroutine, and reads the cache when it is in sync.
func Example() {
	server := httptest.NewServer(http.HandlerFunc(configMaps))
	defer server.Close()
	c, err := rest.NewClient(&rest.Config{Host: server.URL})
	if err != nil {
		fmt.Println(err)
		return
	}
	factory := informer.NewFactory(c, informer.JSON())
	maps := informer.For[corev1.ConfigMap](factory)
	handler := maps.AddHandler(informer.Handler[corev1.ConfigMap]{
		OnAdd: func(item informer.Item[corev1.ConfigMap]) { fmt.Println("added", item.Key()) },
	})

	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- factory.Run(ctx) }()
	if err := maps.WaitForSync(ctx); err != nil {
		fmt.Println(err)
	}
	<-handler.Synced() // only for the order of the output
	list, err := maps.Lister().List(informer.Query{Namespace: "shop"})
	for _, cm := range list {
		fmt.Println(cm.Name, "has the greeting", cm.Data["greeting"])
	}
	stop()
	fmt.Println(err, <-ended)
	// Output:
	// added shop/web
	// web has the greeting hello
	// <nil> <nil>
}

// exampleServer has three Pods on two nodes.
func exampleServer(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	for i, node := range []string{"a", "b", "a"} {
		_, _ = fmt.Fprintf(w, `{"type":"ADDED","object":{"kind":"Pod","apiVersion":"v1",
			"metadata":{"namespace":"default","name":"web-%d","uid":"%d","resourceVersion":"%d","labels":{"app":"web"}},
			"spec":{"nodeName":"node-%s","containers":[{"name":"main","image":"web:1.%d","env":[{"name":"A","value":"1"}]}]}}}`, i, i, i+1, node, i)
	}
	_, _ = io.WriteString(w, `{"type":"BOOKMARK","object":{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"3","annotations":{"k8s.io/initial-events-end":"true"}}}}`)
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

// examplePods is a cache of the example's Pods.
func examplePods(opts ...informer.Option) (pods *informer.Informer[corev1.Pod], stop func()) {
	server := httptest.NewServer(http.HandlerFunc(exampleServer))
	c, err := rest.NewClient(&rest.Config{Host: server.URL})
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	factory := informer.NewFactory(c, opts...)
	pods = informer.For[corev1.Pod](factory)
	if err := factory.Start(ctx); err != nil {
		panic(err)
	}
	if err := factory.WaitForSync(ctx); err != nil {
		panic(err)
	}
	return pods, func() {
		cancel()
		factory.Wait()
		server.Close()
	}
}

// A loop that only looks takes no copies.
func ExampleLister_Views() {
	pods, stop := examplePods(informer.KeepDecoded())
	defer stop()
	images := map[string]int{}
	err := pods.Lister().Views(informer.Query{Namespace: "default"}, func(pod *corev1.Pod) error {
		images[pod.Spec.Containers[0].Image]++
		return nil
	})
	fmt.Println(images, err)
	// Output: map[web:1.0:1 web:1.1:1 web:1.2:1] <nil>
}

func ExampleItem_Partial() {
	pods, stop := examplePods()
	defer stop()
	fields := informer.MustFields[corev1.Pod]("spec.nodeName", "spec.containers[*].image") // once
	item, _ := pods.Lister().Item("default", "web-1")
	pod, err := item.Partial(fields)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(item.Name(), pod.Spec.NodeName, pod.Spec.Containers[0].Image, len(pod.Spec.Containers[0].Env))
	// Output: web-1 node-b web:1.1 0
}

// A handler adds keys to a work queue, and adds them again every ten hours.
func ExampleInformer_AddHandler() {
	pods, stop := examplePods()
	defer stop()
	queue := workqueue.New[workqueue.Key]()
	add := func(pod informer.Item[corev1.Pod]) {
		queue.Add(workqueue.Key{Namespace: pod.Namespace(), Name: pod.Name()})
	}
	registration := pods.AddHandler(informer.Handler[corev1.Pod]{
		OnAdd:    add,
		OnUpdate: func(_, pod informer.Item[corev1.Pod]) { add(pod) },
		OnDelete: add,
	}, informer.Resync(10*time.Hour))
	<-registration.Synced() // OnAdd has returned for every Pod of the cache
	fmt.Println(queue.Len())
	// Output: 3
}

func ExampleInformer_AddFieldIndex() {
	pods, stop := examplePods()
	defer stop()
	if err := pods.AddFieldIndex("node", "spec.nodeName"); err != nil {
		fmt.Println(err)
		return
	}
	onNode, err := pods.Lister().Len(informer.Query{Index: "node", Value: "node-a"})
	fmt.Println(onNode, err)
	// Output: 2 <nil>
}

func ExampleDrop() {
	pods, stop := examplePods(informer.Drop("spec.containers[*].env"))
	defer stop()
	pod, err := pods.Lister().ByKey("default/web-0")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(pod.Spec.Containers[0].Image, pod.Spec.Containers[0].Env)
	// Output: web:1.0 []
}
