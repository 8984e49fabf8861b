//go:build unix

package kubeconfig

import (
	"os"
	"os/exec"
	"syscall"
)

// terminalFile is the terminal of a process, if it has one.
var terminalFile = "/dev/tty"

// ownGroup puts a plugin that is not interactive into a process group of its own, so that what it
// started is killed with it. If this process has a terminal, the plugin stays in the group of this
// process: the terminal stops a process of another group that asks a question there, and its interrupt
// key would not reach the plugin.
func ownGroup(cmd *exec.Cmd) {
	if f, err := os.OpenFile(terminalFile, os.O_RDWR, 0); err == nil {
		_ = f.Close()
		return
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
