package operator_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/skiff-k8s/skiff/operator"
)

// TestHelperOperator is not a test: it is the process of the tests below.
func TestHelperOperator(t *testing.T) {
	kind := os.Getenv("SKIFF_OPERATOR_HELPER")
	if kind == "" {
		return
	}
	op := operator.New(operator.Options{Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
		Settings: operator.Settings{MetricsAddress: operator.Off, HealthAddress: operator.Off, GracePeriod: time.Hour}})
	op.Add("part", func(ctx context.Context) error {
		_, _ = io.WriteString(os.Stderr, "it runs\n")
		<-ctx.Done()
		if kind == "stubborn" {
			<-time.After(time.Hour)
		}
		return nil
	}, operator.Always)
	if err := op.Run(context.Background()); err != nil {
		_, _ = io.WriteString(os.Stderr, err.Error()+"\n")
		os.Exit(3)
	}
	os.Exit(0)
}

// helper is a process that runs an operator.
type helper struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines *bufio.Scanner
}

func newHelper(t *testing.T, kind string) *helper {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestHelperOperator$")
	cmd.Env = append(os.Environ(), "SKIFF_OPERATOR_HELPER="+kind)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return &helper{t, cmd, bufio.NewScanner(stderr)}
}

// says waits for a line.
func (h *helper) says(part string) {
	h.t.Helper()
	for h.lines.Scan() {
		if strings.Contains(h.lines.Text(), part) {
			return
		}
	}
	h.t.Fatalf("it ended without saying %q", part)
}

func (h *helper) signal(s os.Signal) {
	h.t.Helper()
	if err := h.cmd.Process.Signal(s); err != nil {
		h.t.Fatal(err)
	}
}

// ends waits for its end.
func (h *helper) ends() *os.ProcessState {
	for h.lines.Scan() {
		h.t.Log(h.lines.Text())
	}
	_ = h.cmd.Wait()
	return h.cmd.ProcessState
}

func TestASignalStopsAnOperator(t *testing.T) {
	for _, s := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		h := newHelper(t, "willing")
		h.says("it runs")
		h.signal(s)
		h.says("once more ends at once")
		if state := h.ends(); state.ExitCode() != 0 {
			t.Errorf("after %v: %v", s, state)
		}
	}
}

func TestTheSecondSignalEndsItAtOnce(t *testing.T) {
	h := newHelper(t, "stubborn")
	h.says("it runs")
	h.signal(syscall.SIGTERM)
	h.says("operator stops")
	h.signal(syscall.SIGTERM)
	if status := h.ends().Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGTERM {
		t.Errorf("it ended by %v", status)
	}
}
