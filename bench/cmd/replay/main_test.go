package main

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/skiff-k8s/skiff/bench/internal/replay"
	"github.com/skiff-k8s/skiff/bench/internal/workload"
)

// The program says where it serves, and serves until its input ends.
func TestServesUntilItsInputEnds(t *testing.T) {
	in, closeIn := io.Pipe()
	out, said := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(workload.Config{Pods: 5}, replay.Options{}, in, said) }()
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Get(strings.TrimSpace(url) + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("it is not ready: %s", response.Status)
	}
	closeIn.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if response, err := http.Get(strings.TrimSpace(url) + "/readyz"); err == nil {
		response.Body.Close()
		t.Error("it goes on when its input has ended")
	}
}
