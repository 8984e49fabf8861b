//go:build unix

package controlplane

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

const (
	// logBytes is how much of a log's end is read, logLines how many lines an error contains, and
	// logWidth the limit of one, in bytes: etcd logs its configuration as one line.
	logBytes = 64 << 10
	logLines = 8
	logWidth = 600
)

// reason matches the lines of a log that say why a component ended: errors and fatals of klog, those
// of etcd's JSON, complaints about flags, and panics.
var reason = regexp.MustCompile(`^(?:[EF]\d{4} |[Ee]rror: |panic: |fatal error: |flag provided |.*"level":"(?:error|fatal|panic)")`)

// logTail returns the end of a log from offset on, for the end of an error message: the last lines
// that say a reason if there are any, else the last lines. The folder is not named, because a start
// that fails removes it.
func logTail(path string, offset int64) string {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Sprintf("\n  its log cannot be read: %v", err)
	}
	defer file.Close()
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Sprintf("\n  its log cannot be read: %v", err)
	}
	from := max(offset, size-logBytes)
	data, err := io.ReadAll(io.NewSectionReader(file, from, size-from))
	if err != nil {
		return fmt.Sprintf("\n  its log cannot be read: %v", err)
	}
	if from > offset { // it begins inside a line
		_, data, _ = bytes.Cut(data, []byte("\n"))
	}
	var all, reasons []string
	for line := range strings.Lines(string(data)) {
		line = strings.TrimRight(line, " \r\n")
		if line == "" {
			continue
		}
		if len(line) > logWidth {
			line = line[:logWidth] + "…"
		}
		all = append(all, line)
		if reason.MatchString(line) {
			reasons = append(reasons, line)
		}
	}
	if len(reasons) > 0 {
		all = reasons
	}
	if len(all) == 0 {
		return fmt.Sprintf("\n  %s is empty", filepath.Base(path))
	}
	return fmt.Sprintf("\n  %s ends with:\n    %s", filepath.Base(path),
		strings.Join(all[max(0, len(all)-logLines):], "\n    "))
}
