package informer

import (
	"context"

	"github.com/skiff-k8s/skiff/wire"
)

// feed is the sink of an informer's reflector: the informer's DeltaFIFO and its health.
type feed struct{ informer *shared }

func (f feed) arena() *wire.Arena                      { return f.informer.fifo.arena() }
func (f feed) push(ctx context.Context, d delta) error { return f.informer.fifo.push(ctx, d) }
func (f feed) update(change func(*Status))             { f.informer.health.update(change) }
func (f feed) report(err error)                        { f.informer.fault(err) }

// newReflector returns the reflector of an informer.
func newReflector(s *shared) *reflector {
	format := wire.JSON
	if s.kind.Protobuf && !s.config.json {
		format = wire.Protobuf
	}
	options := wire.Options{
		KeepManagedFields: s.config.keepManagedFields,
		Drop:              s.config.dropFields,
		APIVersion:        s.kind.APIVersion(),
		Kind:              s.kind.Kind,
		ListKind:          s.kind.ListKind(),
		Strict:            true,
	}
	if s.config.as != "" {
		options.APIVersion, options.Kind = "meta.k8s.io/v1", s.config.as
		options.ListKind = s.config.as + "List"
		format = wire.Protobuf
		if s.config.json {
			format = wire.JSON
		}
	}
	return &reflector{
		name: s.String(),
		log:  s.config.logger,
		ask: requests{
			client: s.client, kind: s.kind,
			namespace:     s.config.namespace,
			labelSelector: s.config.labelSelector, fieldSelector: s.config.fieldSelector,
			format: format, as: s.config.as,
			options:  options,
			pageSize: s.config.pageSize,
		},
		sink:  feed{s},
		waits: s.progress,
	}
}
