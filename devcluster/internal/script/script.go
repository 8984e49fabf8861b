// Package script runs the commands of the containers of `devcluster --kubelet`. They are written in
// Go and work on their own streams only: no file and no process of this machine can be reached. The
// commands are
//
//	echo [-n] WORD…     prints the words
//	cat                 copies its input
//	wc                  prints the number of bytes of its input
//	fill N              prints N bytes
//	tick SECONDS [N]    prints "tick 1", "tick 2" and so on, N times or for ever
//	sleep SECONDS       waits; "sleep infinity" and "pause" wait for the end of the container
//	true, false         end with code 0 and 1
//	hostname            prints the name of the pod
//	tty                 prints "tty" and ends with 0, or "not a tty" and 1
//	size N              prints the next N sizes of the terminal, as "80x24"
//	listen PORT…        accepts TCP connections and sends back what they send
//	httpd PORT          answers HTTP requests with the request
//	sh -c SCRIPT        runs commands with ; && || and line ends between them, quotes, >&2, # and exit N
//
// Other programs do not exist.
package script

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Size is the size of a terminal.
type Size struct{ Width, Height uint16 }

// Process is what a command runs with.
type Process struct {
	Args           []string
	Stdin          io.Reader // nil means an empty input
	Stdout, Stderr io.Writer // nil means that the output is dropped
	TTY            bool
	Sizes          <-chan Size
	Hostname       string
	Network        *Network // the network of the pod
}

// ErrNotFound is the error of a program that does not exist.
var ErrNotFound = errors.New("executable file not found in $PATH")

// The exit codes that are fixed.
const (
	codeUsage    = 2
	codeNotFound = 127
	// Killed is the exit code of a process whose context has ended: 128 and SIGKILL.
	Killed = 137
)

type command func(ctx context.Context, p *Process, args []string) int

var commands map[string]command

func init() { // sh refers to the table
	commands = map[string]command{
		"echo": echo, "cat": cat, "wc": wc, "fill": fill, "tick": tick, "sleep": sleepFor, "pause": pause,
		"true":     func(context.Context, *Process, []string) int { return 0 },
		"false":    func(context.Context, *Process, []string) int { return 1 },
		"hostname": func(_ context.Context, p *Process, _ []string) int { return p.print(p.Hostname + "\n") },
		"tty":      tty, "size": size, "listen": listen, "httpd": httpd, "sh": sh,
	}
}

// Exists returns an error that wraps ErrNotFound if there is no program of that name.
func Exists(name string) error {
	if _, ok := commands[strings.TrimPrefix(name, "/bin/")]; !ok {
		return fmt.Errorf("exec: %q: %w", name, ErrNotFound)
	}
	return nil
}

// Run runs the process and returns its exit code. If ctx ends, the code is Killed.
func (p Process) Run(ctx context.Context) int {
	if p.Stdin == nil {
		p.Stdin = strings.NewReader("")
	}
	if p.Stdout == nil {
		p.Stdout = io.Discard
	}
	if p.Stderr == nil {
		p.Stderr = io.Discard
	}
	if len(p.Args) == 0 {
		p.Args = []string{"pause"}
	}
	return p.call(ctx, p.Args)
}

// call runs one command.
func (p *Process) call(ctx context.Context, args []string) int {
	run, ok := commands[strings.TrimPrefix(args[0], "/bin/")]
	if !ok {
		return p.fail(codeNotFound, "%s: not found", args[0])
	}
	code := run(ctx, p, args[1:])
	if ctx.Err() != nil {
		return Killed
	}
	return code
}

func (p *Process) print(text string) int {
	if _, err := io.WriteString(p.Stdout, text); err != nil {
		return 1
	}
	return 0
}

func (p *Process) fail(code int, format string, args ...any) int {
	fmt.Fprintf(p.Stderr, format+"\n", args...)
	return code
}

func echo(_ context.Context, p *Process, args []string) int {
	end := "\n"
	if len(args) > 0 && args[0] == "-n" {
		args, end = args[1:], ""
	}
	return p.print(strings.Join(args, " ") + end)
}

func cat(_ context.Context, p *Process, args []string) int {
	if len(args) > 0 {
		return p.fail(1, "cat: %s: No such file or directory", args[0])
	}
	if _, err := io.Copy(p.Stdout, p.Stdin); err != nil {
		return 1
	}
	return 0
}

func wc(_ context.Context, p *Process, _ []string) int {
	n, err := io.Copy(io.Discard, p.Stdin)
	if err != nil {
		return 1
	}
	return p.print(fmt.Sprintln(n))
}

func fill(_ context.Context, p *Process, args []string) int {
	n, err := number(args, 0)
	if err != nil {
		return p.fail(codeUsage, "fill: %v", err)
	}
	block := []byte(strings.Repeat("x", 32<<10))
	for left := int64(n); left > 0; {
		written, err := p.Stdout.Write(block[:min(left, int64(len(block)))])
		if err != nil {
			return 1
		}
		left -= int64(written)
	}
	return 0
}

func tick(ctx context.Context, p *Process, args []string) int {
	every, err := number(args, 0)
	if err != nil {
		return p.fail(codeUsage, "tick: %v", err)
	}
	times := -1.
	if len(args) > 1 {
		if times, err = number(args, 1); err != nil {
			return p.fail(codeUsage, "tick: %v", err)
		}
	}
	for i := 1; times < 0 || float64(i) <= times; i++ {
		if code := p.print(fmt.Sprintf("tick %d\n", i)); code != 0 {
			return code
		}
		if !wait(ctx, every) {
			return Killed
		}
	}
	return 0
}

func sleepFor(ctx context.Context, p *Process, args []string) int {
	if len(args) == 1 && args[0] == "infinity" {
		return pause(ctx, p, nil)
	}
	seconds, err := number(args, 0)
	if err != nil {
		return p.fail(codeUsage, "sleep: %v", err)
	}
	wait(ctx, seconds)
	return 0
}

func pause(ctx context.Context, _ *Process, _ []string) int {
	<-ctx.Done()
	return Killed
}

func tty(_ context.Context, p *Process, _ []string) int {
	if p.TTY {
		return p.print("tty\n")
	}
	p.print("not a tty\n")
	return 1
}

func size(ctx context.Context, p *Process, args []string) int {
	n, err := number(args, 0)
	if err != nil {
		return p.fail(codeUsage, "size: %v", err)
	}
	for i := 0; i < int(n); i++ {
		select {
		case <-ctx.Done():
			return Killed
		case s, ok := <-p.Sizes:
			if !ok {
				return p.fail(1, "size: the terminal has gone")
			}
			p.print(fmt.Sprintf("%dx%d\n", s.Width, s.Height))
		}
	}
	return 0
}

// number returns an argument as a number.
func number(args []string, i int) (float64, error) {
	if i >= len(args) {
		return 0, errors.New("a number is missing")
	}
	n, err := strconv.ParseFloat(args[i], 64)
	if err != nil || n < 0 || n > 1e9 {
		return 0, fmt.Errorf("%q is not a number between 0 and 1e9", args[i])
	}
	return n, nil
}

// wait waits for seconds. It reports false if ctx ended before.
func wait(ctx context.Context, seconds float64) bool {
	timer := time.NewTimer(time.Duration(seconds * float64(time.Second)))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
