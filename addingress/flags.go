package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/skiff-k8s/skiff/addingress/internal/addingress"
	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/operator"
)

// options are the values of the flags.
type options struct {
	kubeconfig string
	context    string
	operator   addingress.Config
	frame      operator.Settings
	election   electionFlags
	version    bool
}

// electionFlags are named as those of Kubernetes' own controllers are.
type electionFlags struct {
	LeaderElect              bool          `help:"several replicas elect a leader, by a Lease; only the leader works"`
	LeaderElectNamespace     string        `help:"the namespace of the Lease; default: that of the pod, or of the kubeconfig context"`
	LeaderElectLeaseDuration time.Duration `help:"how long the others wait after the leader's last renewal; 0 means the default, 15s"`
	LeaderElectRenewDeadline time.Duration `help:"how long the leader works without a renewal; 0 means the default, 10s"`
	LeaderElectRetryPeriod   time.Duration `help:"the time between renewals; 0 means the default, 2s"`
}

// leaseName returns the name of the Lease that the replicas of an instance compete for.
func leaseName(instance string) string {
	return "addingress-" + cmp.Or(instance, addingress.DefaultInstance)
}

// parse parses the flags. With --help it writes the help to stderr and returns
// flag.ErrHelp.
func parse(args []string, stderr io.Writer) (*options, error) {
	// Ports are opened only where they are asked for: addingress runs on laptops, too.
	o := &options{operator: addingress.DefaultConfig(), frame: operator.Settings{
		MetricsAddress: operator.Off, HealthAddress: operator.Off, DebugAddress: operator.DefaultDebugAddress,
		LogFormat: "text",
	}}
	cfg := &o.operator

	flags := flag.NewFlagSet("addingress", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the caller prints the error
	flags.Usage = func() {}
	flags.StringVar(&o.kubeconfig, "kubeconfig", "",
		"the kubeconfig `file`; default: $KUBECONFIG, ~/.kube/config, then the cluster it runs in")
	flags.StringVar(&o.context, "context", "", "the kubeconfig `context`; default: its current one")
	flags.StringVar(&cfg.Namespace, "namespace", cfg.Namespace,
		"the `namespace` of the Services; empty means all namespaces")
	hosts := flags.String("host-template", addingress.DefaultHostTemplate,
		"the Go `template` of an Ingress's host, with the Service's .Name and .Namespace")
	flags.StringVar(&cfg.IngressClass, "ingress-class", cfg.IngressClass,
		"the ingress `class`; empty means the cluster's default class")
	flags.StringVar(&cfg.Instance, "instance", cfg.Instance,
		"the `name` of this addingress among several in the cluster; it writes as the field manager "+
			"addingress/NAME")
	flags.IntVar(&cfg.Workers, "workers", cfg.Workers, "how many Services are reconciled "+
		"concurrently; 0 means the default")
	flags.Var((*retries)(&cfg.MaxRetries), "max-retries", "how `often` a reconcile that failed is "+
		"retried before it waits for an event or the resync: a number, or forever; 0 means the "+
		"default; negative means never")
	flags.DurationVar(&cfg.Resync, "resync", cfg.Resync, "the interval at which every Service is "+
		"reconciled without an event; 0 means the default; negative means never")
	flags.DurationVar(&cfg.DrainTimeout, "drain-timeout", cfg.DrainTimeout, "how long reconciles "+
		"under way may take to finish after SIGTERM; 0 means the default; negative means no limit")
	flags.BoolVar(&o.version, "version", false, "print the version and exit")
	err := errors.Join(operator.Flags(flags, "", &o.frame), operator.Flags(flags, "", &o.election))
	if err != nil {
		return nil, err
	}
	flags.Lookup("metrics-address").Usage = "the host:port of /metrics, or off; a scraper needs :8080"
	flags.Lookup("debug-address").Usage = "the host:port of --page and --pprof; kubectl port-forward " +
		"reaches one that only the pod does"
	flags.Lookup("health-address").Usage = "the host:port of /healthz and /readyz, or off; a kubelet's " +
		"probes need :8081"
	flags.Lookup("grace-period").Usage = "how long stopping may take, at most; 0 means the default, half " +
		"more than --drain-timeout, and 2.2s more at least; negative means no limit"

	err = flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stderr, usage)
		flags.SetOutput(stderr)
		flags.PrintDefaults()
		return nil, err
	}
	if err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("unexpected arguments: %s", strings.Join(flags.Args(), " "))
	}
	if err == nil {
		cfg.Hosts, err = addingress.ParseHostTemplate(*hosts)
		if err != nil {
			err = fmt.Errorf("--host-template: %w", err)
		}
	}
	return o, errors.Join(err, o.check())
}

// retries is the value of --max-retries.
type retries int

func (r *retries) String() string {
	if *r == controller.RetryForever {
		return "forever"
	}
	return strconv.Itoa(int(*r))
}

func (r *retries) Set(value string) error {
	if value == "forever" {
		*r = controller.RetryForever
		return nil
	}
	n, err := strconv.Atoi(value)
	if err != nil {
		return errors.New("neither a number nor forever")
	}
	*r = retries(n)
	return nil
}

const usage = `addingress gives each Service annotated ingress/http: "true" an Ingress of its
own name, keeps it right, and deletes it when the annotation goes.

Usage: addingress [flags]

`

// check returns an error for each value that is out of range.
func (o *options) check() error {
	cfg := &o.operator
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if cfg.Workers < 0 {
		wrong("--workers is %d, and must be at least 1 (0 means the default)", cfg.Workers)
	}
	if cfg.Resync > 0 && cfg.Resync < time.Second {
		wrong("--resync is %v, and must be at least 1s (negative means never)", cfg.Resync)
	}
	if o.election.LeaderElect {
		if problems := validation.IsDNS1123Subdomain(leaseName(cfg.Instance)); len(problems) > 0 {
			wrong("--instance %q names a Lease with --leader-elect: %s", cfg.Instance, strings.Join(problems, "; "))
		}
	}
	errs = append(errs, o.frame.Check(), addingress.CheckNames(cfg.Namespace, cfg.IngressClass, cfg.Instance))
	return errors.Join(errs...)
}

func (o *options) kubeconfigOptions() []kubeconfig.Option {
	if o.context == "" {
		return nil
	}
	return []kubeconfig.Option{kubeconfig.WithContext(o.context)}
}

// settings returns the settings of the operator's frame. Its grace period has room for the drain
// timeout: the frame gives the controller 70 % of it, and of a short one a second and a half more
// than the drain timeout, for what is cancelled to return.
func (o *options) settings() operator.Settings {
	s := o.frame
	if drain := cmp.Or(o.operator.DrainTimeout, controller.DefaultDrainTimeout); s.GracePeriod == 0 {
		s.GracePeriod = drain + drain/2 // beyond the longest duration it is negative: no limit
		if drain > 0 && drain < 30*time.Second {
			s.GracePeriod = (drain + 1500*time.Millisecond) * 10 / 7
		}
	}
	return s
}

// release is the version of an image. Its Dockerfile sets it.
var release string

// version returns the release, the module's version, or the commit of the build.
func version() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return info.Main.Version
}
