package guide

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a command may take on a machine that does much else: one compiles a module.
const patience = 10 * time.Minute

// The guide works for somebody who has Go, and nothing of this repository.
func TestTheGuideWorksInAnEmptyFolder(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped (-short): this test needs a control plane")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "docs", "first-controller.md"))
	if err != nil {
		t.Fatal(err)
	}
	steps, err := parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	r := newReader(t, root)
	for _, s := range steps {
		switch {
		case s.unrun != "":
			t.Logf("line %d is not run: %s", s.line, s.unrun)
		case s.file != "":
			r.write(s.file, s.text)
		case s.background != "":
			r.start(s)
		case s.commands:
			r.run(s)
		default:
			r.printed(s)
		}
		if t.Failed() {
			return
		}
	}
}

// The unit test that the guide shows has at most 30 lines.
func TestTheUnitTestOfTheGuideIsShort(t *testing.T) {
	text, err := os.ReadFile("../../docs/first-controller.md")
	if err != nil {
		t.Fatal(err)
	}
	steps, err := parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range steps {
		if s.file != "controller_test.go" {
			continue
		}
		_, body, _ := strings.Cut(s.text, "\nfunc Test")
		lines := strings.Count(body, "\n") + 1
		if lines > 30 {
			t.Errorf("the unit test has %d lines, more than 30", lines)
		}
		return
	}
	t.Error("the guide has no controller_test.go")
}

// reader is somebody who follows the guide.
type reader struct {
	t    *testing.T
	dir  string // where they are
	env  []string
	last string // what the last commands have printed

	running []*output // of the commands that run on

	exports string // the file that carries variables and the folder from one block to the next
}

func newReader(t *testing.T, root string) *reader {
	t.Helper()
	home, proxy := t.TempDir(), t.TempDir()
	version, err := publish(root, proxy)
	if err != nil {
		t.Fatal(err)
	}
	outer := func(name string) string {
		out, err := exec.Command("go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	// Sockets lie below it, so that its path is short.
	tmp, err := os.MkdirTemp("", "guide")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(tmp) })
	cache := outer("GOMODCACHE")
	t.Cleanup(func() { forget(t, cache, version) })
	// kubectl is skiff's own.
	bin := t.TempDir()
	build := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(bin, "kubectl"), ".")
	build.Dir = filepath.Join(root, "cmd", "skiff")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build kubectl: %v\n%s", err, out)
	}
	r := &reader{t: t, dir: home, exports: filepath.Join(t.TempDir(), "exports")}
	r.env = append(os.Environ(),
		"HOME="+home, "TMPDIR="+tmp, "GOBIN=", "GOPATH=", "PATH="+bin+string(filepath.ListSeparator)+os.Getenv("PATH"),
		// The caches are shared, so that Kubernetes is not downloaded and compiled again.
		"GOMODCACHE="+cache, "GOCACHE="+outer("GOCACHE"),
		"GOPROXY=file://"+filepath.ToSlash(proxy)+","+outer("GOPROXY"),
		"GONOSUMDB="+library+","+library+"/*", "GOFLAGS=-modcacherw -trimpath", "GOWORK=off",
		// The guide's program listens on free ports.
		"WEBSITES_METRICS_ADDRESS=127.0.0.1:0", "WEBSITES_HEALTH_ADDRESS=127.0.0.1:0",
		"KUBECONFIG=", "SKIFF_DEVCLUSTER=", "SKIFF_TEST_KUBECONFIG=", "KUBEBUILDER_ASSETS=")
	return r
}

// forget removes the modules of a version from Go's cache of modules.
func forget(t *testing.T, cache, version string) {
	for _, dir := range modules {
		path := filepath.FromSlash(library)
		if dir != "." {
			path = filepath.Join(path, filepath.FromSlash(dir))
		}
		downloads, _ := filepath.Glob(filepath.Join(cache, "cache", "download", path, "@v", version+".*"))
		for _, p := range append(downloads, filepath.Join(cache, path+"@"+version)) {
			if err := os.RemoveAll(p); err != nil {
				t.Error(err)
			}
		}
	}
}

func (r *reader) write(name, text string) {
	r.t.Helper()
	path := filepath.Join(r.folder(), filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

// folder is where the commands so far have led to.
func (r *reader) folder() string {
	data, err := os.ReadFile(r.exports)
	if err != nil {
		return r.dir
	}
	found := regexp.MustCompile(`(?m)^declare -x PWD="(.*)"$`).FindSubmatch(data)
	if found == nil {
		return r.dir
	}
	return string(found[1])
}

// script runs commands as a shell in the reader's terminal does.
func (r *reader) script(ctx context.Context, commands string) *exec.Cmd {
	prelude := "set -eu -o pipefail\n[ ! -e '" + r.exports + "' ] || { . '" + r.exports + "'; cd \"$PWD\"; }\n"
	c := exec.CommandContext(ctx, "bash", "-c", prelude+commands+"\nexport -p >'"+r.exports+"'\n")
	c.Dir, c.Env, c.WaitDelay = r.dir, r.env, 20*time.Second
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGTERM) }
	return c
}

func (r *reader) run(s step) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	began := time.Now()
	out, err := r.script(ctx, s.text).CombinedOutput()
	// The guide says to run the command again then.
	for err != nil && bytes.Contains(out, []byte("no matches for kind")) && time.Since(began) < time.Minute {
		time.Sleep(time.Second)
		out, err = r.script(ctx, s.text).CombinedOutput()
	}
	r.last = string(out)
	if err != nil {
		for _, o := range r.running {
			r.t.Logf("a command that runs on has printed\n%s", o)
		}
		r.t.Fatalf("line %d: %v\n%s\nprinted\n%s", s.line, err, s.text, out)
	}
	r.t.Logf("line %d: %.1f s", s.line, time.Since(began).Seconds())
}

// start starts a command that runs until the test ends.
func (r *reader) start(s step) {
	r.t.Helper()
	out := &output{want: s.background, found: make(chan struct{})}
	c := r.script(context.Background(), "exec "+strings.TrimSpace(s.text))
	c.Stdout, c.Stderr = out, out
	r.running = append(r.running, out)
	if err := c.Start(); err != nil {
		r.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	r.t.Cleanup(func() {
		c.Cancel()
		<-ended
	})
	select {
	case <-out.found:
	case err := <-ended:
		ended <- err
		r.t.Fatalf("line %d: ended: %v\n%s\nprinted\n%s", s.line, err, s.text, out)
	case <-time.After(patience):
		r.t.Fatalf("line %d: %s\nhas not printed %q but\n%s", s.line, s.text, s.background, out)
	}
}

// printed compares what the last commands have printed: each line of the guide is found, in order.
func (r *reader) printed(s step) {
	r.t.Helper()
	rest := r.last
	for line := range strings.Lines(s.text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		parts := strings.Split(regexp.QuoteMeta(line), "…")
		pattern := regexp.MustCompile(strings.ReplaceAll(strings.Join(parts, ".*"), " ", `\s+`))
		at := pattern.FindStringIndex(rest)
		if at == nil {
			r.t.Fatalf("line %d: the commands did not print %q, but\n%s", s.line, line, r.last)
		}
		rest = rest[at[1]:]
	}
}

// output notes what a process prints, and when it has printed something.
type output struct {
	mu    sync.Mutex
	data  bytes.Buffer
	want  string
	found chan struct{}
	done  bool
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, err := o.data.Write(p)
	if !o.done && strings.Contains(o.data.String(), o.want) {
		o.done = true
		close(o.found)
	}
	return n, err
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.data.String()
}
