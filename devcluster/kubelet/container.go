package kubelet

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"

	"github.com/skiff-k8s/skiff/devcluster/internal/script"
)

const (
	// firstRestart is the pause before a process that has ended runs again. It doubles up to
	// lastRestart. A kubelet's are 10 s and 5 minutes.
	firstRestart = time.Second
	lastRestart  = 30 * time.Second
)

// container is a container of a pod. Its process is a script.
type container struct {
	pod  *pod
	spec *corev1.Container
	init bool
	dir  string // of its logs

	mu       sync.Mutex // guards the fields below
	runs     int        // the number of the present run, or of the last one
	running  bool
	since    metav1.Time
	last     *corev1.ContainerStateTerminated // how the last run ended
	previous *corev1.ContainerStateTerminated // the run before
	output   *output                          // of the present run, or of the last one
	stdin    *io.PipeWriter                   // nil if the container has none
}

func newContainer(q *pod, spec *corev1.Container, init bool, root string) *container {
	return &container{
		pod: q, spec: spec, init: init, runs: -1,
		dir: filepath.Join(root, q.namespace+"_"+q.name+"_"+string(q.uid), spec.Name),
	}
}

// run runs the process, again and again if the pod says so.
func (c *container) run() {
	pause := firstRestart
	for {
		c.once()
		policy := c.pod.spec.RestartPolicy
		again := policy == corev1.RestartPolicyAlways && !c.init ||
			policy != corev1.RestartPolicyNever && c.code() != 0
		if c.pod.life.Err() != nil || !again {
			return
		}
		select {
		case <-c.pod.life.Done():
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, lastRestart)
	}
}

// once runs the process once.
func (c *container) once() {
	args := slices.Concat(c.spec.Command, c.spec.Args)
	if err := c.begin(); err != nil {
		klog.ErrorS(err, "starting a container failed", "pod", c.pod.name, "container", c.spec.Name)
		return
	}
	c.pod.change()
	c.mu.Lock()
	out := c.output
	var in io.Reader
	if c.spec.Stdin {
		r, w := io.Pipe()
		in, c.stdin = r, w
	}
	c.mu.Unlock()
	process := c.process(args)
	process.Stdin, process.Stdout, process.Stderr, process.TTY = in, out.stream("stdout"), out.stream("stderr"), c.spec.TTY
	if c.spec.TTY {
		process.Stderr = process.Stdout
	}
	ended := context.AfterFunc(c.pod.life, func() { c.closeStdin() })
	code := process.Run(c.pod.life)
	ended()
	c.closeStdin()
	c.end(code)
	c.pod.change()
}

// process returns a process in the container.
func (c *container) process(args []string) script.Process {
	return script.Process{Args: args, Hostname: c.pod.name, Network: &c.pod.network}
}

func (c *container) closeStdin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stdin != nil {
		_ = c.stdin.Close()
	}
}

func (c *container) begin() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return err
	}
	out, err := newOutput(c.logFile(c.runs + 1))
	if err != nil {
		return err
	}
	c.runs++
	c.output, c.running, c.since = out, true, metav1.Now()
	c.last, c.previous = nil, c.last
	_ = os.Remove(c.logFile(c.runs - 2)) // logs of two runs are kept
	return nil
}

func (c *container) end(code int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	reason := "Completed"
	if code != 0 {
		reason = "Error"
	}
	c.running = false
	c.last = &corev1.ContainerStateTerminated{
		ExitCode: int32(code), Reason: reason, StartedAt: c.since, FinishedAt: metav1.Now(),
		ContainerID: c.id(c.runs),
	}
	c.output.close()
}

// code returns how the last run ended.
func (c *container) code() int32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last == nil {
		return script.Killed
	}
	return c.last.ExitCode
}

func (c *container) id(run int) string {
	return fmt.Sprintf("script://%s-%s-%d", c.pod.uid, c.spec.Name, run)
}

func (c *container) logFile(run int) string { return filepath.Join(c.dir, fmt.Sprintf("%d.log", run)) }

func (c *container) removeLogs() { _ = os.RemoveAll(filepath.Dir(c.dir)) }

// status returns the status of the container.
func (c *container) status() corev1.ContainerStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := corev1.ContainerStatus{
		Name: c.spec.Name, Image: c.spec.Image, ImageID: "script://" + c.spec.Image,
		Started: &c.running, Ready: c.running, RestartCount: int32(max(c.runs, 0)),
	}
	if c.init {
		s.Ready = c.last != nil && c.last.ExitCode == 0
	}
	if c.runs >= 0 {
		s.ContainerID = c.id(c.runs)
	}
	switch {
	case c.running:
		s.State.Running = &corev1.ContainerStateRunning{StartedAt: c.since}
	case c.last != nil:
		s.State.Terminated = c.last
	default:
		s.State.Waiting = &corev1.ContainerStateWaiting{Reason: "PodInitializing"}
	}
	if c.previous != nil {
		s.LastTerminationState.Terminated = c.previous
	}
	started := c.running
	s.Started = &started
	return s
}
