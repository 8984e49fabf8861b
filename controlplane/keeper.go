//go:build unix

package controlplane

import (
	"fmt"
	"io"
	"os/exec"
	"sync"
	"syscall"
)

// keeper is a shell that waits for the end of this process, which closes its standard input, also
// after a SIGKILL or a test's timeout. Then it kills the processes that it was told of last, and
// removes the temporary folder.
type keeper struct {
	mu    sync.Mutex
	cmd   *exec.Cmd
	stdin io.WriteCloser
}

// script has the folder as its first argument. Processes that are killed may still write for a
// moment, so the folder is removed again.
const script = `pids=
while read -r line; do pids=$line; done
for pid in $pids; do kill -9 "$pid" 2>/dev/null; done
for try in 1 2 3; do rm -rf "$1" 2>/dev/null && break; sleep 1; done`

func newKeeper(folder string) (*keeper, error) {
	k := &keeper{cmd: exec.Command("/bin/sh", "-c", script, "sh", folder)}
	k.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C does not end it
	var err error
	if k.stdin, err = k.cmd.StdinPipe(); err == nil {
		err = k.cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start the shell that cleans up after this process: %w", err)
	}
	return k, nil
}

// tell replaces the list of the processes.
func (k *keeper) tell(pids []int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	line := ""
	for _, pid := range pids {
		line += fmt.Sprint(pid, " ")
	}
	_, _ = fmt.Fprintln(k.stdin, line) // if the shell was killed, there is nothing else to do
}

// end lets the keeper remove the folder, and returns when it has ended.
func (k *keeper) end() error {
	k.tell(nil)
	_ = k.stdin.Close()
	if err := k.cmd.Wait(); err != nil {
		return fmt.Errorf("clean up: %w", err)
	}
	return nil
}
