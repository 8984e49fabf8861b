package main

import (
	"github.com/spf13/cobra"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/flagz"
	"k8s.io/client-go/rest"
	componentcli "k8s.io/component-base/cli"
	"k8s.io/component-base/cli/globalflag"
	basecompatibility "k8s.io/component-base/compatibility"
	"k8s.io/component-base/featuregate"
	"k8s.io/component-base/logs"
	logsapi "k8s.io/component-base/logs/api/v1"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	"k8s.io/kubernetes/cmd/kube-apiserver/app/options"
	rbacrest "k8s.io/kubernetes/pkg/registry/rbac/rest"
	schedulingrest "k8s.io/kubernetes/pkg/registry/scheduling/rest"

	"github.com/skiff-k8s/skiff/devcluster/internal/cluster"
)

// seededAPIServer is kube-apiserver in a cluster that begins with the seed. It does not have the two
// hooks that write the roles and the priority classes, which are there. They begin with a second's
// sleep, during which neither /readyz nor /healthz is ok, and a controller manager waits for the
// latter.
//
// Everything else is as in apiserver.NewAPIServerCommand, whose hooks cannot be reached. What only
// users need is missing: help and --version.
func seededAPIServer() int {
	ctx := genericapiserver.SetupSignalContext()
	o := options.NewServerRunOptions()
	registry := o.GenericServerRunOptions.ComponentGlobalsRegistry
	gates := registry.FeatureGateFor(basecompatibility.DefaultKubeComponent)
	c := &cobra.Command{
		Use:          cluster.APIServer,
		SilenceUsage: true,
		Args:         cobra.NoArgs,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			rest.SetDefaultWarningHandler(rest.NoWarnings{})
			return registry.Set()
		},
		RunE: func(*cobra.Command, []string) error {
			if err := logsapi.ValidateAndApply(o.Logs, gates); err != nil {
				return err
			}
			completed, err := o.Complete(ctx)
			if err != nil {
				return err
			}
			if errs := completed.Validate(); len(errs) != 0 {
				return utilerrors.NewAggregate(errs)
			}
			gates.(featuregate.MutableFeatureGate).AddMetrics()
			registry.AddMetrics()
			config, err := apiserver.NewConfig(completed)
			if err != nil {
				return err
			}
			config.KubeAPIs.ControlPlane.Generic.DisabledPostStartHooks.Insert(
				rbacrest.PostStartHookName, schedulingrest.PostStartHookName)
			complete, err := config.Complete()
			if err != nil {
				return err
			}
			server, err := apiserver.CreateServerChain(complete)
			if err != nil {
				return err
			}
			prepared, err := server.PrepareRun()
			if err != nil {
				return err
			}
			return prepared.Run(ctx)
		},
	}
	c.SetContext(ctx)
	flags := o.Flags()
	o.Flagz = flagz.NamedFlagSetsReader{FlagSets: flags}
	globalflag.AddGlobalFlags(flags.FlagSet("global"), c.Name(), logs.SkipLoggingConfigurationFlags())
	for _, set := range flags.FlagSets {
		c.Flags().AddFlagSet(set)
	}
	return componentcli.Run(c)
}
