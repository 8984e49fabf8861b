package command

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/version"
	"sigs.k8s.io/yaml"

	"github.com/skiff-k8s/skiff/cmd/skiff/internal/cli"
)

func newVersion(f *cli.Factory) *cobra.Command {
	var client bool
	var output string
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the versions of skiff and of the server",
		GroupID: groupServer,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return printVersion(cmd.Context(), f, client, output)
		},
	}
	cmd.Flags().BoolVar(&client, "client", false, "only the version of skiff; asks no server")
	cmd.Flags().StringVarP(&output, "output", "o", "", "`format`: json or yaml")
	complete(cmd, "output", "json", "yaml")
	return cmd
}

type clientVersion struct {
	Version   string `json:"version"`
	GoVersion string `json:"goVersion"`
	Platform  string `json:"platform"`
}

type versions struct {
	Client clientVersion `json:"clientVersion"`
	Server *version.Info `json:"serverVersion,omitempty"`
}

// printVersion prints the client's version whether or not the server answers.
func printVersion(ctx context.Context, f *cli.Factory, clientOnly bool, output string) error {
	v := versions{Client: clientVersion{cli.Version(), runtime.Version(), cli.Platform()}}
	var errServer error
	if !clientOnly {
		v.Server, errServer = serverVersion(ctx, f)
	}
	var text []byte
	var err error
	switch output {
	case "":
		text = fmt.Appendf(nil, "Client Version: %s\n", v.Client.Version)
		if v.Server != nil {
			text = fmt.Appendf(text, "Server Version: %s\n", v.Server.GitVersion)
		}
	case "json":
		text, err = json.MarshalIndent(v, "", "  ")
		text = append(text, '\n')
	case "yaml":
		text, err = yaml.Marshal(v)
	default:
		return cli.Usagef("--output %q: want json or yaml", output)
	}
	if err != nil {
		return err
	}
	if _, err := f.Out.Write(text); err != nil {
		return err
	}
	return errServer
}

func serverVersion(ctx context.Context, f *cli.Factory) (*version.Info, error) {
	d, err := f.Discovery()
	if err != nil {
		return nil, fmt.Errorf("read the server's version: %w", err)
	}
	v, err := d.ServerVersion(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the server's version: %w", err)
	}
	return v, nil
}
