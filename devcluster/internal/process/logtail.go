package process

import (
	"bytes"
	"io"
	"os"
	"regexp"
)

const (
	// tailBytes is how much of a log's end is read: more than a stack trace of klog.Fatal.
	tailBytes = 64 << 10
	// tailLines is how many lines an error contains; the log file has the rest.
	tailLines = 8
	// tailWidth is the limit of a line: etcd logs its whole configuration as one line.
	tailWidth = 600
)

// telling matches the lines with the reason why a component ended: klog's errors and fatals, the
// JSON of etcd's zap, the errors of cobra and pflag about a bad flag, and a Go panic.
var telling = regexp.MustCompile(`^(?:[EF]\d{4} |Error: |error: |panic: |fatal error: |unknown |flag provided |.*"level":"(?:error|fatal|panic)")`)

// tail returns the lines with the reason why the process ended that wrote the log from offset on:
// the last errors if it logged any, else the last lines.
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
