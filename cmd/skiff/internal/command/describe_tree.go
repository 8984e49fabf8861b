package command

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/cmd/skiff/internal/cli"
	"github.com/skiff-k8s/skiff/discovery"
	"github.com/skiff-k8s/skiff/kind"
)

const (
	// treeTimeout limits how long the owners and what is owned are looked for.
	treeTimeout = 15 * time.Second
	// treeRequests is how many lists are read at once.
	treeRequests = 8
	// treeHeight is how many owners above each other are followed, and treeSize how many objects are
	// printed: owner references may form a ring, and a Job may own thousands of Pods.
	treeHeight = 10
	treeSize   = 100
)

// A node is an object in the tree of owners.
type node struct {
	name   string // "pod/web"
	uid    types.UID
	owners []metav1.OwnerReference
}

// owners prints the tree from the object's outermost controller owner to all that it owns.
func (d *description) owners(ctx context.Context, u *unstructured.Unstructured) error {
	limited, cancel := context.WithTimeout(ctx, treeTimeout)
	defer cancel()
	self := node{cli.ObjectName(d.resource, u.GetName()), u.GetUID(), u.GetOwnerReferences()}
	above := d.above(limited, u.GetNamespace(), self)
	below, missing := d.below(limited, u.GetNamespace())
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if len(above) == 0 && len(below[self.uid]) == 0 && len(missing) == 0 {
		return nil
	}
	d.section("Owners")
	depth := 0
	for _, n := range slices.Backward(above) {
		d.branch(depth, n.name, "")
		depth++
	}
	d.branch(depth, self.name, " (this)")
	left := treeSize
	d.children(depth+1, self, below, map[types.UID]bool{self.uid: true}, &left)
	if left < 0 {
		fmt.Fprintf(d.out, "  %d more are not shown\n", -left)
	}
	if len(missing) > 0 {
		fmt.Fprintf(d.out, "  not looked at: %s\n", strings.Join(missing, ", "))
	}
	return nil
}

func (d *description) branch(depth int, name, note string) {
	line := "  "
	if depth > 0 {
		line += strings.Repeat("   ", depth-1) + "└─ "
	}
	fmt.Fprintln(d.out, line+name+note)
}

func (d *description) children(depth int, of node, below map[types.UID][]node,
	seen map[types.UID]bool, left *int) {
	for _, n := range below[of.uid] {
		if seen[n.uid] {
			continue
		}
		seen[n.uid] = true
		if *left--; *left >= 0 {
			d.branch(depth, n.name, "")
		}
		d.children(depth+1, n, below, seen, left)
	}
}

// above returns the owners of an object, the nearest first. An owner that cannot be read is the last.
func (d *description) above(ctx context.Context, namespace string, n node) []node {
	var owners []node
	for len(owners) < treeHeight {
		i := slices.IndexFunc(n.owners, func(r metav1.OwnerReference) bool {
			return r.Controller != nil && *r.Controller
		})
		if i < 0 && len(n.owners) == 0 {
			return owners
		}
		ref := n.owners[max(i, 0)]
		var err error
		if n, err = d.owner(ctx, namespace, ref); err != nil {
			why := "it cannot be read"
			if apierrors.IsNotFound(err) {
				why = "it is gone"
			}
			return append(owners, node{name: strings.ToLower(ref.Kind) + "/" + ref.Name + " (" + why + ")"})
		}
		owners = append(owners, n)
	}
	return owners
}

func (d *description) owner(
	ctx context.Context, namespace string, ref metav1.OwnerReference,
) (node, error) {
	gv, err := schema.ParseGroupVersion(ref.APIVersion)
	if err != nil {
		return node{}, err
	}
	disc, err := d.f.Discovery()
	if err != nil {
		return node{}, err
	}
	k, err := disc.ByGVK(ctx, gv.WithKind(ref.Kind))
	if err != nil {
		return node{}, err
	}
	if !k.Namespaced {
		namespace = ""
	}
	m, err := client.Metadata(d.client, k).In(namespace).Get(ctx, ref.Name, metav1.GetOptions{})
	if err != nil {
		return node{}, err
	}
	if m.UID != ref.UID {
		return node{}, apierrors.NewNotFound(k.GVR().GroupResource(), ref.Name)
	}
	return node{cli.ObjectName(discovery.Resource{Info: k}, m.Name), m.UID, m.OwnerReferences}, nil
}

// below returns what each object of the namespace owns, and the resources that could not be listed. ""
// is for cluster-scoped objects.
func (d *description) below(ctx context.Context, namespace string) (map[types.UID][]node, []string) {
	disc, err := d.f.Discovery()
	if err != nil {
		return nil, nil
	}
	catalog, _ := disc.Catalog(ctx)
	if catalog == nil {
		return nil, []string{"all resources"}
	}
	var mu sync.Mutex
	owned := map[types.UID][]node{}
	var missing []string
	var wg sync.WaitGroup
	slots := make(chan struct{}, treeRequests)
	for _, r := range catalog.Preferred() {
		if !r.Can("list") || r.Info.Namespaced != (namespace != "") || r.Info.Kind == "Event" {
			continue
		}
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			nodes, err := owning(ctx, client.Metadata(d.client, r.Info).In(namespace), r.Info)
			mu.Lock()
			defer mu.Unlock()
			if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsMethodNotSupported(err) {
				missing = append(missing, r.Info.GVR().GroupResource().String())
			}
			for _, n := range nodes {
				for _, ref := range n.owners {
					owned[ref.UID] = append(owned[ref.UID], n)
				}
			}
		})
	}
	wg.Wait()
	for _, nodes := range owned {
		slices.SortFunc(nodes, func(a, b node) int { return cmp.Compare(a.name, b.name) })
	}
	slices.Sort(missing)
	return owned, missing
}

// owning returns the objects of a resource that have owners.
func owning(ctx context.Context, c *client.Client[metav1.PartialObjectMetadata],
	k kind.Info) ([]node, error) {
	var nodes []node
	for m, err := range c.All(ctx, metav1.ListOptions{}) {
		if err != nil {
			return nodes, err
		}
		if len(m.OwnerReferences) > 0 {
			nodes = append(nodes, node{cli.ObjectName(discovery.Resource{Info: k}, m.Name), m.UID,
				m.OwnerReferences})
		}
	}
	return nodes, nil
}
