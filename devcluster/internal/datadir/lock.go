package datadir

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// errLocked is the error if another process holds the lock.
var errLocked = errors.New("locked")

// patience is how long a folder may stay locked by components that are ending because their
// devcluster was killed.
const patience = 3 * time.Second

// tryLock takes the lock file until the returned file, and each descriptor inherited from it, is
// closed. The kernel releases the lock when its holders end for any reason.
func tryLock(path string, create bool) (*os.File, error) {
	flags := os.O_RDWR
	if create {
		flags |= os.O_CREATE
	}
	f, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return nil, err
	}
	if err := flock(f, syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// waitLock takes the lock file, waiting a little for its holder to end.
func waitLock(path string) (*os.File, error) {
	deadline := time.Now().Add(patience)
	for {
		f, err := tryLock(path, true)
		if !errors.Is(err, errLocked) || time.Now().After(deadline) {
			return f, err
		}
		time.Sleep(20 * time.Millisecond) // flock has no way to wait with a deadline
	}
}

// locked reports whether a process holds the lock file. It tries a shared lock, so that two
// concurrent calls do not take each other for a holder.
func locked(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	return errors.Is(flock(f, syscall.LOCK_SH), errLocked)
}

func flock(f *os.File, how int) error {
	for {
		err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EWOULDBLOCK):
			return errLocked
		case err != nil:
			return &os.PathError{Op: "flock", Path: f.Name(), Err: err}
		}
		return nil
	}
}
