package run

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/skiff-k8s/skiff/bench/internal/replay"
)

// Server is a running replay server: a separate process, so that its work is not counted for a
// client.
type Server struct {
	URL    string
	cmd    *exec.Cmd
	in     io.WriteCloser
	stderr tail
}

// StartServer starts the replay server's program. It is killed when ctx ends.
func StartServer(ctx context.Context, program string, args ...string) (*Server, error) {
	s := &Server{cmd: exec.CommandContext(ctx, program, args...)}
	s.cmd.Stderr = &s.stderr
	in, err := s.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	s.in = in
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s (make bench builds it): %w", filepath.Base(program), err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("the replay server did not say where it listens: %w%s", err, s.stderr.quote())
	}
	s.URL = strings.TrimSpace(line)
	return s, nil
}

// Close ends the server. It has nothing to save.
func (s *Server) Close() {
	s.in.Close()
	s.cmd.Process.Kill() // fails only if it has ended
	s.cmd.Wait()
}

// Flood makes the server change objects of a resource as fast as the watches read the events.
func (s *Server) Flood(ctx context.Context, resource string, events int) (replay.Flooded, error) {
	return s.control(ctx, "flood", url.Values{"resource": {resource}, "events": {strconv.Itoa(events)}})
}

// Steady makes the server change objects at a rate, in events a second.
func (s *Server) Steady(ctx context.Context, resource string, events, rate int) (replay.Flooded, error) {
	return s.control(ctx, "flood", url.Values{"resource": {resource}, "events": {strconv.Itoa(events)}, "rate": {strconv.Itoa(rate)}})
}

// Churn has it replace every object by another, so many times.
func (s *Server) Churn(ctx context.Context, resource string, rounds int) (replay.Flooded, error) {
	return s.control(ctx, "churn", url.Values{"resource": {resource}, "rounds": {strconv.Itoa(rounds)}})
}

func (s *Server) control(ctx context.Context, what string, values url.Values) (replay.Flooded, error) {
	var flooded replay.Flooded
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/control/"+what+"?"+values.Encode(), nil)
	if err != nil {
		return flooded, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return flooded, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %.500s", response.Status, body)
	}
	if err == nil {
		err = json.Unmarshal(body, &flooded)
	}
	if err != nil {
		return flooded, fmt.Errorf("have the replay server %s: %w", what, err)
	}
	return flooded, nil
}
