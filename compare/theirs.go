package compare

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes/scheme"
	appsv1client "k8s.io/client-go/kubernetes/typed/apps/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	rbacv1client "k8s.io/client-go/kubernetes/typed/rbac/v1"
	clientgometadata "k8s.io/client-go/metadata"
	clientgorest "k8s.io/client-go/rest"
)

// theirs is client-go on one server. Its clients are made of the packages that kubernetes.Clientset is
// made of, because making a whole Clientset for each of thousands of cases takes long.
type theirs struct {
	config  *clientgorest.Config
	core    *corev1client.CoreV1Client
	apps    *appsv1client.AppsV1Client
	rbac    *rbacv1client.RbacV1Client
	dynamic *dynamic.DynamicClient
}

func newTheirs(config *clientgorest.Config) (*theirs, error) {
	config = clientgorest.CopyConfig(config)
	if config.UserAgent == "" {
		config.UserAgent = clientgorest.DefaultKubernetesUserAgent() // as kubernetes.NewForConfig sets it
	}
	h, err := clientgorest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	c := &theirs{config: config}
	if c.core, err = corev1client.NewForConfigAndClient(config, h); err != nil {
		return nil, err
	}
	if c.apps, err = appsv1client.NewForConfigAndClient(config, h); err != nil {
		return nil, err
	}
	if c.rbac, err = rbacv1client.NewForConfigAndClient(config, h); err != nil {
		return nil, err
	}
	if c.dynamic, err = dynamic.NewForConfigAndClient(config, h); err != nil {
		return nil, err
	}
	return c, nil
}

// do makes the call, and returns what the library returns: an object, a list, events, bytes or nil.
func (c *theirs) do(ctx context.Context, o operation) (any, error) {
	switch o.layer {
	case typed:
		return c.typed(ctx, o)
	case untyped:
		return c.untyped(ctx, o)
	case metadata:
		return c.metadata(ctx, o)
	case raw:
		return c.raw(ctx, o)
	}
	panic("compare: layer " + o.layer)
}

// theirTyped is what the clients of a clientset have in common.
type theirTyped[T, L any] interface {
	Create(context.Context, *T, metav1.CreateOptions) (*T, error)
	Update(context.Context, *T, metav1.UpdateOptions) (*T, error)
	Delete(context.Context, string, metav1.DeleteOptions) error
	DeleteCollection(context.Context, metav1.DeleteOptions, metav1.ListOptions) error
	Get(context.Context, string, metav1.GetOptions) (*T, error)
	List(context.Context, metav1.ListOptions) (*L, error)
	Watch(context.Context, metav1.ListOptions) (watch.Interface, error)
	Patch(context.Context, string, types.PatchType, []byte, metav1.PatchOptions, ...string) (*T, error)
}

func (c *theirs) typed(ctx context.Context, o operation) (any, error) {
	switch o.on {
	case pods:
		return typedCall[corev1.Pod, corev1.PodList](ctx, c.core.Pods(o.namespace), o)
	case configMaps:
		return typedCall[corev1.ConfigMap, corev1.ConfigMapList](ctx, c.core.ConfigMaps(o.namespace), o)
	case nodes:
		return typedCall[corev1.Node, corev1.NodeList](ctx, c.core.Nodes(), o)
	case deployments:
		return typedCall[appsv1.Deployment, appsv1.DeploymentList](ctx, c.apps.Deployments(o.namespace), o)
	case clusterRoles:
		return typedCall[rbacv1.ClusterRole, rbacv1.ClusterRoleList](ctx, c.rbac.ClusterRoles(), o)
	}
	panic(fmt.Sprintf("compare: no typed client of %s", o.on))
}

func typedCall[T, L any](ctx context.Context, c theirTyped[T, L], o operation) (any, error) {
	obj := new(T)
	if o.object != "" {
		o.into(obj)
	}
	switch o.verb {
	case get:
		return c.Get(ctx, o.name, o.get)
	case list:
		return c.List(ctx, o.list)
	case watching:
		return theirEvents(c.Watch(ctx, o.list))
	case create:
		return c.Create(ctx, obj, o.create)
	case update:
		return c.Update(ctx, obj, o.update)
	case updateStatus:
		return c.(interface {
			UpdateStatus(context.Context, *T, metav1.UpdateOptions) (*T, error)
		}).UpdateStatus(ctx, obj, o.update)
	case patch:
		return c.Patch(ctx, o.name, o.patchType, []byte(o.patch), o.patchO, o.sub...)
	case remove:
		return nil, c.Delete(ctx, o.name, o.remove)
	case deleteCollection:
		return nil, c.DeleteCollection(ctx, o.remove, o.list)
	}
	panic("compare: typed " + o.verb)
}

