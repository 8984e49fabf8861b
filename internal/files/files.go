// Package files reads the files that a configuration names: a kubeconfig, a token, PEM. It reads
// them whole, up to a limit, and waits for none of them without end.
package files

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// The largest files that are read. A kubeconfig of a thousand clusters with inline certificates
// takes some megabytes, a bundle of all public authorities a quarter of one, a token some kilobytes.
const (
	MaxKubeconfig = 16 << 20
	MaxToken      = 64 << 10
	MaxPEM        = 1 << 20
)

// pipeTimeout limits how long a named pipe is read, from opening it to its end.
const pipeTimeout = 10 * time.Second

// Read returns the content of a file of at most limit bytes.
//
// A named pipe, such as a shell makes for <(command), is read to its end, within 10 seconds. If it
// takes longer, os.ErrDeadlineExceeded is in the error. A directory, a socket and a device are
// errors, and so is a larger file; none of them is read. The null device is an empty file.
//
// If there is no such file, fs.ErrNotExist is in the error. Each error names the path.
func Read(path string, limit int) ([]byte, error) {
	if path == os.DevNull {
		return nil, nil
	}
	f, mode, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var data []byte
	if mode&fs.ModeNamedPipe != 0 {
		data, err = readPipe(f, limit)
	} else {
		// One byte more shows that there is more. The size of a file is no measure: it may grow.
		data, err = io.ReadAll(io.LimitReader(f, int64(limit)+1))
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %q: %w", path, err)
	case len(data) > limit:
		return nil, fmt.Errorf("read %q: it is larger than %d bytes, the limit for such a file",
			path, limit)
	}
	return data, nil
}

// Check returns the error that opening the file for Read would have. It opens no named pipe, which
// can be read only once.
func Check(path string) error {
	if path == os.DevNull {
		return nil
	}
	mode, err := stat(path)
	if err != nil || mode&fs.ModeNamedPipe != 0 {
		return err
	}
	f, _, err := open(path)
	if err != nil {
		return err
	}
	return f.Close()
}

// Lasting reports whether a file can be read more than once, which a named pipe cannot.
func Lasting(path string) bool {
	mode, err := stat(path)
	return err != nil || mode&fs.ModeNamedPipe == 0
}

// open opens what may be read. It looks before, because opening a device can have effects, and
// after, because the file may have been replaced.
func open(path string) (*os.File, fs.FileMode, error) {
	if _, err := stat(path); err != nil {
		return nil, 0, err
	}
	f, err := os.OpenFile(path, os.O_RDONLY|nonblock, 0)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil {
		err = readable(path, info.Mode())
	}
	if err != nil {
		_ = f.Close()
		return nil, 0, err
	}
	return f, info.Mode(), nil
}

func stat(path string) (fs.FileMode, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Mode(), readable(path, info.Mode())
}

func readable(path string, mode fs.FileMode) error {
	what := ""
	switch {
	case mode.IsDir():
		what = "a directory"
	case mode&fs.ModeDevice != 0:
		what = "a device"
	case mode&fs.ModeSocket != 0:
		what = "a socket"
	default:
		return nil
	}
	return fmt.Errorf("read %q: it is %s: name a file or a named pipe", path, what)
}

var (
	errNothingYet = errors.New("nothing is there yet")
	errPipe       = fmt.Errorf("the named pipe was not written and closed within %v: %w", pipeTimeout,
		os.ErrDeadlineExceeded)
)

// readPipe reads a pipe that was opened without blocking. A pipe that nobody has opened for writing
// yet reads as one that is at its end, so an end before the first byte is waited over.
func readPipe(f *os.File, limit int) ([]byte, error) {
	var data []byte
	chunk := make([]byte, 32<<10)
	began, pause, written := time.Now(), time.Millisecond, false
	for {
		n, err := readNow(f, chunk)
		data = append(data, chunk[:n]...)
		written = written || n > 0 || err == errNothingYet
		switch {
		case len(data) > limit, n == 0 && err == nil && written:
			return data, nil
		case err != nil && err != errNothingYet:
			return nil, err
		case time.Since(began) >= pipeTimeout:
			return nil, errPipe
		case n == 0:
			time.Sleep(pause)
			pause = min(2*pause, 100*time.Millisecond)
		}
	}
}
