package seed

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
)

// kinds are the keys of a seed's objects. Every cluster of one version has the same ones. What is of
// one cluster is missing: the API server's lease, and the ConfigMap
// extension-apiserver-authentication, to whose authorities each API server adds its own.
var kinds = []string{
	"/registry/apiregistration.k8s.io/apiservices/",
	"/registry/clusterrolebindings/",
	"/registry/clusterroles/",
	"/registry/flowschemas/",
	"/registry/namespaces/",
	"/registry/priorityclasses/",
	"/registry/prioritylevelconfigurations/",
	"/registry/rolebindings/",
	"/registry/roles/",
	"/registry/servicecidrs/",
}

const (
	// quiet is how long nothing is written in a cluster that has settled.
	quiet = time.Second
	// settleLimit is when a cluster that still writes is given up.
	settleLimit = time.Minute
	// plantLimit is when an etcd that does not take the seed is used without it. It is ready in a
	// tenth of a second, or much later on a machine that compiles on all of its cores.
	plantLimit = 30 * time.Second
	// writers write at the same time, so that etcd syncs many objects to disk at once.
	writers = 16
)

func dial(endpoint string) (*clientv3.Client, error) {
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, Logger: zap.NewNop()})
	if err != nil {
		return nil, fmt.Errorf("connect to etcd: %w", err)
	}
	return c, nil
}

// Take returns the seed of a cluster that has nothing yet but what Kubernetes writes itself. It
// waits until the cluster, which was started at the given time, has settled.
func Take(ctx context.Context, endpoint string, v Versions, started time.Time) (*Seed, error) {
	c, err := dial(endpoint)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, settleLimit)
	defer cancel()
	for {
		before, err := list(ctx, c)
		if err != nil {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("take the seed: the cluster still writes: %w", ctx.Err())
		case <-time.After(quiet):
		}
		after, err := list(ctx, c)
		if err != nil {
			return nil, err
		}
		if same := slices.EqualFunc(before, after, func(a, b object) bool {
			return a.Key == b.Key && string(a.Value) == string(b.Value)
		}); same {
			return newSeed(v, after, started)
		}
	}
}

// list returns the objects in the order in which they were written.
func list(ctx context.Context, c *clientv3.Client) ([]object, error) {
	var objects []object
	answer, err := c.Get(ctx, "/registry/", clientv3.WithPrefix(),
		clientv3.WithSort(clientv3.SortByCreateRevision, clientv3.SortAscend))
	if err != nil {
		return nil, fmt.Errorf("list the objects of etcd: %w", err)
	}
	for _, kv := range answer.Kvs {
		key := string(kv.Key)
		if slices.ContainsFunc(kinds, func(kind string) bool { return strings.HasPrefix(key, kind) }) {
			objects = append(objects, object{Key: key, Value: kv.Value})
		}
	}
	return objects, nil
}

// newSeed returns the seed of the objects of a cluster that was started at the given time.
func newSeed(v Versions, objects []object, started time.Time) (*Seed, error) {
	s := &Seed{Versions: v}
	for _, o := range objects {
		o, err := find(o.Key, o.Value, started, time.Now())
		if err != nil {
			return nil, fmt.Errorf("take the seed: %w", err)
		}
		s.Objects = append(s.Objects, o)
	}
	return s, nil
}

// Plant writes the objects to an etcd that has none, each with a UID of its own, and created now.
func (s *Seed) Plant(ctx context.Context, endpoint string) error {
	c, err := dial(endpoint)
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, plantLimit)
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(writers)
	now := time.Now()
	for _, o := range s.Objects {
		group.Go(func() error {
			_, err := c.Put(ctx, o.Key, string(o.renewed(newUID(), now)))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("write the seed to etcd: %w", err)
	}
	return nil
}

// newUID returns a random UUID (RFC 9562, version 4).
func newUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
