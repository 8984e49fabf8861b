package kubelet

import (
	"context"
	"io"
	"time"

	corev1 "k8s.io/api/core/v1"
	internalapi "k8s.io/cri-api/pkg/apis"
	"k8s.io/cri-client/pkg/logs"
)

// readFile writes what opts asks for of the log file of the container id to out. Before Kubernetes 1.36
// the package that reads it had another signature: tools/matrix/_before136 has this file for it.
func readFile(
	ctx context.Context, path, id string, opts *corev1.PodLogOptions, states internalapi.RuntimeService,
	out io.Writer,
) error {
	o := &logs.LogOptions{
		TailLines: opts.TailLines, LimitBytes: opts.LimitBytes, Follow: opts.Follow, Timestamp: opts.Timestamps,
	}
	switch {
	case opts.SinceSeconds != nil:
		o.Since = time.Now().Add(-time.Duration(*opts.SinceSeconds) * time.Second)
	case opts.SinceTime != nil:
		o.Since = opts.SinceTime.Time
	}
	return logs.ReadLogs(ctx, path, id, o, states, out, out)
}
