package process

import (
	"bytes"
	"io"
	"os"
	"regexp"
)

const (
	// tailBytes is how much of a log's end is looked at: more than a stack trace of klog.Fatal.
	tailBytes = 64 << 10
	// tailLines is how many lines an error message carries; the rest is in the file it names.
	tailLines = 8
	// tailWidth cuts a line that would flood the terminal: etcd logs its whole configuration as one.
	tailWidth = 600
)

// telling matches the lines that say why a component gave up: klog's errors and fatals, the JSON
// of etcd's zap, what cobra and pflag print of a bad flag, and a Go panic.
var telling = regexp.MustCompile(`^(?:[EF]\d{4} |Error: |error: |panic: |fatal error: |unknown |flag provided |.*"level":"(?:error|fatal|panic)")`)

// tail returns the lines at the end of the log that say most about the end of the process that
// wrote from offset on: the last errors where it logged any, else simply the last lines.
func tail(path string, offset int64) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	cut := size-offset > tailBytes
	if cut {
		offset = size - tailBytes
	}
	data, err := io.ReadAll(io.NewSectionReader(f, offset, size-offset))
	if err != nil {
		return nil, err
	}
	if cut { // begins inside a line
		_, data, _ = bytes.Cut(data, []byte("\n"))
	}
	var all, errors []string
	for line := range bytes.Lines(data) {
		line = bytes.TrimRight(line, " \r\n")
		if len(line) == 0 {
			continue
		}
		text := string(line)
		if len(text) > tailWidth {
			text = text[:tailWidth] + "…"
		}
		all = append(all, text)
		if telling.Match(line) {
			errors = append(errors, text)
		}
	}
	if len(errors) > 0 {
		all = errors
	}
	return all[max(0, len(all)-tailLines):], nil
}
