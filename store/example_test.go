package store_test

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/skiff-k8s/skiff/store"
	"github.com/skiff-k8s/skiff/wire"
)

func pod(name, node string) wire.Object {
	return wire.Object{
		Format: wire.JSON, APIVersion: "v1", Kind: "Pod",
		Meta: wire.Meta{
			Namespace: "default", Name: name, ResourceVersion: "1",
			Labels: wire.NewLabels(wire.Label{Key: "app", Value: "web"}),
		},
		Data: fmt.Appendf(nil, `{"metadata":{"name":%q,"annotations":{"node":%q}}}`, name, node),
	}
}

func Example() {
	s := store.New(store.Options{})
	s.Set(pod("web-0", "a"))
	s.Set(pod("web-1", "b"))
	now, was := s.Set(pod("web-1", "c")) // the object has changed

	node, _ := was.Annotation("node")
	fmt.Println(now.Key(), "was on node", node)

	var names []string
	for item := range s.Select("default", labels.SelectorFromSet(labels.Set{"app": "web"})) {
		names = append(names, item.Name())
	}
	slices.Sort(names)
	fmt.Println(names)

	item, _ := s.Get("default/web-0")
	err := item.Use(func(o wire.Object) error {
		_, err := fmt.Printf("%s\n", o.Data)
		return err
	})
	fmt.Println(err)
	// Output:
	// default/web-1 was on node b
	// [web-0 web-1]
	// {"metadata":{"name":"web-0","annotations":{"node":"a"}}}
	// <nil>
}

func ExampleStore_AddIndex() {
	s := store.New(store.Options{})
	s.Set(pod("web-0", "a"))
	err := s.AddIndex("node", func(i store.Item) []string {
		node, _ := i.Annotation("node")
		return []string{node}
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	s.Set(pod("web-1", "a"))
	items, err := s.ByIndex("node", "a")
	fmt.Println(len(items), err)
	_, err = s.ByIndex("zone", "west")
	fmt.Println(err)
	// Output:
	// 2 <nil>
	// store: look up index "zone": it is none of ["namespace" "owner" "node"]; add it with AddIndex first
}
