package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

func TestMain(m *testing.M) { controlplane.Main(removing{m}) }

// buildPrograms builds demo and addingress as they are shipped, and returns their folder. The first
// test that needs them pays for it.
var buildPrograms = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "skiff-demo-test-")
	if err != nil {
		return "", err
	}
	programsDir = dir
	out, err := exec.Command("go", "build", "-o", dir+string(filepath.Separator), ".", "..").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the demo: %w\n%s", err, out)
	}
	return dir, nil
})

// programsDir is the folder that buildPrograms made, if it was called.
var programsDir string

// removing removes programsDir after the tests: Main exits, and defers do not run.
type removing struct{ *testing.M }

func (r removing) Run() int {
	defer func() {
		if programsDir != "" {
			os.RemoveAll(programsDir)
		}
	}()
	return r.M.Run()
}

// showing is a demo that runs, with everything that it makes below a folder of its
// own: that is how its processes and files are found.
type showing struct {
	t     *testing.T
	ctx   context.Context
	dir   string
	cmd   *exec.Cmd
	lines *bufio.Scanner // of what it prints, errors included
	out   bytes.Buffer   // what was scanned so far
}

func show(t *testing.T, args ...string) *showing {
	t.Helper()
	return showWith(t, nil, args...)
}

// showWith starts a demo with additions to its environment.
func showWith(t *testing.T, env []string, args ...string) *showing {
	t.Helper()
	devcluster := controlplane.Binary(t)
	binaries, err := buildPrograms()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	dir, err := os.MkdirTemp("", "sd") // t.TempDir is too long a path for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &showing{t: t, ctx: ctx, dir: dir}
	s.cmd = exec.CommandContext(ctx, filepath.Join(binaries, "demo"), args...)
	s.cmd.Env = append(os.Environ(), "TMPDIR="+s.dir, controlplane.EnvBinary+"="+devcluster)
	s.cmd.Env = append(s.cmd.Env, env...)
	s.cmd.WaitDelay = 10 * time.Second
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { read.Close() })
	s.cmd.Stdout, s.cmd.Stderr = write, write
	s.lines = bufio.NewScanner(read)
	err = s.cmd.Start()
	write.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.cmd.ProcessState == nil {
			_ = s.cmd.Process.Kill()
			_ = s.cmd.Wait()
		}
	})
	return s
}

// says reads on to a line with that in it.
func (s *showing) says(part string) string {
	s.t.Helper()
	for s.lines.Scan() {
		fmt.Fprintln(&s.out, s.lines.Text())
		if strings.Contains(s.lines.Text(), part) {
			return s.lines.Text()
		}
	}
	s.t.Fatalf("it does not say %q:\n%s", part, &s.out)
	return ""
}

// ends reads on to the end, and returns the exit code.
func (s *showing) ends() int {
	s.t.Helper()
	for s.lines.Scan() {
		fmt.Fprintln(&s.out, s.lines.Text())
	}
	var exit *exec.ExitError
	if err := s.cmd.Wait(); err != nil && !errors.As(err, &exit) || s.ctx.Err() != nil {
		s.t.Fatalf("it does not end: %v\n%s", err, &s.out)
	}
	return s.cmd.ProcessState.ExitCode()
}

// leavesNothing waits until none of its processes runs any more, and checks that
// its files are gone.
func (s *showing) leavesNothing(files bool) {
	s.t.Helper()
	for {
		left := s.processes()
		if len(left) == 0 {
			break
		}
		select {
		case <-time.After(50 * time.Millisecond): // nobody tells of the end of a process that is not one's own
		case <-s.ctx.Done():
			s.t.Fatalf("processes are left:\n%s", strings.Join(left, "\n"))
		}
	}
	if !files {
		return
	}
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			s.t.Errorf("left behind: %s", path)
		}
		return err
	})
	if err != nil {
		s.t.Error(err)
	}
}

