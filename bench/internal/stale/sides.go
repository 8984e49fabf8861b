package stale

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientinformers "k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	corelisters "k8s.io/client-go/listers/core/v1"
	clientrest "k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	clientqueue "k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	ctrlcache "sigs.k8s.io/controller-runtime/pkg/cache"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	skiffclient "github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/rest"
)

// side is a stack under which the controller runs. run runs it, with one worker, on the objects of a
// namespace of the server at url, until ctx ends.
type side struct {
	name string
	run  func(ctx context.Context, url, namespace string) error
}

var sides = []side{
	{"client-go: informers, lister and workqueue", runClientGo},
	{"controller-runtime", func(ctx context.Context, url, namespace string) error {
		return runControllerRuntime(ctx, url, namespace, false)
	}},
	{"controller-runtime, EnableReadYourWritesConsistency", func(ctx context.Context, url, namespace string) error {
		return runControllerRuntime(ctx, url, namespace, true)
	}},
	{"skiff", runSkiff},
}

// A skiffSide is a client by skiff.
type skiffSide struct {
	parents  informer.Lister[corev1.ConfigMap]
	children informer.Lister[corev1.Secret]
	secrets  *skiffclient.Client[corev1.Secret]
}

func runSkiff(ctx context.Context, url, namespace string) error {
	c, err := rest.NewClient(&rest.Config{Host: url})
	if err != nil {
		return err
	}
	defer c.CloseIdleConnections()
	factory := informer.NewFactory(c)
	parents := informer.For[corev1.ConfigMap](factory, informer.Namespace(namespace))
	children := informer.For[corev1.Secret](factory, informer.Namespace(namespace))
	s := &skiffSide{parents.Lister(), children.Lister(), skiffclient.Of[corev1.Secret](c).In(namespace)}
	err = controller.Run(ctx, factory, controller.New("children",
		func(ctx context.Context, key controller.Key) (controller.Result, error) {
			return controller.Result{}, reconcile(ctx, s, key.Namespace, key.Name)
		}, controller.For(parents), controller.Owns(children), controller.Workers(1)))
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func (s *skiffSide) read(_ context.Context, namespace, name string) (*corev1.ConfigMap, []*corev1.Secret, error) {
	parent, err := s.parents.Get(namespace, name)
	if err != nil {
		return nil, nil, err
	}
	children, err := s.children.List(informer.Query{Namespace: namespace, Labels: childrenOf(name)})
	return parent, children, err
}

func (s *skiffSide) create(ctx context.Context, child *corev1.Secret) error {
	_, err := s.secrets.Create(ctx, child, metav1.CreateOptions{})
	return err
}

func (s *skiffSide) delete(ctx context.Context, child *corev1.Secret) error {
	return s.secrets.Delete(ctx, child.Name, metav1.DeleteOptions{})
}

// A clientGoSide is a client by client-go.
type clientGoSide struct {
	parents  corelisters.ConfigMapLister
	children corelisters.SecretLister
	client   kubernetes.Interface
}

func runClientGo(ctx context.Context, url, namespace string) error {
	c, err := kubernetes.NewForConfig(&clientrest.Config{Host: url, QPS: -1})
	if err != nil {
		return err
	}
	factory := clientinformers.NewSharedInformerFactoryWithOptions(c, 0, clientinformers.WithNamespace(namespace))
	parents, children := factory.Core().V1().ConfigMaps(), factory.Core().V1().Secrets()
	queue := clientqueue.NewTypedRateLimitingQueue(clientqueue.DefaultTypedControllerRateLimiter[string]())
	handle := func(nameOf func(metav1.Object) string) cache.ResourceEventHandlerFuncs {
		add := func(o any) {
			if gone, ok := o.(cache.DeletedFinalStateUnknown); ok {
				o = gone.Obj
			}
			if name := nameOf(o.(metav1.Object)); name != "" {
				queue.Add(name)
			}
		}
		return cache.ResourceEventHandlerFuncs{AddFunc: add, UpdateFunc: func(_, o any) { add(o) }, DeleteFunc: add}
	}
	_, err = parents.Informer().AddEventHandler(handle(metav1.Object.GetName))
	_, err2 := children.Informer().AddEventHandler(handle(func(o metav1.Object) string {
		if owner := metav1.GetControllerOf(o); owner != nil {
			return owner.Name
		}
		return ""
	}))
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	factory.Start(ctx.Done())
	defer factory.Shutdown()
	cache.WaitForCacheSync(ctx.Done(), parents.Informer().HasSynced, children.Informer().HasSynced)
	s := &clientGoSide{parents.Lister(), children.Lister(), c}
	var worker sync.WaitGroup
	defer worker.Wait()
	worker.Go(func() {
		for {
			name, shut := queue.Get()
			if shut {
				return
			}
			if err := reconcile(ctx, s, namespace, name); err != nil {
				queue.AddRateLimited(name)
			} else {
				queue.Forget(name)
			}
			queue.Done(name)
		}
	})
	<-ctx.Done()
	queue.ShutDown()
	return nil
}

func (s *clientGoSide) read(_ context.Context, namespace, name string) (*corev1.ConfigMap, []*corev1.Secret, error) {
	parent, err := s.parents.ConfigMaps(namespace).Get(name)
	if err != nil {
		return nil, nil, err
	}
	children, err := s.children.Secrets(namespace).List(childrenOf(name))
	return parent, children, err
}

func (s *clientGoSide) create(ctx context.Context, child *corev1.Secret) error {
	_, err := s.client.CoreV1().Secrets(child.Namespace).Create(ctx, child, metav1.CreateOptions{})
	return err
}

func (s *clientGoSide) delete(ctx context.Context, child *corev1.Secret) error {
	return s.client.CoreV1().Secrets(child.Namespace).Delete(ctx, child.Name, metav1.DeleteOptions{})
}

// A runtimeSide is a client by controller-runtime.
type runtimeSide struct{ client ctrlclient.Client }

func runControllerRuntime(ctx context.Context, url, namespace string, readYourWrites bool) error {
	ctrl.SetLogger(logr.Discard())
	yes := true
	m, err := ctrl.NewManager(&clientrest.Config{Host: url, QPS: -1}, ctrl.Options{
		Scheme:     clientgoscheme.Scheme,
		Metrics:    server.Options{BindAddress: "0"},
		Cache:      ctrlcache.Options{DefaultNamespaces: map[string]ctrlcache.Config{namespace: {}}},
		Client:     ctrlclient.Options{Cache: &ctrlclient.CacheOptions{EnableReadYourWritesConsistency: &readYourWrites}},
		Controller: config.Controller{SkipNameValidation: &yes}, // each side of a run has one of the name
	})
	if err != nil {
		return err
	}
	s := &runtimeSide{m.GetClient()}
	err = ctrl.NewControllerManagedBy(m).Named("children").For(&corev1.ConfigMap{}).Owns(&corev1.Secret{}).Complete(
		reconcileFunc(func(ctx context.Context, r ctrl.Request) (ctrl.Result, error) {
			return ctrl.Result{}, reconcile(ctx, s, r.Namespace, r.Name)
		}))
	if err != nil {
		return fmt.Errorf("build the controller: %w", err)
	}
	return m.Start(ctx)
}

type reconcileFunc func(ctx context.Context, r ctrl.Request) (ctrl.Result, error)

func (f reconcileFunc) Reconcile(ctx context.Context, r ctrl.Request) (ctrl.Result, error) {
	return f(ctx, r)
}

func (s *runtimeSide) read(ctx context.Context, namespace, name string) (*corev1.ConfigMap, []*corev1.Secret, error) {
	parent := new(corev1.ConfigMap)
	if err := s.client.Get(ctx, ctrlclient.ObjectKey{Namespace: namespace, Name: name}, parent); err != nil {
		return nil, nil, err
	}
	var list corev1.SecretList
	err := s.client.List(ctx, &list, ctrlclient.InNamespace(namespace), ctrlclient.MatchingLabelsSelector{Selector: childrenOf(name)})
	children := make([]*corev1.Secret, len(list.Items))
	for i := range list.Items {
		children[i] = &list.Items[i]
	}
	return parent, children, err
}

func (s *runtimeSide) create(ctx context.Context, child *corev1.Secret) error {
	return s.client.Create(ctx, child)
}

func (s *runtimeSide) delete(ctx context.Context, child *corev1.Secret) error {
	return s.client.Delete(ctx, child)
}
