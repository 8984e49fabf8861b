// Package control lets a program control a cluster: `devcluster up --control` reads one command a
// line from standard input and answers each with one line of JSON on standard output, in order.
// Package controlplane of the library module is its client.
//
//	                           ← {"event":"ready","ok":true,"kubeconfig":"…","server":"https://127.0.0.1:40123","pids":{…},…}
//	→ restart kube-apiserver   ← {"event":"answer","ok":true,"command":"restart kube-apiserver","pids":{…},"states":{…}}
//	→ status                   ← {"event":"answer","ok":true,"command":"status",…}
//	→ dance kube-apiserver     ← {"event":"answer","ok":false,"command":"dance kube-apiserver","error":"…",…}
//	→ end of input             (the cluster is stopped, and the program ends)
//
// A command is status, or one of these verbs with the name of a component:
//
//   - start starts it and waits until it is ready;
//   - stop sends SIGTERM and waits for its end;
//   - restart stops and starts it;
//   - kill sends SIGKILL and waits for its end;
//   - pause sends SIGSTOP, and resume SIGCONT.
//
// The API server keeps its port. If the cluster fails, at its start or later, the last line is
// {"event":"failed","ok":false,"error":"…"}. All other messages go to standard error.
package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/skiff-k8s/skiff/devcluster/internal/cluster"
)

// The kinds of a Message.
const (
	Ready  = "ready"  // the cluster is up; the first line
	Answer = "answer" // the answer to one command
	Failed = "failed" // the cluster failed; the last line
)

// Message is one line of output.
type Message struct {
	Event   string                   `json:"event"`
	OK      bool                     `json:"ok"` // in Answer: the command was carried out
	Command string                   `json:"command,omitempty"`
	Error   string                   `json:"error,omitempty"`
	PIDs    map[string]int           `json:"pids,omitempty"`
	States  map[string]cluster.State `json:"states,omitempty"`

	// Only in Ready.
	Version    string `json:"version,omitempty"` // of Kubernetes, as v1.37.2
	Kubeconfig string `json:"kubeconfig,omitempty"`
	Server     string `json:"server,omitempty"`
	Data       string `json:"data,omitempty"`
	Logs       string `json:"logs,omitempty"`
}

// aliases are shorter names of the components.
var aliases = map[string]string{
	"apiserver":          cluster.APIServer,
	"controller-manager": cluster.ControllerManager,
}

// errEnded is the cause for which a command is aborted when standard input ends.
var errEnded = errors.New("the commands have ended")

// Cluster is the cluster that the commands control.
type Cluster interface {
	Do(ctx context.Context, verb, component string) error
	PIDs() map[string]int
	States() map[string]cluster.State
}

// Write writes one message as one line.
func Write(w io.Writer, m Message) error {
	line, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_, err = w.Write(append(line, '\n'))
	return err
}

// Serve carries out the commands of in. When in ends, it returns nil: the controlling program is
// gone, so the current command is aborted and the remaining ones are dropped. When ctx ends or an
// answer cannot be written, it returns an error. The goroutine that reads in then stays until in
// ends, because nothing else can wake it.
func Serve(ctx context.Context, in io.Reader, out io.Writer, c Cluster) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	commands := make(chan string, 64) // so that the end is seen behind commands that wait
	go func() {
		lines := bufio.NewScanner(in)
		for lines.Scan() {
			select {
			case commands <- strings.TrimSpace(lines.Text()):
			case <-ctx.Done():
				return
			}
		}
		if err := lines.Err(); err != nil {
			cancel(fmt.Errorf("read the next command: %w", err))
		}
		cancel(errEnded)
	}()
	for {
		var command string
		select {
		case command = <-commands:
		case <-ctx.Done():
			if cause := context.Cause(ctx); cause != errEnded {
				return cause
			}
			return nil
		}
		if command == "" {
			continue
		}
		m := Message{Event: Answer, OK: true, Command: command}
		if err := do(ctx, c, command); err != nil {
			m.OK, m.Error = false, err.Error()
		}
		if ctx.Err() != nil {
			continue // the loop returns the cause
		}
		m.PIDs, m.States = c.PIDs(), c.States()
		if err := Write(out, m); err != nil {
			return fmt.Errorf("answer %q: %w", command, err)
		}
	}
}

func do(ctx context.Context, c Cluster, command string) error {
	words := strings.Fields(command)
	switch {
	case len(words) == 1 && words[0] == "status":
		return nil
	case len(words) != 2:
		return fmt.Errorf("a command is `status`, or one of %s and a component", strings.Join(cluster.Verbs, ", "))
	}
	name := words[1]
	if full, ok := aliases[name]; ok {
		name = full
	}
	return c.Do(ctx, words[0], name)
}
