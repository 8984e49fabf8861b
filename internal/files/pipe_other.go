//go:build !unix

package files

import (
	"io"
	"os"
)

const nonblock = 0

// readNow reads what is there. Files of these systems are no named pipes.
func readNow(f *os.File, p []byte) (int, error) {
	n, err := f.Read(p)
	if err == io.EOF {
		err = nil
	}
	return n, err
}
