package run

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/skiff-k8s/skiff/bench/internal/probe"
)

// This test's own binary is the runner, when it is told to be one.
const behaviour = "SKIFF_BENCH_RUNNER"

func TestMain(m *testing.M) {
	if what := os.Getenv(behaviour); what != "" {
		behave(what)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// behave answers each line as a runner of some kind would.
func behave(what string) {
	fmt.Fprintln(os.Stderr, "hello")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		switch what {
		case "good":
			fmt.Printf(`{"objects": %d, "wall": 1500000000}`+"\n", len(lines.Text()))
		case "environment":
			fmt.Printf(`{"objects": %d}`+"\n", len(os.Getenv("GOGC")))
		case "failing":
			fmt.Println(`{"error": "sync: no route to the server"}`)
		case "old":
			fmt.Println(`{"error": "index by-node: no such command"}`)
		case "dying":
			fmt.Fprintln(os.Stderr, "panic: at the disco")
			os.Exit(3)
		case "babbling":
			fmt.Println("what?")
		case "silent":
			time.Sleep(time.Hour) // until it is killed
		}
		if lines.Text() == "quit" {
			return
		}
	}
}

func startRunner(t *testing.T, ctx context.Context, what string, env ...string) *Runner {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r, err := StartRunner(ctx, program, append(env, behaviour+"="+what))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.kill() })
	return r
}

func TestAskReturnsTheAnswer(t *testing.T) {
	r := startRunner(t, t.Context(), "good")
	synced, err := ask[probe.Synced](r, "sync")
	if err != nil || synced.Objects != len("sync") || synced.Wall != 1500*time.Millisecond {
		t.Errorf("sync answered %+v, %v", synced, err)
	}
	synced, err = ask[probe.Synced](r, "read", "get", "hot")
	if err != nil || synced.Objects != len("read get hot") {
		t.Errorf("the words arrived as a line of %d letters, %v", synced.Objects, err)
	}
	if err := r.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Errorf("Close again: %v", err)
	}
}

func TestARunnersFailureIsAnError(t *testing.T) {
	r := startRunner(t, t.Context(), "failing")
	if _, err := ask[probe.Synced](r, "sync"); err == nil || !strings.Contains(err.Error(), "no route to the server") {
		t.Errorf("the error is %v, want the runner's", err)
	}
}

func TestADeadRunnerSaysWhatItDiedOf(t *testing.T) {
	r := startRunner(t, t.Context(), "dying")
	_, err := ask[probe.Synced](r, "sync")
	if err == nil {
		t.Fatal("a runner that has died answered")
	}
	for _, want := range []string{`"sync"`, "exit status 3", "panic: at the disco"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q: %v", want, err)
		}
	}
	if err := r.Close(); err != nil {
		t.Errorf("Close of a dead runner: %v", err)
	}
}

func TestNonsenseIsAnError(t *testing.T) {
	r := startRunner(t, t.Context(), "babbling")
	if _, err := ask[probe.Synced](r, "sync"); err == nil || !strings.Contains(err.Error(), "what?") {
		t.Errorf("the error is %v, want one that quotes the answer", err)
	}
}

func TestARunnerEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := startRunner(t, ctx, "silent")
	cancel()
	if _, err := ask[probe.Synced](r, "sync"); err == nil {
		t.Error("a runner that was killed answered")
	}
}

// What somebody has set for the bench's own garbage collector is not what the sides are measured with.
func TestARunnersCollectorIsAtItsDefaults(t *testing.T) {
	t.Setenv("GOGC", "12345")
	r := startRunner(t, t.Context(), "environment")
	if got, err := ask[probe.Synced](r, "sync"); err != nil || got.Objects != 0 {
		t.Errorf("GOGC in the runner has %d letters, %v; want none", got.Objects, err)
	}
	r = startRunner(t, t.Context(), "environment", "GOGC=25")
	if got, err := ask[probe.Synced](r, "sync"); err != nil || got.Objects != 2 {
		t.Errorf("GOGC in the runner has %d letters, %v; want the two that it was given", got.Objects, err)
	}
}

func TestAProgramThatIsMissingSaysWhoBuildsIt(t *testing.T) {
	_, err := StartRunner(t.Context(), "/nowhere/skiff-runner", nil)
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "make bench") {
		t.Errorf("the error is %v", err)
	}
}
