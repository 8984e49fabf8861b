package remote

import (
	"context"
	"io"
	"strconv"

	"github.com/skiff-k8s/skiff/rest"
)

// Session is what a process in a container is connected to.
type Session struct {
	// Container is the name of the container. "" means the pod's only one; the server refuses it
	// for a pod with more.
	Container string

	// Stdin is the process's standard input. nil means none. When Stdin ends, so does the
	// process's input, if the server speaks v5.channel.k8s.io (Kubernetes 1.30 and later); an older
	// server leaves it open.
	//
	// A Read that is under way when the call returns is not waited for, and its bytes are lost.
	Stdin io.Reader

	// Stdout and Stderr get the output, from one goroutine, as fast as they take it: the process
	// waits for a slow writer. nil means that the output is dropped.
	Stdout, Stderr io.Writer

	// TTY gives the process a terminal. Its output is then all in Stdout, and Stderr is not used.
	TTY bool

	// Resize yields the sizes of the terminal, the first one included. nil means that the size is
	// not set. It may be closed. Without TTY it is not read.
	Resize <-chan Size
}

// Size is the size of a terminal, in characters.
type Size struct {
	Width, Height uint16
}

// Exec runs a command in a container and returns when it has ended. The command is not run by a
// shell. Streams of the session that are nil are not connected.
//
// The errors are:
//   - [*ExitError], if the exit code is not 0;
//   - a StatusError, if the server refuses the request or the command cannot be started: the pod
//     does not run, it has no such container, the user may not (verbs get and, since Kubernetes
//     1.35, create of pods/exec), the program does not exist;
//   - an error that wraps that of ctx, after ctx ended. The process may go on;
//   - an error that wraps that of Stdin, Stdout or Stderr, if one of them fails;
//   - an error that wraps [ErrNoStatus], if the connection ends before the command;
//   - [*VersionError], if the server does not speak the protocol;
//   - a *kind.MisuseError, if an argument is missing.
//
// Source: KEP-4006; k8s.io/apimachinery/pkg/util/remotecommand.
func Exec(
	ctx context.Context, c *rest.Client, namespace, pod string, command []string, s Session,
) error {
	p, err := podOf("exec", c, namespace, pod)
	if err != nil {
		return err
	}
	if len(command) == 0 {
		return misuse("exec", pod, "the command is missing")
	}
	r := p.get("exec")
	for _, arg := range command {
		r.Param("command", arg)
	}
	return s.run(ctx, c, r, "exec in "+p.String())
}

// Attach connects a session to the process that a container runs, and returns when the process has
// ended. If the container has a terminal (tty), s must have TTY set. Output that the process has
// written before is in its log, see [Log].
//
// The errors are those of [Exec], for pods/attach. Attach returns no ExitError: the exit code is in
// the status of the pod.
func Attach(ctx context.Context, c *rest.Client, namespace, pod string, s Session) error {
	p, err := podOf("attach to", c, namespace, pod)
	if err != nil {
		return err
	}
	return s.run(ctx, c, p.get("attach"), "attach to "+p.String())
}

// run opens the connection and carries the session.
func (s Session) run(ctx context.Context, c *rest.Client, r *rest.Request, what string) error {
	if s.Stdin == nil && s.Stdout == nil && s.Stderr == nil {
		s.Stdout = io.Discard // the server requires one of the three
	}
	if s.TTY && s.Stderr != nil {
		if s.Stderr = nil; s.Stdin == nil && s.Stdout == nil {
			s.Stdout = io.Discard
		}
	}
	if s.Container != "" {
		r.Param("container", s.Container)
		what += ", container " + s.Container
	}
	for _, p := range []struct {
		name string
		on   bool
	}{
		{"stdin", s.Stdin != nil}, {"stdout", s.Stdout != nil}, {"stderr", s.Stderr != nil},
		{"tty", s.TTY},
	} {
		r.Param(p.name, strconv.FormatBool(p.on))
	}
	sock, protocol, err := connect(ctx, r, protocolV5, protocolV4)
	if err != nil {
		return refused(ctx, c, what, "1.30", neverOld, err)
	}
	run := &running{Session: s, socket: sock, what: what, halfCloses: protocol == protocolV5}
	return c.Redact(run.carry())
}
