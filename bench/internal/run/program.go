package run

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/skiff-k8s/skiff/bench/internal/stats"
)

// smallest are the informer programs that are compared: the folder to build in, and the package.
var smallest = []struct {
	side         stats.Side
	dir, program string // dir is below the repository's root
}{
	{stats.Skiff, ".", "./examples/informer"},
	{stats.ClientGo, "bench", "./cmd/smallest-clientgo"},
}

// programs measures the smallest informer programs: once, for what a build makes does not vary. The
// time of the cold build is taken in every run, as it does.
func (b *Bench) programs(ctx context.Context) error {
	for run := range max(1, b.Scale.ColdBuilds) {
		for _, p := range smallest {
			b.progress("program", run, p.side)
			took, err := b.build(ctx, p.side, p.dir, p.program, run == 0)
			if err != nil {
				return err
			}
			if b.Scale.ColdBuilds > 0 {
				b.Samples.Add("informer_cold_build", p.side, took.Seconds())
			}
		}
	}
	return nil
}

// build builds a program in a folder of its own, with a build cache of its own if cold builds are
// timed, and notes what came out if asked to.
func (b *Bench) build(ctx context.Context, side stats.Side, dir, program string, note bool) (time.Duration, error) {
	temp, err := os.MkdirTemp("", "skiff-bench-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(temp)
	out := filepath.Join(temp, "program")
	env := []string{"CGO_ENABLED=0", "GOFLAGS="}
	if b.Scale.ColdBuilds > 0 {
		env = append(env, "GOCACHE="+filepath.Join(temp, "cache"))
	}
	dir = filepath.Join(b.Repository, dir)
	begin := time.Now()
	if _, err := goCommand(ctx, dir, env, "build", "-trimpath", "-ldflags", "-s -w", "-o", out, program); err != nil {
		return 0, err
	}
	took := time.Since(begin)
	if !note {
		return took, nil
	}
	file, err := os.Stat(out)
	if err != nil {
		return 0, err
	}
	info, err := buildinfo.ReadFile(out)
	if err != nil {
		return 0, err
	}
	packages, err := goCommand(ctx, dir, env, "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", program)
	if err != nil {
		return 0, err
	}
	modules := 0
	for _, m := range info.Deps {
		if m.Path != "github.com/skiff-k8s/skiff" { // where the bench's module itself is linked with skiff
			modules++
		}
	}
	b.Samples.Add("informer_binary", side, float64(file.Size()))
	b.Samples.Add("informer_modules", side, float64(modules))
	b.Samples.Add("informer_packages", side, float64(len(bytes.Fields(packages))))
	return took, nil
}

func goCommand(ctx context.Context, dir string, env []string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", args[0], err, stderr.Bytes())
	}
	return stdout.Bytes(), nil
}
