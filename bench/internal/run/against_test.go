package run

import (
	"errors"
	"fmt"
	"testing"

	"github.com/skiff-k8s/skiff/bench/internal/probe"
)

// An old runner's answer to a command that it does not know is told from every other error.
func TestAnOldRunnerLacksACommand(t *testing.T) {
	r := startRunner(t, t.Context(), "old")
	_, err := ask[struct{}](r, "index", "by-node")
	if err == nil || !lacksCommand(err) {
		t.Errorf("an old runner answers with %v", err)
	}
	if err := fmt.Errorf("index by-node: %w", errors.New("the cache is empty")); lacksCommand(err) {
		t.Errorf("%v is taken for the answer of an old runner", err)
	}
	if probe.UnknownCommand != "no such command" {
		t.Error("runners of older commits answer \"no such command\"")
	}
}
