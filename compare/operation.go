package compare

import (
	"encoding/json"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/skiff-k8s/skiff/kind"
)

// layer is one of the clients that both libraries have.
type layer string

const (
	typed    layer = "typed"    // kubernetes.Clientset; client.Of
	untyped  layer = "dynamic"  // package dynamic of both
	metadata layer = "metadata" // metadata.Interface; client.Metadata
	raw      layer = "REST"     // rest.RESTClient; rest.Request
)

// verb is what an operation does.
type verb string

const (
	get              verb = "get"
	list             verb = "list"
	watching         verb = "watch"
	create           verb = "create"
	update           verb = "update"
	updateStatus     verb = "update status"
	patch            verb = "patch"
	apply            verb = "apply"
	remove           verb = "delete"
	deleteCollection verb = "deletecollection"
)

// operation is a call that can be made with either library.
type operation struct {
	layer     layer
	verb      verb
	on        kind.Info
	namespace string
	name      string
	sub       []string // the path of a subresource
	object    string   // what create, update and apply send, as JSON
	patchType types.PatchType
	patch     string

	get    metav1.GetOptions
	list   metav1.ListOptions
	create metav1.CreateOptions
	update metav1.UpdateOptions
	patchO metav1.PatchOptions
	apply  metav1.ApplyOptions
	remove metav1.DeleteOptions
}

// String returns the operation as a line of a table.
func (o operation) String() string {
	s := fmt.Sprintf("%s %s %s", o.layer, o.verb, o.on.Resource)
	if len(o.sub) > 0 {
		s += "/" + strings.Join(o.sub, "/")
	}
	if o.verb == patch {
		s += " (" + string(o.patchType) + ")"
	}
	return s
}

// into decodes the operation's object.
func (o operation) into(obj any) {
	if err := json.Unmarshal([]byte(o.object), obj); err != nil {
		panic(fmt.Sprintf("compare: the object of %s: %v", o, err)) // the tables are wrong
	}
}

func (o operation) unstructured() *unstructured.Unstructured {
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON([]byte(o.object)); err != nil {
		panic(fmt.Sprintf("compare: the object of %s: %v", o, err)) // the tables are wrong
	}
	return u
}

// event is a change that a watch has brought.
type event struct {
	Type   watch.EventType
	Object any
}

// resources are the kinds that the tables use: of the core group and of another one, namespaced and
// not, with names of all forms, and a custom resource.
var (
	pods         = builtIn("", "v1", "pods")
	configMaps   = builtIn("", "v1", "configmaps")
	nodes        = builtIn("", "v1", "nodes")
	deployments  = builtIn("apps", "v1", "deployments")
	clusterRoles = builtIn("rbac.authorization.k8s.io", "v1", "clusterroles")
	cronTabs     = kind.Info{Group: "stable.example.com", Version: "v1", Kind: "CronTab", Resource: "crontabs", Namespaced: true}
)

var resources = []kind.Info{pods, configMaps, nodes, deployments, clusterRoles, cronTabs}

func builtIn(group, version, resource string) kind.Info {
	for k := range kind.All() {
		if k.Group == group && k.Version == version && k.Resource == resource {
			return k
		}
	}
	panic("compare: no built-in resource " + resource)
}
