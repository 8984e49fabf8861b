// Package sizes compares programs that do the same with skiff and without: how large they are, stripped,
// and how many modules of others are linked into them.
package sizes

import (
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Name is the name of the section in RESULTS.md.
const Name = "sizes"

// program is a main package: the folder of its module below the repository's root, and its path there.
type program struct{ module, path string }

// pairs are the programs that are compared.
var pairs = []struct {
	title        string
	ours, theirs program
	most         int64 // bytes that ours may have
}{
	{"an informer of pods: `examples/informer`, and the same with client-go",
		program{".", "./examples/informer"}, program{"bench", "./cmd/smallest-clientgo"}, 12_700_000},
	{"a whole operator (a controller, election, metrics, probes, profiles, events, webhooks): `bench/cmd/operator-skiff`, which also has the live page, and `bench/cmd/operator-ctrl` with controller-runtime",
		program{"bench", "./cmd/operator-skiff"}, program{"bench", "./cmd/operator-ctrl"}, 20_000_000},
}

// Size is what came out of a build.
type Size struct {
	Bytes   int64
	Modules int // of others
}

// Bench is a comparison.
type Bench struct {
	Repository string    // its root
	Sizes      [][2]Size // of pairs: skiff's, and the other's
}

// Run builds the programs, in a folder that it removes again.
func (b *Bench) Run(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp("", "skiff-sizes-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b.Sizes = nil
	for _, p := range pairs {
		ours, err := b.build(ctx, dir, p.ours)
		if err != nil {
			return err
		}
		theirs, err := b.build(ctx, dir, p.theirs)
		if err != nil {
			return err
		}
		b.Sizes = append(b.Sizes, [2]Size{ours, theirs})
	}
	return nil
}

func (b *Bench) build(ctx context.Context, dir string, p program) (Size, error) {
	out := filepath.Join(dir, "program")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", out, p.path)
	cmd.Dir = filepath.Join(b.Repository, p.module)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if text, err := cmd.CombinedOutput(); err != nil {
		return Size{}, fmt.Errorf("build %s of %s: %w\n%s", p.path, p.module, err, text)
	}
	file, err := os.Stat(out)
	if err != nil {
		return Size{}, err
	}
	info, err := buildinfo.ReadFile(out)
	if err != nil {
		return Size{}, err
	}
	s := Size{Bytes: file.Size()}
	for _, m := range info.Deps {
		if !strings.HasPrefix(m.Path+"/", "github.com/skiff-k8s/skiff/") {
			s.Modules++
		}
	}
	return s, nil
}

// Section returns the section of RESULTS.md, with its title.
func (b *Bench) Section(machine string, date time.Time) string {
	var s strings.Builder
	fmt.Fprintf(&s, "## Programs\n\nWritten by `make bench-sizes` on %s; do not edit. "+
		"Each pair does the same. The programs are stripped (`-trimpath -ldflags '-s -w'`, without cgo); modules are those of "+
		"others that are linked. Machine: %s.\n\n", date.UTC().Format(time.DateOnly), machine)
	s.WriteString("| | skiff | modules | must be | | without skiff | modules | skiff to that |\n|---|---:|---:|---|---|---:|---:|---:|\n")
	for i, p := range pairs {
		ours, theirs, met := b.Sizes[i][0], b.Sizes[i][1], "met"
		if ours.Bytes > p.most {
			met = "missed"
		}
		fmt.Fprintf(&s, "| %s | %.2f MB | %d | at most %.2f MB | %s | %.2f MB | %d | %.2f |\n", p.title,
			float64(ours.Bytes)/1e6, ours.Modules, float64(p.most)/1e6, met, float64(theirs.Bytes)/1e6, theirs.Modules,
			float64(ours.Bytes)/float64(theirs.Bytes))
	}
	return s.String()
}

// Missed returns the programs that are larger than they may be.
func (b *Bench) Missed() []string {
	var missed []string
	for i, p := range pairs {
		if got := b.Sizes[i][0].Bytes; got > p.most {
			missed = append(missed, fmt.Sprintf("%s of %s has %d bytes, must be at most %d", p.ours.path, p.ours.module, got, p.most))
		}
	}
	return missed
}
