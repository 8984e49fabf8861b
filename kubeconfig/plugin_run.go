package kubeconfig

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"time"
	"unicode"

	"github.com/skiff-k8s/skiff/internal/files"
	"github.com/skiff-k8s/skiff/rest"
)

const (
	// pluginInfo is the environment variable that a plugin reads its ExecCredential from.
	pluginInfo = "KUBERNETES_EXEC_INFO"
	// maxPluginOutput limits what a plugin may print: a token, a chain of certificates and a key.
	maxPluginOutput = 1 << 20
	// maxPluginStderr is how much of the end of a plugin's standard error is kept for an error.
	maxPluginStderr = 2 << 10
	// pluginWaitDelay is how long the output of a plugin that has ended may stay open: a program that
	// it started may hold it.
	pluginWaitDelay = time.Second
	// pluginSlow is the time after which a line is logged that a plugin still runs.
	pluginSlow = 10 * time.Second
)

// PluginError is the error of a credential plugin that provided no credentials.
type PluginError struct {
	// Command is the program, as the kubeconfig names it.
	Command string
	// ExitCode is the plugin's exit status, or -1 if it did not end by itself.
	ExitCode int
	// Stderr is the end of what the plugin wrote to its standard error, in one line, 2 KiB at most.
	Stderr string
	// InstallHint is the kubeconfig's installHint if the program was not found.
	InstallHint string
	// Err is the cause.
	Err error
}

func (e *PluginError) Error() string {
	text := fmt.Sprintf("run the credential plugin %q: %v", e.Command, e.Err)
	if e.Stderr != "" {
		text += ": " + e.Stderr
	}
	if e.InstallHint != "" {
		text += "; to install it: " + e.InstallHint
	}
	return text
}

func (e *PluginError) Unwrap() error { return e.Err }

// terminal is held by the plugin that has standard input: the questions of two would mix.
var terminal = make(chan struct{}, 1)

// run runs the plugin and returns its credentials.
func (p *plugin) run(ctx context.Context) (*rest.Credentials, error) {
	if p.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, p.timeout, fmt.Errorf(
			"it has not ended after %v (WithPluginTimeout), and is killed", p.timeout))
		defer cancel()
	}
	fail := func(err error) (*rest.Credentials, error) {
		return nil, &PluginError{Command: p.Command, ExitCode: -1, Err: err}
	}
	path, err := p.find()
	if errors.Is(err, ErrPluginNotAllowed) {
		return nil, err
	}
	if err != nil {
		hint := ""
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
			hint = printable(p.InstallHint, maxPluginStderr)
		}
		return nil, &PluginError{Command: p.Command, ExitCode: -1, InstallHint: hint, Err: err}
	}
	interactive := p.InteractiveMode != neverInteractive && !p.noStdin && isTerminal(os.Stdin)
	if p.InteractiveMode == alwaysInteractive && !interactive {
		return fail(errors.New("it needs a terminal as standard input (interactiveMode: Always)"))
	}
	environment, err := p.environment(interactive)
	if err != nil {
		return fail(err)
	}
	cmd := exec.CommandContext(ctx, path)
	cmd.Args = append([]string{p.Command}, p.Args...)
	cmd.Env = environment
	cmd.WaitDelay = pluginWaitDelay
	stdout, stderr := &head{max: maxPluginOutput}, &tail{to: p.stderr, max: maxPluginStderr}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if interactive {
		select {
		case terminal <- struct{}{}:
			defer func() { <-terminal }()
		case <-ctx.Done():
			return fail(context.Cause(ctx))
		}
		cmd.Stdin = os.Stdin
	} else {
		ownGroup(cmd)
		defer time.AfterFunc(pluginSlow, func() {
			slog.Warn("the credential plugin still runs, requests wait for it", "command", p.Command,
				"limit", p.timeout)
		}).Stop()
	}
	err = cmd.Run()
	switch {
	case ctx.Err() != nil && err != nil:
		err = context.Cause(ctx)
	case stdout.over:
		err = fmt.Errorf("it printed more than %d bytes", maxPluginOutput)
	case errors.Is(err, exec.ErrWaitDelay): // it succeeded
		err = nil
	}
	var credentials *rest.Credentials
	if err == nil {
		credentials, err = p.credentials(stdout.data)
	}
	if err != nil {
		failed := &PluginError{Command: p.Command, ExitCode: -1, Err: err}
		if cmd.ProcessState != nil && ctx.Err() == nil { // otherwise it was killed
			failed.ExitCode = cmd.ProcessState.ExitCode()
		}
		failed.Stderr = p.withoutSecrets(printable(string(stderr.data), maxPluginStderr))
		return nil, failed
	}
	return credentials, nil
}

// environment returns the plugin's environment: this process's, the kubeconfig's, and the plugin's
// input.
func (p *plugin) environment(interactive bool) ([]string, error) {
	type spec struct {
		Cluster     *pluginCluster `json:"cluster,omitempty"`
		Interactive bool           `json:"interactive"`
	}
	input := struct {
		Kind       string `json:"kind"`
		APIVersion string `json:"apiVersion"`
		Spec       spec   `json:"spec"`
	}{pluginKind, p.APIVersion, spec{Interactive: interactive}}
	if p.cluster != nil {
		cluster := *p.cluster
		if p.caFile != "" && len(cluster.CAData) == 0 {
			var err error
			if cluster.CAData, err = files.Read(p.caFile, files.MaxPEM); err != nil {
				return nil, fmt.Errorf("read the CA for it: %w", err)
			}
		}
		input.Spec.Cluster = &cluster
	}
	text, err := json.Marshal(input)
	if err != nil {
		return nil, fmt.Errorf("encode its input: %w", err)
	}
	env := os.Environ()
	for _, e := range p.Env {
		env = append(env, e.Name+"="+e.Value)
	}
	return append(env, pluginInfo+"="+string(text)), nil
}

// withoutSecrets replaces the values of the kubeconfig's environment variables in what the plugin
// wrote. Some are passwords.
func (p *plugin) withoutSecrets(text string) string {
	const short = 8 // such as "true" and "1"
	for _, e := range p.Env {
		if value := printable(e.Value, len(e.Value)); len(value) >= short {
			text = strings.ReplaceAll(text, value, "[redacted]")
		}
	}
	return text
}

// printable returns text in one line without control characters, which a terminal would obey. It
// cuts what exceeds max bytes.
func printable(text string, max int) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	text = strings.Join(strings.Fields(text), " ")
	return strings.ToValidUTF8(text[:min(len(text), max)], "")
}

// head keeps the first bytes that are written to it, and fails after them.
type head struct {
	data []byte
	max  int
	over bool
}

func (h *head) Write(b []byte) (int, error) {
	if len(h.data)+len(b) > h.max {
		h.over = true
		return 0, io.ErrShortWrite
	}
	h.data = append(h.data, b...)
	return len(b), nil
}

// tail passes on what is written to it, and keeps the last bytes.
type tail struct {
	to   io.Writer
	data []byte
	max  int
}

func (t *tail) Write(b []byte) (int, error) {
	_, _ = t.to.Write(b) // it is shown if it can be
	t.data = append(t.data, b...)
	if extra := len(t.data) - t.max; extra > 0 {
		t.data = bytes.Clone(t.data[extra:])
	}
	return len(b), nil
}
