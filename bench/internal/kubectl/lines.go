package kubectl

import (
	"fmt"
	"slices"
	"strings"
)

// columns are the columns that are compared: those behind them hold ages, which change meanwhile.
var columns = []string{"NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS"}

// samePods returns an error if two outputs of get pods -A differ, or do not have n pods.
func samePods(a, b string, n int) error {
	linesA, linesB := strings.Split(strings.TrimSpace(a), "\n"), strings.Split(strings.TrimSpace(b), "\n")
	if len(linesA) != n+1 || len(linesB) != n+1 {
		return fmt.Errorf("skiff prints %d lines and kubectl %d, want %d pods and the header", len(linesA), len(linesB), n)
	}
	if !slices.Equal(cells(linesA[0]), columns) {
		return fmt.Errorf("the header is %q, want it to begin with %q", linesA[0], columns)
	}
	for i := range linesA {
		if !slices.Equal(cells(linesA[i]), cells(linesB[i])) {
			return fmt.Errorf("line %d differs:\nskiff:   %s\nkubectl: %s", i+1, linesA[i], linesB[i])
		}
	}
	return nil
}

// cells returns the cells of the columns that are compared.
func cells(line string) []string {
	fields := strings.Fields(line)
	return fields[:min(len(fields), len(columns))]
}

// versionOf returns the version that kubectl version --client prints.
func versionOf(text string) string {
	for line := range strings.Lines(text) {
		if v, ok := strings.CutPrefix(line, "Client Version: "); ok {
			return strings.TrimSpace(v)
		}
	}
	return "unknown"
}
