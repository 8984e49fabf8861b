//go:build unix

package files

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func fifo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// writer opens a pipe for writing, also while nobody reads it.
func writer(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// after writes text to a pipe and closes it, at a time of the test's clock.
func after(t *testing.T, f *os.File, at time.Duration, text string) {
	time.AfterFunc(at, func() {
		if _, err := f.WriteString(text); err != nil {
			t.Error(err)
		}
		_ = f.Close()
	})
}

func TestANamedPipeIsReadWithinALimitOfTime(t *testing.T) {
	for _, test := range []struct {
		name string
		at   time.Duration // of the end
		want string
		err  bool
	}{
		{"soon", 50 * time.Millisecond, "text", false},
		{"before the limit", pipeTimeout - time.Second, "text", false},
		{"an empty text", time.Second, "", false},
		{"after the limit", pipeTimeout + time.Second, "text", true},
	} {
		synctest.Test(t, func(t *testing.T) {
			path := fifo(t)
			after(t, writer(t, path), test.at, test.want)
			began := time.Now()
			data, err := Read(path, MaxToken)
			took := time.Since(began)
			if test.err {
				if !errors.Is(err, os.ErrDeadlineExceeded) || !strings.Contains(err.Error(), "not written and closed within 10s") {
					t.Errorf("%s: %q, %v", test.name, data, err)
				}
			} else if err != nil || string(data) != test.want {
				t.Errorf("%s: %q, %v", test.name, data, err)
			}
			if took > pipeTimeout+200*time.Millisecond || took < min(test.at, pipeTimeout) {
				t.Errorf("%s: it took %v", test.name, took)
			}
		})
	}
}

// Nothing is left behind: the bubble of a test fails if a goroutine is.
func TestANamedPipeThatNobodyWritesTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := fifo(t)
		began := time.Now()
		_, err := Read(path, MaxToken)
		if !errors.Is(err, os.ErrDeadlineExceeded) || !strings.Contains(err.Error(), "not written and closed") || !strings.Contains(err.Error(), path) {
			t.Error(err)
		}
		if took := time.Since(began); took < pipeTimeout || took > pipeTimeout+200*time.Millisecond {
			t.Errorf("it took %v", took)
		}
		if Lasting(path) || Check(path) != nil {
			t.Error("a pipe is checked by opening it, or is taken for lasting")
		}
	})
}

func TestTheLimitOfSizeHoldsForANamedPipe(t *testing.T) {
	for _, size := range []int{MaxToken - 1, MaxToken, MaxToken + 1, 10 * MaxToken} {
		path := fifo(t)
		done := make(chan struct{})
		go func() {
			defer close(done)
			if f, err := os.OpenFile(path, os.O_WRONLY, 0); err == nil { // waits for a reader
				_, _ = f.WriteString(strings.Repeat("x", size)) // fails if the reader has gone
				_ = f.Close()
			}
		}()
		data, err := Read(path, MaxToken)
		if (err == nil) != (size <= MaxToken) || err == nil && len(data) != size {
			t.Errorf("%d bytes: %d bytes, %v", size, len(data), err)
		}
		<-done
	}
}

// What a shell makes of <(command), which kubectl takes as well.
func TestProcessSubstitution(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash")
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), bash, "-c",
		program+` -test.run='^TestReadArgument$' -test.v -- <(printf one; printf two)`)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), `read "onetwo"`) {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestReadArgument is the other process of TestProcessSubstitution.
func TestReadArgument(t *testing.T) {
	path := os.Args[len(os.Args)-1]
	if !strings.HasPrefix(path, "/dev/fd/") {
		return
	}
	data, err := Read(path, MaxToken)
	t.Logf("read %q, %v", data, err)
}

func TestDevicesAndSocketsAreRefused(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for path, want := range map[string]string{
		"/dev/zero": "a device", "/dev/random": "a device", "/dev/tty": "a device", socket: "a socket",
	} {
		if _, err := Read(path, MaxToken); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
		if Check(path) == nil {
			t.Errorf("%s: Check has no error", path)
		}
	}
}
