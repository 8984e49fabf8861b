package command_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/skiff-k8s/skiff/cmd/skiff/internal/cli"
	"github.com/skiff-k8s/skiff/cmd/skiff/internal/command"
	"github.com/skiff-k8s/skiff/skifftest/controlplane"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

// testTimeout bounds one run of skiff in a test.
const testTimeout = 2 * time.Minute

// result is what a run of skiff has printed, and its exit code.
type result struct {
	out, err string
	code     int
}

// skiff runs the command line in this process, with caches of the test's own.
func skiff(t *testing.T, args ...string) result {
	t.Helper()
	return skiffIn(t, "", args...)
}

// skiffIn is skiff with a standard input.
func skiffIn(t *testing.T, in string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	var out, errs bytes.Buffer
	code := command.Main(ctx, args, cli.Streams{In: strings.NewReader(in), Out: &out, Err: &errs})
	return result{out.String(), errs.String(), code}
}

// A tool runs skiff against the control plane that the tests share, in a namespace of the test.
type tool struct {
	t         *testing.T
	cluster   *controlplane.Cluster
	namespace string
	flags     []string
}

// newTool starts the control plane, with a node, if no test has.
func newTool(t *testing.T) *tool {
	t.Helper()
	cluster := controlplane.Start(t, controlplane.WithKubelet())
	namespace := cluster.Namespace(t)
	return &tool{t, cluster, namespace, []string{
		"--kubeconfig", cluster.Kubeconfig(), "--cache-dir", t.TempDir(), "-n", namespace,
	}}
}

// run runs skiff in the test's namespace.
func (r *tool) run(args ...string) result {
	r.t.Helper()
	return skiff(r.t, append(args, r.flags...)...)
}

// ok is run for a command that must succeed; it returns the output.
func (r *tool) ok(args ...string) string {
	r.t.Helper()
	got := r.run(args...)
	if got.code != 0 {
		r.t.Fatalf("skiff %s: exit code %d\n%s", strings.Join(args, " "), got.code, got.err)
	}
	return got.out
}

// fails is run for a command that must fail, with a code and with parts of its error.
func (r *tool) fails(code int, parts []string, args ...string) result {
	r.t.Helper()
	got := r.run(args...)
	checkFailure(r.t, got, code, parts, args)
	return got
}

func checkFailure(t *testing.T, got result, code int, parts, args []string) {
	t.Helper()
	if got.code != code {
		t.Errorf("skiff %s: exit code %d, want %d\n%s", strings.Join(args, " "), got.code, code, got.err)
	}
	for _, part := range parts {
		if !strings.Contains(got.err, part) {
			t.Errorf("skiff %s: the error %q lacks %q", strings.Join(args, " "), got.err, part)
		}
	}
}
