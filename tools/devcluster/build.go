package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// kubernetes is the version that the module requires, and that its programs report.
	kubernetes = "v1.37.2"
	// date is when that version of the module was published: a build date that is the same in
	// every build.
	date = "2026-10-27T12:01:04Z"
)

// beat is how often a build that takes minutes says that it goes on.
const beat = 20 * time.Second

// ldflags are those of Kubernetes' own builds: without them its programs report v0.0.0. A module's
// archive says which release it is, but not which commit.
func ldflags() string {
	flags := "-s -w"
	parts := strings.SplitN(kubernetes, ".", 3)
	for _, v := range [][2]string{
		{"gitVersion", kubernetes}, {"gitMajor", strings.TrimPrefix(parts[0], "v")}, {"gitMinor", parts[1]},
		{"gitCommit", "unknown"}, {"gitTreeState", "archive"}, {"buildDate", date},
	} {
		flags += " -X k8s.io/component-base/version." + v[0] + "=" + v[1]
	}
	return flags
}

// build builds the module in source to the file out. It does nothing if the file was built from the
// same source, with the same toolchain.
func build(ctx context.Context, source, out string, stdout io.Writer) error {
	listed, err := output(ctx, source, "go", "list", "-m", "-f", "{{.Version}}", "k8s.io/kubernetes")
	if err != nil {
		return err
	}
	if v := strings.TrimSpace(string(listed)); v != kubernetes {
		return fmt.Errorf("the module requires k8s.io/kubernetes %s, and this program builds %s: use both at the same version of skiff (set kubernetes and date in tools/devcluster)", v, kubernetes)
	}
	state, err := stateOf(ctx, source)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return err
	}
	// Without the stamp the linker would take ten seconds each time.
	stamp := filepath.Join(filepath.Dir(out), "."+filepath.Base(out)+".stamp")
	if old, err := os.ReadFile(stamp); err == nil && string(old) == state {
		if _, err := os.Stat(out); err == nil {
			fmt.Fprintf(stdout, "devcluster: %s is up to date\n", out)
			return nil
		}
	}
	fmt.Fprintf(stdout, "devcluster: building Kubernetes %s and etcd into %s\n", kubernetes, out)
	fmt.Fprintln(stdout, "devcluster: the first build downloads and compiles about 1,500 packages: some 6 minutes on 2 cores; later ones take seconds")
	began := time.Now()
	next := fmt.Sprintf("%s.next.%d", out, os.Getpid())
	defer os.Remove(next)
	if err := compile(ctx, source, next, stdout); err != nil {
		return err
	}
	seeded, err := addSeed(ctx, next, stdout)
	if err != nil {
		return err
	}
	if err := os.Rename(next, out); err != nil {
		return err
	}
	if !seeded {
		state = "without a seed\n" // the next build tries again
	}
	if err := os.WriteFile(stamp, []byte(state), 0o644); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "devcluster: built %s in %.0f s\n", out, time.Since(began).Seconds())
	return nil
}

// compile runs go build, and says from time to time that it goes on.
func compile(ctx context.Context, source, out string, stdout io.Writer) error {
	// With -v the compiler names each package as it begins with it; what it says besides is an error.
	command := exec.CommandContext(ctx, "go", "build", "-v", "-trimpath", "-buildvcs=false", "-ldflags", ldflags(), "-o", out, ".")
	command.Dir = source
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-trimpath", "GOWORK=off")
	command.WaitDelay = 10 * time.Second
	said := new(report)
	command.Stderr = said
	began := time.Now()
	if err := command.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	ticks := time.NewTicker(beat)
	defer ticks.Stop()
	for {
		select {
		case err := <-ended:
			if err != nil {
				return errors.Join(context.Cause(ctx), fmt.Errorf("build: %w\n%s", err, said.problems()))
			}
			return nil
		case <-ticks.C:
			fmt.Fprintf(stdout, "devcluster: still building, %.0f s, %d packages compiled\n", time.Since(began).Seconds(), said.packages())
		}
	}
}

// report is what go build -v prints: a line for each package, and what went wrong. It is safe for
// concurrent use.
type report struct {
	mu   sync.Mutex
	text strings.Builder
}

func (r *report) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

var packageLine = regexp.MustCompile(`^[a-zA-Z0-9._~/-]+$`)

func (r *report) split() (packages int, problems []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for line := range strings.Lines(r.text.String()) {
		switch line = strings.TrimRight(line, "\n"); {
		case packageLine.MatchString(line):
			packages++
		case !strings.HasPrefix(line, "go: downloading "):
			problems = append(problems, line)
		}
	}
	return packages, problems
}

func (r *report) packages() int {
	packages, _ := r.split()
	return packages
}

func (r *report) problems() string {
	_, problems := r.split()
	return strings.Join(problems, "\n")
}

// stateOf tells apart what leads to different programs: the toolchain, the module's files, and how
// this program builds.
func stateOf(ctx context.Context, source string) (string, error) {
	toolchain, err := output(ctx, source, "go", "env", "GOVERSION", "GOOS", "GOARCH")
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%s%s\n", toolchain, ldflags())
	var files []string
	err = filepath.WalkDir(source, func(path string, entry os.DirEntry, err error) error {
		name := entry.Name()
		if err == nil && !entry.IsDir() && !strings.HasSuffix(name, "_test.go") &&
			(strings.HasSuffix(name, ".go") || name == "go.mod" || name == "go.sum") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		return "", err
	}
	slices.Sort(files)
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		name, err := filepath.Rel(source, path)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(sum, "%s %x\n", filepath.ToSlash(name), sha256.Sum256(data))
	}
	return fmt.Sprintf("%x\n", sum.Sum(nil)), nil
}
