//go:build unix && !aix && !solaris

package controlplane

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lock keeps other control planes, of this process or another, from a folder that is kept: they would
// write their keys and their port there. The lock ends with the file, and with this process.
func lock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, marker), os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = errors.New("another control plane uses it")
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock the folder of WithData, %s: %w", dir, err)
	}
	return f, nil
}