// processes is those whose command line or environment names our folder.
func (s *showing) processes() []string {
	s.t.Helper()
	out, err := exec.CommandContext(s.ctx, "ps", "-axwwo", "pid,args").Output()
	if err != nil {
		s.t.Fatal(err)
	}
	var found []string
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, s.dir) || strings.Contains(line, filepath.Join(programsDir, "addingress")) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

func TestOnceShowsEveryStepAndEnds(t *testing.T) {
	s := show(t, "--once")
	if code := s.ends(); code != 0 {
		t.Fatalf("exits with %d:\n%s", code, &s.out)
	}
	s.isNarrow()
	out := strings.ReplaceAll(s.out.String(), "\n           ", " ") // lines that were wrapped
	var from int
	for _, part := range []string{
		"Kubernetes v1.", "addingress runs",
		"1. A Service annotated", "http://web.shop.example.com/ goes to port http of Service web",
		"2. A Service that loses the annotation loses its Ingress", "Ingress web is gone",
		"3. A Service that gets the annotation back", "Ingress web is there",
		"4. An Ingress that somebody deletes is created again", "Ingress web deleted", "Ingress web is there",
		"5. An Ingress that somebody edits is repaired", "elsewhere.example.com", "http://web.shop.example.com/", "still there",
		"6. An Ingress of somebody else is not touched", "IngressNotOwned", "as it was",
		"7. A Service gets its Ingress when the foreign one of its name is gone", "http://api.shop.example.com/",
		"8. A Service that cannot be exposed", "ServiceHasNoPorts",
		"9. The Ingress of a deleted Service is garbage-collected", "Ingress web is gone",
		"All 9 steps came true",
	} {
		at := strings.Index(out[from:], part)
		if at < 0 {
			t.Fatalf("after %q it does not say %q:\n%s", out[max(0, from-40):from], part, out)
		}
		from += at + len(part)
	}
	if lines := regexp.MustCompile(`(?m)^ +\d+\.\d{3}s  .+$`).FindAllString(out, -1); len(lines) < 20 {
		t.Errorf("%d lines have a time:\n%s", len(lines), out)
	}
	uses := regexp.MustCompile(`addingress uses (\d+\.\d) MB of memory \(VmRSS\), (\d+\.\d) MB at its peak \(VmHWM\)\.`).FindStringSubmatch(out)
	if (uses != nil) != (runtime.GOOS == "linux") {
		t.Errorf("on %s it says of addingress's memory: %q", runtime.GOOS, uses)
	}
	for _, n := range uses[min(1, len(uses)):] {
		if mb, err := strconv.ParseFloat(n, 64); err != nil || mb < 5 || mb > 200 {
			t.Errorf("%s MB is no memory of a small program: %v", n, err)
		}
	}
	s.leavesNothing(true)
}

// isNarrow checks that all lines so far fit into 80 columns.
func (s *showing) isNarrow() {
	s.t.Helper()
	for line := range strings.Lines(s.out.String()) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
			s.t.Errorf("a line of %d columns: %s", n, line)
		}
	}
}

// Without an argument it stays up to be tried, until Ctrl-C. The commands that it prints are run as
// printed: those for curl always, those for kubectl where that is on the PATH.
func TestStaysUpUntilCtrlC(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Errorf("the commands for curl cannot be tried: %v", err)
	} else {
		t.Run("curl", func(t *testing.T) {
			staysUp(t, showWith(t, []string{"PATH=" + t.TempDir()}), map[string]int{
				`"host": "hello.default.example.com"`: 2,
				`"number": 80`:                        2,
				`"status": "Success"`:                 1, // the Ingress is deleted
				`"kind": "IngressList"`:               1,
				`"items": []`:                         1,
			})
		})
	}
	if _, err := exec.LookPath("kubectl"); err != nil {
		t.Logf("the commands for kubectl are not tried: %v", err)
	} else {
		t.Run("kubectl", func(t *testing.T) {
			staysUp(t, show(t), map[string]int{
				"service/hello created":                     1,
				"service/hello annotated":                   2,
				"hello.default.example.com":                 2,
				`ingress.networking.k8s.io "hello" deleted`: 1,
				"No resources found in default namespace.":  1,
			})
		})
	}
}

