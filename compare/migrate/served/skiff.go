package served

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/skiff-k8s/skiff/discovery"
	"github.com/skiff-k8s/skiff/rest"
)

// Skiff prints the version of the server, and the resources of apps/v1 that can be watched.
func Skiff(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	c, err := rest.NewClient(cfg)
	if err != nil {
		return err
	}
	d := discovery.New(c)
	version, err := d.ServerVersion(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, version.GitVersion)
	versions, err := d.Resources(ctx)
	if err != nil && !errors.As(err, new(*discovery.PartialError)) {
		return err
	}
	for _, v := range versions {
		if v.APIVersion() != "apps/v1" {
			continue
		}
		for _, r := range v.Resources {
			if r.Can("watch") {
				fmt.Fprintln(out, r.Info.Resource, r.Info.Kind, r.ShortNames)
			}
		}
	}
	return nil
}
