//go:build !linux

package process

import "syscall"

// DieWithParent adds nothing: only Linux has a parent death signal, elsewhere the lifeline is all.
func DieWithParent(a *syscall.SysProcAttr) *syscall.SysProcAttr { return a }
