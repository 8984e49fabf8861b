package command

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/skiff-k8s/skiff/cmd/skiff/internal/cli"
	"github.com/skiff-k8s/skiff/remote"
)

type execute struct {
	stdin, tty, quiet bool
	container         string
}

func newExec(f *cli.Factory) *cobra.Command {
	var o execute
	cmd := &cobra.Command{
		Use:   "exec (POD | TYPE/NAME) -- COMMAND [ARG ...]",
		Short: "Run a command in a container",
		Long: "Run a command in a container. The exit code is the command's, or 1 if it could not be " +
			"run; then standard error says why.",
		Example: "  skiff exec web-0 -- date\n" +
			"  skiff exec -it deploy/web -c app -- sh\n" +
			"  skiff exec web-0 -- tar c /data > data.tar",
		GroupID:           groupRun,
		ValidArgsFunction: f.CompleteNames("pods"),
		RunE: func(cmd *cobra.Command, args []string) error {
			dash := cmd.ArgsLenAtDash()
			if dash != 1 || len(args) < 2 {
				return cli.Usagef("want one POD or TYPE/NAME, --, and a command")
			}
			return o.run(cmd.Context(), f, args[0], args[1:])
		},
	}
	flags := cmd.Flags()
	flags.BoolVarP(&o.stdin, "stdin", "i", false, "pass standard input to the command")
	flags.BoolVarP(&o.tty, "tty", "t", false, "give the command a terminal; needs --stdin")
	flags.BoolVarP(&o.quiet, "quiet", "q", false, "print only what the command does")
	flags.StringVarP(&o.container, "container", "c", "", "`name` of the container")
	return cmd
}

func (o *execute) run(ctx context.Context, f *cli.Factory, arg string, command []string) error {
	target, err := podArg(ctx, f, arg)
	if err != nil {
		return err
	}
	pod, err := target.pod(ctx, f)
	if err != nil {
		return err
	}
	c, err := f.REST()
	if err != nil {
		return err
	}
	session := remote.Session{
		Container: containerOf(f, pod, o.container, o.quiet), Stdout: f.Out, Stderr: f.Err,
	}
	if o.stdin {
		session.Stdin = f.In
	}
	if o.tty {
		restore, err := o.terminal(ctx, f, &session)
		if err != nil {
			return err
		}
		defer restore()
	}
	err = remote.Exec(ctx, c, pod.Namespace, pod.Name, command, session)
	if exit, ok := errors.AsType[*remote.ExitError](err); ok {
		var shown error
		if !o.quiet {
			shown = fmt.Errorf("the command ended with exit code %d", exit.Code)
		}
		return &cli.ExitError{Code: exit.Code, Err: shown}
	}
	return err
}

// terminal connects the terminal of this process to a session: each key goes to the command, and the
// command learns the size of the window. restore makes the terminal what it was.
func (o *execute) terminal(
	ctx context.Context, f *cli.Factory, session *remote.Session,
) (restore func(), err error) {
	if !o.stdin || !cli.IsTerminal(f.In) {
		if !o.quiet {
			fmt.Fprintln(f.Err, "skiff: --tty is left out: standard input is not a terminal, or --stdin is missing")
		}
		return func() {}, nil
	}
	in := int(f.In.(*os.File).Fd())
	before, err := term.MakeRaw(in)
	if err != nil {
		return nil, fmt.Errorf("set the terminal to raw mode: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	sizes := make(chan remote.Size, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		watchSize(ctx, sizeFile(f), sizes)
	}()
	session.TTY, session.Stderr, session.Resize = true, nil, sizes
	return func() {
		cancel()
		<-done
		_ = term.Restore(in, before)
	}, nil
}

// sizeFile returns the terminal whose size counts: the one that the output goes to.
func sizeFile(f *cli.Factory) *os.File {
	if cli.IsTerminal(f.Out) {
		return f.Out.(*os.File)
	}
	return f.In.(*os.File)
}

// sendSize sends the size of a terminal if it differs from the last one.
func sendSize(ctx context.Context, terminal *os.File, last *remote.Size, sizes chan<- remote.Size) {
	width, height, err := term.GetSize(int(terminal.Fd()))
	size := remote.Size{Width: uint16(width), Height: uint16(height)}
	if err != nil || size == *last {
		return
	}
	select {
	case sizes <- size:
		*last = size
	case <-ctx.Done():
	}
}
