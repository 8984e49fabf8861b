// Package served asks what the server serves.
package served

import (
	"context"
	"fmt"
	"io"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
)

// ClientGo prints the version of the server, and the resources of apps/v1 that can be watched.
func ClientGo(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error {
	d, err := discovery.NewDiscoveryClientForConfig(cfg)
	if err != nil {
		return err
	}
	version, err := d.ServerVersion()
	if err != nil {
		return err
	}
	fmt.Fprintln(out, version.GitVersion)
	_, lists, err := d.ServerGroupsAndResources()
	if err != nil && !discovery.IsGroupDiscoveryFailedError(err) {
		return err
	}
	watchable := discovery.FilteredBy(discovery.SupportsAllVerbs{Verbs: []string{"watch"}}, lists)
	for _, list := range watchable {
		if list.GroupVersion != "apps/v1" {
			continue
		}
		for _, r := range list.APIResources {
			fmt.Fprintln(out, r.Name, r.Kind, r.ShortNames)
		}
	}
	return nil
}
