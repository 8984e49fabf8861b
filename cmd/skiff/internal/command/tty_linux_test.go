package command_test

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/skiff-k8s/skiff/cmd/skiff/internal/cli"
	"github.com/skiff-k8s/skiff/cmd/skiff/internal/command"
)

// openTerminal returns the two ends of a terminal.
func openTerminal(t *testing.T) (keyboard, terminal *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keyboard.Close() })
	fd := int(keyboard.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminal.Close() })
	return keyboard, terminal
}

func resize(t *testing.T, keyboard *os.File, width, height uint16) {
	t.Helper()
	if err := unix.IoctlSetWinsize(int(keyboard.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: width, Row: height}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGWINCH); err != nil {
		t.Fatal(err)
	}
}

// A terminal is in raw mode while the command runs, and the command learns its sizes.
func TestExecWithATerminal(t *testing.T) {
	r := newTool(t)
	r.pod("web", nil, "app", "pause")
	keyboard, terminal := openTerminal(t)
	resize(t, keyboard, 80, 24)
	before, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	code := make(chan int, 1)
	go func() {
		code <- command.Main(t.Context(), append(append([]string{}, r.flags...), "exec", "-it", "web", "--", "sh", "-c", "tty; size 2; exit 3"),
			cli.Streams{In: terminal, Out: terminal, Err: terminal})
	}()
	screen := bufio.NewScanner(keyboard)
	line := func() string {
		if !screen.Scan() {
			t.Fatal(screen.Err())
		}
		return strings.TrimSpace(screen.Text())
	}
	if got := line(); got != "tty" {
		t.Errorf("the command sees %q", got)
	}
	if got := line(); got != "80x24" {
		t.Errorf("the size is %q", got)
	}
	during, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
	if err != nil || during.Lflag&(unix.ICANON|unix.ISIG|unix.ECHO) != 0 {
		t.Errorf("the terminal is not raw: %v", err)
	}
	resize(t, keyboard, 132, 50)
	if got := line(); got != "132x50" {
		t.Errorf("the size is %q", got)
	}
	if got := line(); got != "skiff: the command ended with exit code 3" {
		t.Errorf("the end is %q", got)
	}
	if got := <-code; got != 3 {
		t.Errorf("the code is %d", got)
	}
	after, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
	if err != nil || *after != *before {
		t.Errorf("the terminal is not as it was: %v", err)
	}
}