func (c *theirs) untyped(ctx context.Context, o operation) (any, error) {
	var r dynamic.ResourceInterface = c.dynamic.Resource(o.on.GVR())
	if o.namespace != "" {
		r = c.dynamic.Resource(o.on.GVR()).Namespace(o.namespace)
	}
	switch o.verb {
	case get:
		return r.Get(ctx, o.name, o.get, o.sub...)
	case list:
		return r.List(ctx, o.list)
	case watching:
		return theirEvents(r.Watch(ctx, o.list))
	case create:
		return r.Create(ctx, o.unstructured(), o.create, o.sub...)
	case update:
		return r.Update(ctx, o.unstructured(), o.update, o.sub...)
	case updateStatus:
		return r.UpdateStatus(ctx, o.unstructured(), o.update)
	case patch:
		return r.Patch(ctx, o.name, o.patchType, []byte(o.patch), o.patchO, o.sub...)
	case apply:
		return r.Apply(ctx, o.name, o.unstructured(), o.apply, o.sub...)
	case remove:
		return nil, r.Delete(ctx, o.name, o.remove)
	case deleteCollection:
		return nil, r.DeleteCollection(ctx, o.remove, o.list)
	}
	panic("compare: dynamic " + o.verb)
}

func (c *theirs) metadata(ctx context.Context, o operation) (any, error) {
	client, err := clientgometadata.NewForConfig(c.config)
	if err != nil {
		return nil, err
	}
	var r clientgometadata.ResourceInterface = client.Resource(o.on.GVR())
	if o.namespace != "" {
		r = client.Resource(o.on.GVR()).Namespace(o.namespace)
	}
	switch o.verb {
	case get:
		return r.Get(ctx, o.name, o.get, o.sub...)
	case list:
		return r.List(ctx, o.list)
	case watching:
		return theirEvents(r.Watch(ctx, o.list))
	case patch:
		return r.Patch(ctx, o.name, o.patchType, []byte(o.patch), o.patchO, o.sub...)
	case remove:
		return nil, r.Delete(ctx, o.name, o.remove)
	case deleteCollection:
		return nil, r.DeleteCollection(ctx, o.remove, o.list)
	}
	panic("compare: metadata " + o.verb)
}

// restClient returns the RESTClient of a group version.
func (c *theirs) restClient(o operation) clientgorest.Interface {
	switch o.on.Group {
	case "":
		return c.core.RESTClient()
	case "apps":
		return c.apps.RESTClient()
	case "rbac.authorization.k8s.io":
		return c.rbac.RESTClient()
	}
	panic(fmt.Sprintf("compare: no RESTClient of %s", o.on))
}

func (c *theirs) raw(ctx context.Context, o operation) (any, error) {
	rest := c.restClient(o)
	r := map[verb]func() *clientgorest.Request{
		get: rest.Get, list: rest.Get, create: rest.Post, update: rest.Put, remove: rest.Delete,
		deleteCollection: rest.Delete, patch: func() *clientgorest.Request { return rest.Patch(o.patchType) },
	}[o.verb]().NamespaceIfScoped(o.namespace, o.namespace != "").Resource(o.on.Resource)
	if o.verb != list && o.verb != create && o.verb != deleteCollection {
		r = r.Name(o.name)
	}
	r = r.SubResource(o.sub...)
	switch o.verb {
	case get:
		r = r.VersionedParams(&o.get, scheme.ParameterCodec)
	case list:
		r = r.VersionedParams(&o.list, scheme.ParameterCodec)
	case create:
		r = r.VersionedParams(&o.create, scheme.ParameterCodec).SetHeader("Content-Type", "application/json").Body([]byte(o.object))
	case update:
		r = r.VersionedParams(&o.update, scheme.ParameterCodec).SetHeader("Content-Type", "application/json").Body([]byte(o.object))
	case patch:
		r = r.VersionedParams(&o.patchO, scheme.ParameterCodec).Body([]byte(o.patch))
	case remove:
		r = r.Body(&o.remove)
	case deleteCollection:
		r = r.VersionedParams(&o.list, scheme.ParameterCodec).Body(&o.remove)
	}
	if o.verb == get {
		return r.DoRaw(ctx)
	}
	result := r.Do(ctx)
	if err := result.Error(); err != nil {
		return nil, err
	}
	return result.Raw()
}

// theirEvents reads a watch to its end. An event of type ERROR is returned as the error that
// apierrors.FromObject makes of it, as users of client-go do.
func theirEvents(w watch.Interface, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	defer w.Stop()
	events := []event{}
	for e := range w.ResultChan() {
		if e.Type == watch.Error {
			return events, apierrors.FromObject(e.Object)
		}
		events = append(events, event{e.Type, e.Object})
	}
	return events, nil
}
