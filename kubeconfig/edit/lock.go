package edit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// LockTimeout is how long Modify waits for the locks of other processes, all together. kubectl holds
// its own for milliseconds.
const LockTimeout = 10 * time.Second

// ErrLocked is the cause of Modify's error if a lock is not given up in time.
var ErrLocked = errors.New("locked by another process")

const (
	firstPause = 5 * time.Millisecond
	maxPause   = 200 * time.Millisecond
)

// lock takes the locks of files, in the order of their names, and returns what releases them.
func lock(ctx context.Context, paths []string) (unlock func() error, err error) {
	var names []string
	for _, path := range paths {
		// Two names of one lock would wait for each other.
		dir, err := filepath.EvalSymlinks(filepath.Dir(path))
		if err != nil {
			return nil, fmt.Errorf("lock %q: %w", path, err)
		}
		names = append(names, filepath.Join(dir, filepath.Base(path))+".lock")
		if target, err := filepath.EvalSymlinks(path); err == nil {
			names = append(names, target+".lock")
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	var held []string
	unlock = func() error {
		var errs []error
		for _, name := range slices.Backward(held) {
			if err := os.Remove(name); err != nil {
				errs = append(errs, fmt.Errorf("release the lock: %w", err))
			}
		}
		return errors.Join(errs...)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, LockTimeout, ErrLocked)
	defer cancel()
	for _, name := range names {
		if err := take(ctx, name); err != nil {
			return nil, errors.Join(err, unlock())
		}
		held = append(held, name)
	}
	return unlock, nil
}

// take creates a lock, and waits if it is there.
func take(ctx context.Context, name string) error {
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0)
		if err == nil {
			return f.Close()
		}
		if !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("lock: %w", err)
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("lock %q: %w%s: if no program is writing the file, remove the lock",
				name, context.Cause(ctx), age(name))
		}
	}
}

// age returns since when a lock is there, for an error.
func age(name string) string {
	info, err := os.Lstat(name)
	if err != nil {
		return ""
	}
	return " (the lock is there since " + info.ModTime().Format(time.RFC3339) + ")"
}
