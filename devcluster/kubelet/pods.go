package kubelet

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/skiff-k8s/skiff/devcluster/internal/cluster"
	"github.com/skiff-k8s/skiff/devcluster/internal/script"
)

// podNetwork holds the addresses of the pods.
var podNetwork = netip.MustParsePrefix("10.244.0.0/16")

// pods runs the pods of the cluster. Its methods are safe for concurrent use.
type pods struct {
	client kubernetes.Interface
	root   string
	life   context.Context
	wg     sync.WaitGroup // the pods' goroutines

	mu     sync.Mutex // guards the fields below
	byUID  map[types.UID]*pod
	lastIP netip.Addr
}

// pod is a pod that runs here.
type pod struct {
	uid             types.UID
	namespace, name string
	spec            corev1.PodSpec
	ip              netip.Addr
	network         script.Network
	started         metav1.Time
	life            context.Context
	stop            context.CancelFunc // ends its containers
	ended           chan struct{}      // closed when they have ended
	changed         chan struct{}      // the status has to be written; holds one
	containers      []*container
}

func newPods(life context.Context, client kubernetes.Interface, root string) *pods {
	return &pods{
		client: client, root: root, life: life,
		byUID: map[types.UID]*pod{}, lastIP: podNetwork.Addr(),
	}
}

// run watches all pods until ctx ends.
func (p *pods) run(ctx context.Context) error {
	watch := cache.NewListWatchFromClient(p.client.CoreV1().RESTClient(), "pods", metav1.NamespaceAll, everything)
	_, controller := cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: watch,
		ObjectType:    new(corev1.Pod),
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc:    func(o any) { p.sync(ctx, o.(*corev1.Pod)) },
			UpdateFunc: func(_, o any) { p.sync(ctx, o.(*corev1.Pod)) },
			DeleteFunc: func(o any) {
				if gone, ok := o.(cache.DeletedFinalStateUnknown); ok {
					o = gone.Obj
				}
				if gone, ok := o.(*corev1.Pod); ok {
					p.remove(gone.UID)
				}
			},
		},
	})
	controller.RunWithContext(ctx)
	return nil
}

// wait returns when all containers have ended.
func (p *pods) wait() { p.wg.Wait() }

// sync does what a pod's next step is.
func (p *pods) sync(ctx context.Context, o *corev1.Pod) {
	switch {
	case o.Spec.NodeName == "" && o.DeletionTimestamp == nil && len(o.Spec.SchedulingGates) == 0:
		p.bind(ctx, o)
	case o.Spec.NodeName != cluster.NodeName:
	case o.DeletionTimestamp != nil:
		p.terminate(ctx, o)
	case o.Status.Phase == corev1.PodSucceeded || o.Status.Phase == corev1.PodFailed:
	default:
		p.start(o)
	}
}

// bind does what the scheduler would do, of which there is none.
func (p *pods) bind(ctx context.Context, o *corev1.Pod) {
	err := p.client.CoreV1().Pods(o.Namespace).Bind(ctx, &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{Namespace: o.Namespace, Name: o.Name, UID: o.UID},
		Target:     corev1.ObjectReference{Kind: "Node", Name: cluster.NodeName},
	}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) && ctx.Err() == nil {
		klog.ErrorS(err, "binding a pod failed; its next change tries again", "pod", klog.KObj(o))
	}
}

// start runs a pod that is new here.
func (p *pods) start(o *corev1.Pod) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byUID[o.UID] != nil || p.life.Err() != nil {
		return
	}
	p.lastIP = p.lastIP.Next()
	if !podNetwork.Contains(p.lastIP) {
		p.lastIP = podNetwork.Addr().Next()
	}
	q := &pod{
		uid: o.UID, namespace: o.Namespace, name: o.Name, spec: o.Spec, ip: p.lastIP,
		started: metav1.Now(), ended: make(chan struct{}), changed: make(chan struct{}, 1),
	}
	q.life, q.stop = context.WithCancel(p.life)
	for i := range o.Spec.InitContainers {
		q.containers = append(q.containers, newContainer(q, &o.Spec.InitContainers[i], true, p.root))
	}
	for i := range o.Spec.Containers {
		q.containers = append(q.containers, newContainer(q, &o.Spec.Containers[i], false, p.root))
	}
	p.byUID[o.UID] = q
	p.wg.Go(func() { p.report(q) })
	p.wg.Go(func() {
		defer close(q.ended)
		defer q.change()
		q.run()
	})
}

// run runs the init containers in their order, and then the others at once.
func (q *pod) run() {
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, c := range q.containers {
		if !c.init {
			wg.Go(c.run)
			continue
		}
		if c.run(); c.code() != 0 {
			return
		}
	}
}

// change has the status written.
func (q *pod) change() {
	select {
	case q.changed <- struct{}{}:
	default:
	}
}

// terminate ends a pod that is being deleted, and then deletes it.
func (p *pods) terminate(ctx context.Context, o *corev1.Pod) {
	p.mu.Lock()
	q := p.byUID[o.UID]
	p.mu.Unlock()
	var ended <-chan struct{}
	if q != nil {
		q.stop()
		ended = q.ended
	}
	p.wg.Go(func() {
		if ended != nil {
			<-ended
		}
		err := p.client.CoreV1().Pods(o.Namespace).Delete(ctx, o.Name, metav1.DeleteOptions{
			GracePeriodSeconds: new(int64(0)),
			Preconditions:      metav1.NewUIDPreconditions(string(o.UID)),
		})
		if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) && ctx.Err() == nil {
			klog.ErrorS(err, "deleting a pod failed; its next change tries again", "pod", klog.KObj(o))
		}
	})
}

// remove forgets a pod that does not exist any more.
func (p *pods) remove(uid types.UID) {
	p.mu.Lock()
	q := p.byUID[uid]
	delete(p.byUID, uid)
	p.mu.Unlock()
	if q == nil {
		return
	}
	q.stop()
	p.wg.Go(func() {
		<-q.ended
		for _, c := range q.containers {
			c.removeLogs()
		}
	})
}

// find returns the running pod of a name.
func (p *pods) find(namespace, name string) (*pod, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, q := range p.byUID {
		if q.namespace == namespace && q.name == name {
			return q, nil
		}
	}
	return nil, fmt.Errorf("pod %q does not exist", name)
}

// byIP returns the pod with an address, or nil.
func (p *pods) byIP(ip netip.Addr) *pod {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, q := range p.byUID {
		if q.ip == ip {
			return q
		}
	}
	return nil
}

// container returns a container of the pod.
func (q *pod) container(name string) (*container, error) {
	for _, c := range q.containers {
		if c.spec.Name == name {
			return c, nil
		}
	}
	return nil, fmt.Errorf("container %q not found in pod %q", name, q.name)
}

// retryStatus is how long a status that could not be written waits.
const retryStatus = time.Second
