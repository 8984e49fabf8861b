package kubectl

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// usage is what a run of a program took, as cmd/measure prints it.
type usage struct {
	Code    int           `json:"code"`
	Wall    time.Duration `json:"wall"`
	CPU     time.Duration `json:"cpu"`
	PeakRSS int64         `json:"peakRSS"` // in bytes
}

// measure runs a program with standard output to a file, and returns what it took. A program that
// fails is an error.
func (b *Bench) measure(ctx context.Context, output, program string, args ...string) (usage, error) {
	cmd := exec.CommandContext(ctx, b.Measure, append([]string{output, program}, args...)...)
	cmd.Env = b.environment()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var u usage
	if err == nil {
		err = json.Unmarshal(stdout.Bytes(), &u)
	}
	if err == nil && u.Code != 0 {
		err = fmt.Errorf("exit code %d", u.Code)
	}
	if err != nil {
		return u, fmt.Errorf("run %s %s: %w: %s", program, strings.Join(args, " "), err, tail(stderr.String()))
	}
	return u, nil
}

// maxStderr is how much of the end of a program's standard error is in an error.
const maxStderr = 1000

func tail(text string) string {
	text = strings.TrimSpace(text)
	return text[max(0, len(text)-maxStderr):]
}

// environment is that of both programs: a home of the measurement's own, and no proxy or kubeconfig of
// the user.
func (b *Bench) environment() []string {
	env := []string{"HOME=" + b.home, "KUBECONFIG=" + b.kubeconfig}
	if path := os.Getenv("PATH"); path != "" {
		env = append(env, "PATH="+path)
	}
	return env
}
