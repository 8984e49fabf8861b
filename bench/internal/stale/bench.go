// Package stale measures what a controller does while its caches have not seen its own writes. The
// same reconcile function runs on client-go, on controller-runtime and on skiff, against a real control
// plane whose watch of the children is delayed by a proxy. Meanwhile another client keeps changing the
// parents, so that each is reconciled again before the watch has delivered what the controller wrote.
package stale

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	clientrest "k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	skiffclient "github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/faults"
	"github.com/skiff-k8s/skiff/rest"
)

const (
	// A parent first wants more children, and then fewer.
	first, then = 2, 1
	// touchEvery is how often another client changes each parent.
	touchEvery = 200 * time.Millisecond
	// touchFor is for how many lags it does so.
	touchFor = 5
	// patience is how long a phase may take.
	patience = 90 * time.Second
)

// Bench is a measurement.
type Bench struct {
	Parents  int
	Lag      time.Duration // of the watch of the children
	Progress io.Writer     // a line for each step

	Results []Result

	only []string // the names of the sides; nil means all
}

// Result is what one side did.
type Result struct {
	Side string
	Up   Phase // from no child to first
	Down Phase // from first to then
}

// Phase is what a side did after the parents had asked for another number of children.
type Phase struct {
	Created, Deleted int           // children
	Took             time.Duration // until all parents had the right number for the first time; 0 is never
	AtRest           bool          // whether it came to rest with the right number
}

// Run starts a control plane and lets one side after the other do the job, in a namespace of its own.
func (b *Bench) Run(ctx context.Context) error {
	cluster, err := controlplane.Run(ctx, controlplane.WithoutControllerManager())
	if err != nil {
		return err
	}
	defer cluster.Stop()
	for i, s := range sides {
		if b.only != nil && !slices.Contains(b.only, s.name) {
			continue
		}
		fmt.Fprintf(b.Progress, "stale: %s\n", s.name)
		r, err := b.run(ctx, cluster, s, fmt.Sprint("stale-", i))
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		fmt.Fprintf(b.Progress, "stale: %+v\n", r)
		b.Results = append(b.Results, r)
	}
	return nil
}

// work is what stands around a side while it works.
type work struct {
	parents   *skiffclient.Client[corev1.ConfigMap]
	children  *skiffclient.Client[corev1.Secret]
	layer     *faults.Layer
	namespace string
	n         int
}

func (b *Bench) run(ctx context.Context, cluster *controlplane.Cluster, s side, namespace string) (r Result, err error) {
	c, err := rest.NewClient(cluster.Config())
	if err != nil {
		return r, err
	}
	defer c.CloseIdleConnections()
	_, err = skiffclient.Of[corev1.Namespace](c).Create(ctx,
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{})
	if err != nil {
		return r, err
	}
	w := &work{skiffclient.Of[corev1.ConfigMap](c).In(namespace), skiffclient.Of[corev1.Secret](c).In(namespace), nil, namespace, b.Parents}
	for i := range b.Parents {
		_, err := w.parents.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
			Name: name(i), Annotations: map[string]string{wantKey: "0"},
		}}, metav1.CreateOptions{})
		if err != nil {
			return r, err
		}
	}
	proxy, err := proxyOf(cluster)
	if err != nil {
		return r, err
	}
	w.layer = faults.NewLayer(proxy, faults.Rule{
		On: faults.Watch | faults.WatchList, Path: "/api/v1/namespaces/" + namespace + "/secrets", Do: lag(b.Lag),
	})
	server, err := faults.Serve(w.layer, faults.Options{Loopback: true})
	if err != nil {
		return r, err
	}
	defer server.Close()

	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx, server.URL(), namespace) }()
	defer func() {
		cancel()
		err = errors.Join(err, <-ended)
	}()
	r.Side = s.name
	if r.Up, err = w.phase(ctx, first, b.Lag); err != nil {
		return r, err
	}
	r.Down, err = w.phase(ctx, then, b.Lag)
	return r, err
}

// proxyOf returns a proxy to the cluster that has the administrator's credentials.
func proxyOf(cluster *controlplane.Cluster) (http.Handler, error) {
	cfg, err := clientcmd.BuildConfigFromFlags("", cluster.Kubeconfig())
	if err != nil {
		return nil, err
	}
	transport, err := clientrest.TransportFor(cfg)
	if err != nil {
		return nil, err
	}
	return faults.Proxy(cfg.Host, transport)
}

func name(i int) string { return fmt.Sprint("parent-", i) }

// phase asks for another number of children of each parent. It changes the parents for as long as a write
// needs to be seen several times, and then waits until the side has come to rest, at most for patience.
func (w *work) phase(ctx context.Context, want int, lag time.Duration) (p Phase, err error) {
	created, deleted := w.count()
	began := time.Now()
	tick := time.NewTicker(touchEvery)
	defer tick.Stop()
	for rest, touch := began, 0; ; touch++ {
		if time.Since(began) < touchFor*lag {
			if err := w.touch(ctx, want, touch); err != nil {
				return p, err
			}
		}
		reached, err := w.reached(ctx, want)
		if err != nil {
			return p, err
		}
		if reached && p.Took == 0 {
			p.Took = time.Since(began)
		}
		if c, d := w.count(); !reached || c-created != p.Created || d-deleted != p.Deleted {
			p.Created, p.Deleted, rest = c-created, d-deleted, time.Now()
		}
		p.AtRest = time.Since(rest) > touchFor*lag // so the last change was seen as well
		if p.AtRest || time.Since(began) > patience {
			return p, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return p, context.Cause(ctx)
		}
	}
}

// touch changes each parent.
func (w *work) touch(ctx context.Context, want, touch int) error {
	for i := range w.n {
		patch := fmt.Sprintf(`{"metadata":{"annotations":{%q:"%d","touched":"%d"}}}`, wantKey, want, touch)
		_, err := w.parents.Patch(ctx, name(i), types.MergePatchType, []byte(patch), metav1.PatchOptions{})
		if err != nil {
			return err
		}
	}
	return nil
}

// count returns how many children the side has created and deleted.
func (w *work) count() (created, deleted int) {
	for _, q := range w.layer.Requests() {
		switch {
		case q.Method == http.MethodPost && q.Code == http.StatusCreated:
			created++
		case q.Method == http.MethodDelete && q.Code == http.StatusOK:
			deleted++
		}
	}
	return created, deleted
}

// reached reports whether each parent has as many children as it wants, on the server.
func (w *work) reached(ctx context.Context, want int) (bool, error) {
	list, err := w.children.List(ctx, metav1.ListOptions{})
	if err != nil {
		return false, err
	}
	has := map[string]int{}
	for _, child := range list.Items {
		has[child.Labels[parentKey]]++
	}
	for i := range w.n {
		if has[name(i)] != want {
			return false, nil
		}
	}
	return true, nil
}

// row returns the row of the table.
func (r Result) row() string {
	phase := func(p Phase) string {
		after := fmt.Sprintf("%.1f s", p.Took.Seconds())
		switch {
		case p.Took == 0:
			after = fmt.Sprintf("not within %s", patience)
		case !p.AtRest:
			after += fmt.Sprintf(", and not at rest after %s", patience)
		}
		return strconv.Itoa(p.Created) + " | " + strconv.Itoa(p.Deleted) + " | " + after
	}
	return "| " + r.Side + " | " + phase(r.Up) + " | " + phase(r.Down) + " |\n"
}
