package informer

import "github.com/skiff-k8s/skiff/wire"

// newReflector returns the reflector of a feed.
func newReflector(f *feed) *reflector {
	s := f.informer
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
	r := &reflector{
		name: f.String(),
		log:  s.config.logger,
		ask: requests{
			client: s.client, kind: s.kind,
			namespace:     f.namespace,
			labelSelector: s.config.labelSelector, fieldSelector: s.config.fieldSelector,
			format: format, as: s.config.as,
			options:  options,
			pageSize: s.config.pageSize,
		},
		sink:  f,
		waits: f.progress,
	}
	if s.config.served != nil {
		r.whenServed = s.config.served.next
	}
	return r
}
