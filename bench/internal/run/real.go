package run

import (
	"context"
	"errors"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/bench/internal/probe"
	"github.com/skiff-k8s/skiff/bench/internal/stats"
	"github.com/skiff-k8s/skiff/bench/internal/workload"
	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/rest"
)

// real measures the initial list from a real API server that was filled with the same pods.
func (b *Bench) real(ctx context.Context) error {
	if b.Scale.RealPods == 0 {
		return nil
	}
	fmt.Fprintf(b.Progress, "bench: starting a control plane and filling it with %d pods\n", b.Scale.RealPods)
	cluster, err := controlplane.Run(ctx, controlplane.WithoutControllerManager())
	if err != nil {
		return err
	}
	defer cluster.Stop()
	pods := workload.New(workload.Config{Pods: b.Scale.RealPods}).Pods
	if err := Fill(ctx, cluster.Config(), pods); err != nil {
		return fmt.Errorf("fill the control plane: %w", err)
	}
	do := func(b *Bench, ctx context.Context, c contender) error {
		return b.with(ctx, c, []string{"--kubeconfig", cluster.Kubeconfig()}, func(r *Runner) error {
			return b.realSync(r, c, pods.Len())
		})
	}
	// The first list finds the server's caches cold. It does not count.
	if err := do(&Bench{Programs: b.Programs, Samples: stats.Samples{}}, ctx, clientGo); err != nil {
		return err
	}
	return b.scenario(ctx, scenario{name: "real", of: []contender{skiff, clientGo}, do: do})
}

func (b *Bench) realSync(r *Runner, c contender, pods int) error {
	synced, err := ask[probe.Synced](r, "sync")
	if err != nil {
		return err
	}
	if synced.Objects != pods {
		return fmt.Errorf("%d pods in the cache, want %d", synced.Objects, pods)
	}
	b.add("real_peak_rss_sync", c, float64(synced.PeakRSS))
	b.add("real_cpu_sync", c, synced.CPU.Seconds())
	b.add("real_wall_sync", c, synced.Wall.Seconds())
	return b.heap(r, c, "real_heap_per_pod_typed")
}

// fillers is the number of concurrent requests: enough to keep the server busy.
const fillers = 16

// Fill creates every pod of a source, and then writes its status, which a create ignores.
func Fill(ctx context.Context, cfg *rest.Config, source workload.Source) error {
	c, err := rest.NewClient(cfg)
	if err != nil {
		return err
	}
	defer c.CloseIdleConnections()
	namespaces := map[string]bool{}
	for i := range source.Len() {
		name := source.Namespace(i)
		if namespaces[name] {
			continue
		}
		namespaces[name] = true
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if _, err := client.Of[corev1.Namespace](c).Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	positions := make(chan int)
	var workers sync.WaitGroup
	for range fillers {
		workers.Go(func() {
			for i := range positions {
				if err := create(ctx, c, source, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := range source.Len() {
		select {
		case positions <- i:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(positions)
	workers.Wait()
	return context.Cause(ctx)
}

func create(ctx context.Context, c *rest.Client, source workload.Source, i int) error {
	pod, ok := source.Object(i, source.First(i)).(*corev1.Pod)
	if !ok {
		return errors.New("the source is not of pods")
	}
	status := pod.Status
	// What the server fills in itself.
	pod.ResourceVersion, pod.UID, pod.CreationTimestamp, pod.ManagedFields = "", "", metav1.Time{}, nil
	pod.Status = corev1.PodStatus{}
	created, err := client.Of[corev1.Pod](c).In(pod.Namespace).Create(ctx, pod, metav1.CreateOptions{FieldManager: "kube-controller-manager"})
	if err != nil {
		return err
	}
	created.Status = status
	_, err = client.Of[corev1.Pod](c).In(pod.Namespace).UpdateStatus(ctx, created, metav1.UpdateOptions{FieldManager: "kubelet"})
	return err
}
