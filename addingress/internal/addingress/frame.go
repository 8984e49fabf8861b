package addingress

import (
	"context"

	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/operator"
)

// RunIn is Run within the frame of an operator's process: with signals, probes, metrics, an election,
// and the live page, as options say. The caches are warm on every replica; only the leader works.
func (o *Operator) RunIn(ctx context.Context, options operator.Options) error {
	if o.err != nil {
		return o.err
	}
	options.Factories = []*informer.Factory{o.factory}
	frame := operator.New(options, o.controller)
	frame.Add("events", func(ctx context.Context) error {
		o.recorder.run(ctx)
		return nil
	}, operator.Always)
	return frame.Run(ctx)
}
