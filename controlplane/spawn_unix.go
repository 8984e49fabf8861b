//go:build unix && !linux

package controlplane

import "os/exec"

// spawn starts cmd. Only Linux has a parent death signal; elsewhere the keeper ends the processes.
func spawn(cmd *exec.Cmd) error { return cmd.Start() }
