package discovery_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/skiff-k8s/skiff/discovery"
)

// Memory alone keeps its catalog for ever.
func TestMemoryDropsItselfWhenACustomResourceComes(t *testing.T) {
	c, ctx := connect(t), soon(t)
	d := discovery.NewMemory(discovery.New(c))
	watching, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := discovery.Watch(watching, c, d); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	defer wg.Wait()
	defer cancel()
	const group = "watched.skiff.example.com"
	served := func() error {
		catalog, err := d.Catalog(ctx)
		if catalog == nil || !slices.ContainsFunc(catalog.Groups, func(g discovery.Group) bool { return g.Name == group }) {
			return fmt.Errorf("it is not in the catalog: %v", err)
		}
		return nil
	}
	if err := served(); err == nil {
		t.Fatal("it is there already")
	}
	define(t, c, group, "yawls", "Yawl")
	poll(ctx, t, served)
}
