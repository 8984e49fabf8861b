package kubelet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	internalapi "k8s.io/cri-api/pkg/apis"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"

	"github.com/skiff-k8s/skiff/devcluster/internal/script"
)

// readLogs writes the log of the container, as a kubelet does.
func (c *container) readLogs(ctx context.Context, opts *corev1.PodLogOptions, out io.Writer) error {
	c.mu.Lock()
	run := c.runs
	c.mu.Unlock()
	if opts.Previous {
		run--
	}
	switch {
	case run < 0 && opts.Previous:
		return fmt.Errorf("previous terminated container %q in pod %q not found", c.spec.Name, c.pod.name)
	case run < 0:
		return fmt.Errorf("container %q in pod %q is waiting to start: PodInitializing", c.spec.Name, c.pod.name)
	}
	err := readFile(ctx, c.logFile(run), c.id(run), opts, states{c: c, run: run}, out)
	if errors.Is(err, os.ErrNotExist) || ctx.Err() != nil {
		return nil
	}
	return err
}

// states is the one part of a container runtime that the reader of logs asks: whether a container
// that is followed runs.
type states struct {
	internalapi.RuntimeService
	c   *container
	run int
}

func (s states) ContainerStatus(context.Context, string, bool) (*runtimeapi.ContainerStatusResponse, error) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	state := runtimeapi.ContainerState_CONTAINER_EXITED
	if s.c.running && s.c.runs == s.run {
		state = runtimeapi.ContainerState_CONTAINER_RUNNING
	}
	return &runtimeapi.ContainerStatusResponse{Status: &runtimeapi.ContainerStatus{State: state}}, nil
}

// mayConnect returns an error if the container does not run.
func (c *container) mayConnect() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.running {
		return fmt.Errorf("container not found (%q)", c.spec.Name)
	}
	return nil
}

// executor implements the interfaces of package remotecommand for one container.
type executor struct{ c *container }

// ExecInContainer runs a command beside the container's process.
func (e executor) ExecInContainer(
	ctx context.Context, _, _, _ string, cmd []string, in io.Reader, out, errOut io.WriteCloser,
	tty bool, resize <-chan remotecommand.TerminalSize, _ time.Duration,
) error {
	if len(cmd) == 0 {
		return errors.New("the command is missing")
	}
	if err := script.Exists(cmd[0]); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.c.pod.life, cancel)()
	p := e.c.process(cmd)
	p.Stdin, p.TTY, p.Sizes = in, tty, sizes(ctx, resize)
	if out != nil {
		p.Stdout = out
	}
	if errOut != nil {
		p.Stderr = errOut
	} else {
		p.Stderr = p.Stdout // a terminal has one output
	}
	if code := p.Run(ctx); code != 0 {
		return utilexec.CodeExitError{Err: fmt.Errorf("command terminated with exit code %d", code), Code: code}
	}
	return nil
}

// AttachContainer connects to the container's process until it ends or the client goes.
func (e executor) AttachContainer(
	ctx context.Context, _, _, _ string, in io.Reader, out, errOut io.WriteCloser, _ bool,
	_ <-chan remotecommand.TerminalSize,
) error {
	c := e.c
	c.mu.Lock()
	o, stdin := c.output, c.stdin
	c.mu.Unlock()
	if out != nil {
		defer o.attach("stdout", out)()
	}
	if errOut != nil {
		defer o.attach("stderr", errOut)()
	}
	if in != nil && stdin != nil {
		go func() { // ends with the connection
			_, _ = io.Copy(stdin, in)
			if c.spec.StdinOnce {
				_ = stdin.Close()
			}
		}()
	}
	select {
	case <-o.ended:
	case <-ctx.Done():
	}
	return nil
}

// sizes converts the sizes of a terminal.
func sizes(ctx context.Context, in <-chan remotecommand.TerminalSize) <-chan script.Size {
	if in == nil {
		return nil
	}
	out := make(chan script.Size)
	go func() {
		defer close(out)
		for s := range in {
			select {
			case out <- script.Size{Width: s.Width, Height: s.Height}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

// forwarder implements the interface of package portforward for one pod.
type forwarder struct{ q *pod }

// PortForward connects a stream to a port of the pod, as the container runtimes do.
func (f forwarder) PortForward(ctx context.Context, _, _ string, port int32, stream io.ReadWriteCloser) error {
	conn, err := f.q.network.Dial(ctx, uint16(port))
	if err != nil {
		return fmt.Errorf("failed to connect to localhost:%d inside namespace %q: %w", port, f.q.name, err)
	}
	defer conn.Close()
	defer context.AfterFunc(f.q.life, func() { _ = conn.Close() })()
	go func() { // ends with the stream
		_, _ = io.Copy(conn, stream)
		_ = conn.CloseWrite()
	}()
	_, err = io.Copy(stream, conn)
	return err
}
