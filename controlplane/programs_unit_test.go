//go:build unix

package controlplane

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The keeper kills what it was told of last when this process is gone, and removes the folder. That
// is all that ends the processes where there is no parent death signal.
func TestTheKeeper(t *testing.T) {
	for name, told := range map[string]bool{"told of it": true, "told that it has ended": false} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "a folder")
			write(t, filepath.Join(dir, "etcd", "data"), "")
			k, err := newKeeper(dir)
			if err != nil {
				t.Fatal(err)
			}
			sleep := exec.Command("sleep", "600")
			if err := sleep.Start(); err != nil {
				t.Fatal(err)
			}
			k.tell([]int{sleep.Process.Pid})
			if !told {
				k.tell(nil)
			}
			k.stdin.Close() // as the end of this process does
			if err := k.cmd.Wait(); err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the folder is still there: %v", err)
			}
			if !told {
				_ = sleep.Process.Signal(os.Interrupt)
			}
			_ = sleep.Wait()
			if killed := sleep.ProcessState.String() == "signal: killed"; killed != told {
				t.Errorf("the process ended with %s", sleep.ProcessState)
			}
		})
	}
}

func TestTheEndOfALog(t *testing.T) {
	const (
		info  = "I1123 10:44:22.398926    6237 serving.go:405] Generated self-signed cert\n"
		fault = `E1123 10:26:10.876413   27845 run.go:72] "command failed" err="address already in use"` + "\n"
		zap   = `{"level":"fatal","ts":"2026-11-23T10:21:13Z","msg":"discovery failed"}` + "\n"
	)
	var lines []string
	for i := range 20 {
		lines = append(lines, fmt.Sprint("line ", i))
	}
	for name, c := range map[string]struct {
		earlier, log string
		want         []string
	}{
		"nothing":                {"", "", nil},
		"errors before the rest": {"", info + fault + info, []string{strings.TrimSpace(fault)}},
		"etcd's JSON":            {"", info + zap, []string{strings.TrimSpace(zap)}},
		"a bad flag":             {"", "Error: unknown flag: --nonsense\n" + info, []string{"Error: unknown flag: --nonsense"}},
		"no error":               {"", strings.Join(lines, "\n"), lines[20-logLines:]},
		"an earlier process":     {fault, info, []string{strings.TrimSpace(info)}},
		"a line at the limit":    {"", strings.Repeat("x", logWidth), []string{strings.Repeat("x", logWidth)}},
		"a line above it":        {"", strings.Repeat("x", logWidth+1), []string{strings.Repeat("x", logWidth) + "…"}},
		"a long log":             {"", fault + strings.Repeat(info, 2000), slices.Repeat([]string{strings.TrimSpace(info)}, logLines)},
	} {
		path := filepath.Join(t.TempDir(), "a.log")
		write(t, path, c.earlier+c.log)
		want := "\n  a.log is empty"
		if c.want != nil {
			want = "\n  a.log ends with:\n    " + strings.Join(c.want, "\n    ")
		}
		if got := logTail(path, int64(len(c.earlier))); got != want {
			t.Errorf("%s: got\n%q, want\n%q", name, got, want)
		}
	}
	if got := logTail(filepath.Join(t.TempDir(), "none.log"), 0); !strings.Contains(got, "cannot be read") {
		t.Errorf("a log that is not there: %q", got)
	}
}

// A flag of the user replaces this package's own.
func TestFlagsReplaceThoseOfTheSameName(t *testing.T) {
	got := merge([]string{"--a=1", "--b=2", "--c"}, []string{"-b=3", "--b=4", "--d=5"})
	if want := []string{"--a=1", "--c", "-b=3", "--b=4", "--d=5"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A port that is taken is not chosen again, and the last one of a folder is if it is free.
func TestThePortOfAFolder(t *testing.T) {
	f, err := openFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	port, err := f.freePort()
	if err != nil || port < firstPort || port >= lastPort {
		t.Fatalf("port %d, %v", port, err)
	}
	if err := f.keepPort(port); err != nil {
		t.Fatal(err)
	}
	if again, err := f.freePort(); err != nil || again != port {
		t.Errorf("port %d and then %d, %v", port, again, err)
	}
	l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", port))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if another, err := f.freePort(); err != nil || another == port {
		t.Errorf("port %d is taken and chosen, %v", another, err)
	}
}

// The sockets have short paths, also where $TMPDIR has a long one.
func TestALongTMPDIR(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("x", maxSocket))
	if err := os.Mkdir(long, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", long)
	f, err := openFolder("")
	if err != nil {
		t.Fatal(err)
	}
	if len(f.socket()) > maxSocket {
		t.Errorf("%s has %d bytes", f.socket(), len(f.socket()))
	}
	if err := f.close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(long); err != nil || len(left) > 0 {
		t.Errorf("left in $TMPDIR: %v %v", left, err)
	}
	if _, err := os.Stat(f.run); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there", f.run)
	}
}
