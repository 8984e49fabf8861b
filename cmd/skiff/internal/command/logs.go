package command

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/cmd/skiff/internal/cli"
	"github.com/skiff-k8s/skiff/remote"
)

// selectorTail is how many lines of each log are printed if a selector chooses the pods.
const selectorTail = 10

type logs struct {
	follow, previous, timestamps bool
	allContainers, allPods       bool
	prefix                       bool
	since                        time.Duration
	sinceTime                    string
	tail, limitBytes             int64
	container, selector          string
	maxFollow                    int

	prefixSet, tailSet, limitSet bool
}

func newLogs(f *cli.Factory) *cobra.Command {
	var o logs
	cmd := &cobra.Command{
		Use:   "logs (POD | TYPE/NAME | -l SELECTOR)",
		Short: "Print the logs of containers",
		Long: "Print the logs of containers: of a pod, of a pod of a workload (deploy/web), or of all " +
			"pods of a selector. If several logs are printed, each line begins with its pod and container.",
		Example: "  skiff logs web-0 -c app -f\n" +
			"  skiff logs deploy/web --all-pods --since 10m\n" +
			"  skiff logs -l app=web -f --all-containers",
		GroupID:           groupRun,
		Args:              cobra.MaximumNArgs(2),
		ValidArgsFunction: f.CompleteNames("pods"),
		RunE: func(cmd *cobra.Command, args []string) error {
			changed := cmd.Flags().Changed
			o.prefixSet, o.tailSet, o.limitSet = changed("prefix"), changed("tail"), changed("limit-bytes")
			return o.run(cmd.Context(), f, args)
		},
	}
	flags := cmd.Flags()
	flags.BoolVarP(&o.follow, "follow", "f", false, "print new lines until the containers end")
	flags.BoolVarP(&o.previous, "previous", "p", false, "the log of the container's previous run")
	flags.BoolVar(&o.timestamps, "timestamps", false, "begin each line with its time")
	flags.BoolVar(&o.allContainers, "all-containers", false, "all containers of the pods")
	flags.BoolVar(&o.allPods, "all-pods", false, "all pods of TYPE/NAME")
	flags.BoolVar(&o.prefix, "prefix", false,
		"begin each line with its pod and container (default: if several logs are printed)")
	flags.DurationVar(&o.since, "since", 0, "only lines that are newer than this `duration`")
	flags.StringVar(&o.sinceTime, "since-time", "", "only lines after this `time` (RFC 3339)")
	flags.Int64Var(&o.tail, "tail", -1,
		"only the last `lines` of each log; -1 means all (default with -l: 10)")
	flags.Int64Var(&o.limitBytes, "limit-bytes", 0, "at most so many `bytes` of each log")
	flags.StringVarP(&o.container, "container", "c", "", "`name` of the container")
	flags.StringVarP(&o.selector, "selector", "l", "", "`labels` of the pods, such as app=web")
	flags.IntVar(&o.maxFollow, "max-log-requests", remote.DefaultMaxFollow,
		"how many logs may be followed at once; -1 means no limit")
	return cmd
}

// options checks the flags.
func (o *logs) options() (corev1.PodLogOptions, error) {
	opts := corev1.PodLogOptions{
		Follow: o.follow, Previous: o.previous, Timestamps: o.timestamps, Container: o.container,
	}
	switch {
	case o.since < 0:
		return opts, cli.Usagef("--since must not be negative")
	case o.since > 0 && o.sinceTime != "":
		return opts, cli.Usagef("--since and --since-time exclude each other")
	case o.since > 0:
		opts.SinceSeconds = new(int64((o.since + time.Second - 1) / time.Second))
	case o.sinceTime != "":
		at, err := time.Parse(time.RFC3339, o.sinceTime)
		if err != nil {
			return opts, cli.Usagef("--since-time %q: want a time such as 2026-01-02T15:04:05Z", o.sinceTime)
		}
		opts.SinceTime = &metav1.Time{Time: at}
	}
	if o.tail < -1 {
		return opts, cli.Usagef("--tail must not be less than -1")
	}
	if o.selector != "" && !o.tailSet {
		o.tail = selectorTail
	}
	if o.tail >= 0 {
		opts.TailLines = &o.tail
	}
	if o.limitSet && o.limitBytes < 1 {
		return opts, cli.Usagef("--limit-bytes must be at least 1")
	}
	if o.limitSet {
		opts.LimitBytes = &o.limitBytes
	}
	if o.maxFollow == 0 || o.maxFollow < -1 {
		return opts, cli.Usagef("--max-log-requests must be at least 1, or -1")
	}
	if o.allContainers && o.container != "" {
		return opts, cli.Usagef("--all-containers and --container exclude each other")
	}
	return opts, nil
}

func (o *logs) run(ctx context.Context, f *cli.Factory, args []string) error {
	opts, err := o.options()
	switch {
	case err != nil:
		return err
	case (len(args) == 0) == (o.selector == ""):
		return cli.Usagef("name one POD or TYPE/NAME, or give --selector")
	case len(args) == 2 && o.container != "":
		return cli.Usagef("name the container once: as an argument, or by --container")
	case len(args) == 2:
		o.container = args[1]
		opts.Container = args[1]
	}
	c, err := f.REST()
	if err != nil {
		return err
	}
	namespace, _, err := f.Namespace()
	if err != nil {
		return err
	}
	set := remote.LogSet{
		Selector: o.selector, Container: o.container, MaxFollow: o.maxFollow,
		NoPrefix: o.prefixSet && !o.prefix,
	}
	if o.selector == "" {
		target, err := podArg(ctx, f, args[0])
		if err != nil {
			return err
		}
		if o.allPods && !target.isPod() {
			if set.Selector, err = target.selector(ctx, f); err != nil {
				return err
			}
		} else {
			pod, err := target.pod(ctx, f)
			if err != nil {
				return err
			}
			if !o.allContainers {
				opts.Container = containerOf(f, pod, o.container, false)
				if !o.prefix {
					return printLog(ctx, f, namespace, pod.Name, opts)
				}
				set.Container = opts.Container
			}
			set.Pod = pod.Name
		}
	}
	set.DefaultOnly = set.Container == "" && !o.allContainers
	return remote.Logs(ctx, c, namespace, set, opts, f.Out)
}

// printLog prints the log of one container as it is.
func printLog(
	ctx context.Context, f *cli.Factory, namespace, pod string, opts corev1.PodLogOptions,
) error {
	c, err := f.REST()
	if err != nil {
		return err
	}
	log, err := remote.Log(ctx, c, namespace, pod, opts)
	if err != nil {
		return err
	}
	defer log.Close()
	_, err = io.Copy(f.Out, log)
	return err
}
