//go:build unix

package files

import (
	"errors"
	"os"
	"syscall"
)

// nonblock opens a named pipe without waiting for a writer.
const nonblock = syscall.O_NONBLOCK

// readNow reads what is there. The error is errNothingYet if a writer has written nothing more yet;
// 0 bytes without an error are the end.
func readNow(f *os.File, p []byte) (n int, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	var readErr error
	err = raw.Read(func(fd uintptr) bool {
		n, readErr = syscall.Read(int(fd), p)
		return true // in no case wait
	})
	if err == nil {
		err = readErr
	}
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR) {
		err = errNothingYet
	}
	return max(n, 0), err
}