// staysUp runs the commands that the demo prints, whose output is to have each text as often as want
// has it, and ends the demo with Ctrl-C.
func staysUp(t *testing.T, s *showing, want map[string]int) {
	t.Helper()
	s.says("All 9 steps came true")
	s.says("The kubeconfig:")
	path := strings.TrimSpace(s.says("kubeconfig"))
	s.says(invitation)
	before := s.out.Len()
	s.says(lastLine)
	s.isNarrow()
	commands := strings.TrimSuffix(s.out.String()[before:], lastLine+"\n")

	shell := exec.CommandContext(s.ctx, "sh", "-e", "-u", "-c", commands)
	shell.Env = append(os.Environ(), "HOME="+t.TempDir(), "KUBECONFIG=")
	said, err := shell.CombinedOutput()
	if err != nil {
		t.Errorf("the commands that it prints fail: %v\n%s\n%s", err, commands, said)
	}
	for text, n := range want {
		if got := strings.Count(string(said), text); got != n {
			t.Errorf("the commands that it prints show %q %d times, want %d:\n%s\n%s", text, got, n, commands, said)
		}
	}

	config, err := kubeconfig.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	c, err := rest.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseIdleConnections()
	if _, err := client.Of[networkingv1.Ingress](c).In(namespace).Get(s.ctx, "api", metav1.GetOptions{}); err != nil {
		t.Error(err)
	}
	if len(s.processes()) == 0 {
		t.Error("no process of it is found: the check that none is left would say nothing")
	}

	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := s.ends(); code != 0 {
		t.Errorf("exits with %d:\n%s", code, &s.out)
	}
	s.leavesNothing(true)
}

// Killed, it cannot clean up; its processes end all the same.
func TestKilledItLeavesNoProcess(t *testing.T) {
	s := show(t)
	s.says("3. A Service that gets") // in the midst of things
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	s.ends()
	s.leavesNothing(false)
}

func TestInterruptedInTheMidstItLeavesNothing(t *testing.T) {
	s := show(t)
	s.says("Starting a Kubernetes control plane")
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := s.ends(); code != 1 {
		t.Errorf("exits with %d:\n%s", code, &s.out)
	}
	s.leavesNothing(false) // a start that fails leaves its logs to be read
}

// A step that does not come true ends it, and it says which.
func TestFailsIfAStepDoesNotComeTrue(t *testing.T) {
	for _, tt := range []struct{ name, script, says string }{
		{"an operator that does nothing", "trap 'exit 0' TERM; while :; do sleep 0.1; done", "step 1 (A Service annotated"},
		{"an operator that ends", "echo it breaks >&2; exit 3", "addingress ended on its own"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			script := filepath.Join(t.TempDir(), "addingress")
			if err := os.WriteFile(script, []byte("#!/bin/sh\n"+tt.script+"\n"), 0o700); err != nil {
				t.Fatal(err)
			}
			s := show(t, "--once", "--addingress", script, "--step-timeout", "2s")
			if code := s.ends(); code != 1 || !strings.Contains(s.out.String(), tt.says) {
				t.Errorf("exits with %d:\n%s", code, &s.out)
			}
			s.leavesNothing(true)
		})
	}
}

func TestWrongFlagsExitWith2(t *testing.T) {
	for _, args := range [][]string{{"--twice"}, {"once"}} {
		var stdout, stderr bytes.Buffer
		if code := run(args, &stdout, &stderr); code != 2 || stderr.Len() == 0 {
			t.Errorf("%v exits with %d and says %q", args, code, &stderr)
		}
	}
}
