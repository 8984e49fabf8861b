package command

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/skiff-k8s/skiff/cmd/skiff/internal/cli"
	"github.com/skiff-k8s/skiff/cmd/skiff/internal/list"
	"github.com/skiff-k8s/skiff/cmd/skiff/internal/output"
	"github.com/skiff-k8s/skiff/wire"
)

// follow prints the objects, unless --watch-only is set, and then what changes, until ctx ends.
func (o *get) follow(ctx context.Context, targets []cli.Target, queries [][]list.Query) error {
	if len(targets) > 1 || len(queries[0]) > 1 {
		return cli.Usagef("--watch is for one resource, and one name at most")
	}
	if o.subresource != "" {
		return cli.Usagef("--watch and --subresource exclude each other")
	}
	if r := targets[0].Resource; !r.Can("watch") {
		return fmt.Errorf("watch %s: the server does not serve that", r.Info.GVR().GroupResource())
	}
	follower := list.Follower{Query: queries[0][0], Table: o.format == nil}
	var flush func() error
	if o.format == nil {
		rows := o.rows(o.f.Out, targets[0].Resource, false)
		flush = rows.out.Flush
		follower.Tell = func(c list.Change) error {
			if rows.columns = c.Columns; c.Type != wire.Bookmark {
				rows.print(string(c.Type), c.Row)
			}
			return nil
		}
	} else {
		printer, err := o.format.New(o.f.Out, output.Options{NoHeaders: o.noHeaders})
		if err != nil {
			return err
		}
		flush = printer.Flush
		follower.Tell = func(c list.Change) error {
			if c.Type == wire.Bookmark {
				return nil
			}
			object := output.Object{JSON: c.Object.Data,
				Display: cli.ObjectName(targets[0].Resource, c.Object.Meta.Name)}
			if o.watchEvents {
				object.JSON = eventJSON(c)
			}
			return printer.Print(object)
		}
	}
	print, listing := follower.Tell, true
	follower.Tell = func(c list.Change) error {
		if !c.Initial || !o.watchOnly {
			if err := print(c); err != nil {
				return err
			}
		}
		if c.Type == wire.Bookmark {
			listing = false // what the list has is aligned as a whole
		}
		if listing {
			return nil
		}
		return flush()
	}
	err := follower.Run(ctx)
	if flushed := flush(); flushed != nil {
		return flushed
	}
	return err
}

// eventJSON returns a change as an event of a watch.
func eventJSON(c list.Change) []byte {
	kind, _ := json.Marshal(c.Type)
	data := append([]byte(`{"type":`), kind...)
	data = append(data, `,"object":`...)
	return append(append(data, c.Object.Data...), '}')
}
