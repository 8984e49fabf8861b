package kubelet

import (
	"context"
	"io"
	"time"

	corev1 "k8s.io/api/core/v1"
	internalapi "k8s.io/cri-api/pkg/apis"
	"k8s.io/cri-client/pkg/logs"
	"k8s.io/klog/v2"
)

// readFile writes what opts asks for of the log file of the container id to out.
func readFile(
	ctx context.Context, path, id string, opts *corev1.PodLogOptions, states internalapi.RuntimeService,
	out io.Writer,
) error {
	logger := klog.FromContext(ctx)
	return logs.ReadLogs(ctx, &logger, path, id, logs.NewLogOptions(opts, time.Now()), states, out, out)
}
