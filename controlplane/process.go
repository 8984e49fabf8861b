package controlplane

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"strings"
	"sync"
)

// process is a running `devcluster up --control`. Commands go to its stdin, answers come from its
// stdout, and EOF on stdin ends it. devcluster's package control documents the protocol.
type process struct {
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	answers chan answer   // closed by read at the end of stdout
	ended   chan struct{} // closed by read when the process has been waited for
	exit    error         // set before ended is closed
	stderr  *tail
	hello   hello

	mu sync.Mutex // one command at a time
}

// hello is devcluster's first line: the cluster is up.
type hello struct {
	Version    string         `json:"version"`
	Kubeconfig string         `json:"kubeconfig"`
	Server     string         `json:"server"`
	Data       string         `json:"data"`
	Logs       string         `json:"logs"`
	PIDs       map[string]int `json:"pids"`
}

// answer is one line of stdout; the first is a hello.
type answer struct {
	hello
	OK    bool   `json:"ok"`
	Error string `json:"error"`
}

// launch starts the devcluster binary and returns when the cluster is up, or ctx ends.
func launch(ctx context.Context, path string, o options) (*process, error) {
	cmd := exec.Command(path, append([]string{"up", "--control"}, o.args()...)...)
	stderr := &tail{}
	cmd.Stderr = stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	p := &process{cmd: cmd, stdin: stdin, stderr: stderr,
		answers: make(chan answer), ended: make(chan struct{})}
	go p.read(stdout)

	first, err := p.next(ctx)
	if err != nil {
		p.stop()
		return nil, fmt.Errorf("start the control plane: %w%s", err, stderr)
	}
	if !first.OK {
		p.stop() // what first.Error says is on devcluster's stderr, too, in lines
		return nil, fmt.Errorf("start the control plane: %w%s", errFailed, stderr)
	}
	p.hello = first.hello
	return p, nil
}

// read sends each answer of devcluster to answers until stdout ends, and then waits for the process.
func (p *process) read(stdout io.Reader) {
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		var a answer
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			a = answer{Error: fmt.Sprintf("devcluster wrote %q, which is no answer of its protocol", lines.Text())}
		}
		p.answers <- a
	}
	close(p.answers)
	p.exit = p.cmd.Wait()
	close(p.ended)
}

var (
	errEnded  = errors.New("devcluster has ended")
	errFailed = errors.New("devcluster failed")
)

// next returns the next answer. If ctx ends first, that answer is never received, so the process must
// not be used after that.
func (p *process) next(ctx context.Context) (answer, error) {
	select {
	case a, ok := <-p.answers:
		if !ok {
			<-p.ended
			return a, fmt.Errorf("%w: %v", errEnded, p.cmd.ProcessState)
		}
		return a, nil
	case <-ctx.Done():
		return answer{}, ctx.Err()
	}
}

// do sends one command and returns when devcluster has carried it out.
func (p *process) do(ctx context.Context, verb string) error {
	command := verb + " " + apiserver
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := fmt.Fprintln(p.stdin, command); err != nil {
		return fmt.Errorf("devcluster: %s: %w%s", command, err, p.stderr)
	}
	a, err := p.next(ctx)
	if err != nil {
		p.stdin.Close() // or its answer would be taken for the answer to the next command
		return fmt.Errorf("devcluster: %s: %w%s", command, err, p.stderr)
	}
	if !a.OK {
		return fmt.Errorf("devcluster: %s: %s", command, a.Error)
	}
	return nil
}

// stop ends the cluster and returns when all its processes have ended. A further call waits for the
// same.
func (p *process) stop() error {
	p.stdin.Close()
	for range p.answers { // until the reader closes it
	}
	<-p.ended
	if p.exit != nil {
		return fmt.Errorf("devcluster: %w%s", p.exit, p.stderr)
	}
	return nil
}

func (p *process) logs() string { return p.hello.Logs }

func (p *process) pids() map[string]int { return maps.Clone(p.hello.PIDs) }

// tail is a writer that keeps the last maxTail bytes, for error messages. It is safe for concurrent
// use.
type tail struct {
	mu   sync.Mutex
	data []byte
}

// maxTail is enough for an error of devcluster that shows the ends of its components' logs.
const maxTail = 16 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.data = append(t.data, p...)
	if over := len(t.data) - maxTail; over > 0 {
		t.data = append(t.data[:0], t.data[over:]...)
	}
	return len(p), nil
}

// String returns what was written, as the end of an error message. It is empty if nothing was written.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(bytes.TrimSpace(t.data)) == 0 {
		return ""
	}
	return "\n  output of devcluster:\n    " + strings.ReplaceAll(strings.TrimSpace(string(t.data)), "\n", "\n    ")
}
