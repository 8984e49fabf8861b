package command

import (
	"bufio"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/skiff-k8s/skiff/cmd/skiff/internal/cli"
)

func newAPIVersions(f *cli.Factory) *cobra.Command {
	return &cobra.Command{
		Use:     "api-versions",
		Short:   "Print the API versions that the server serves",
		GroupID: groupServer,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			catalog, err := freshCatalog(cmd.Context(), f)
			if catalog == nil {
				return err
			}
			var versions []string
			for _, gv := range catalog.Resources() {
				versions = append(versions, gv.APIVersion())
			}
			slices.Sort(versions)
			out := bufio.NewWriter(f.Out)
			for _, v := range versions {
				fmt.Fprintln(out, v)
			}
			return firstError(out.Flush(), err)
		},
	}
}
