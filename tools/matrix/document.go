package main

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
)

const (
	begins = "<!-- made by make matrix: begin -->\n"
	ends   = "<!-- made by make matrix: end -->\n"
)

// replace returns a document with what the runs said in the place of what it had between the marks.
func replace(document []byte, results []result) ([]byte, error) {
	before, rest, ok := bytes.Cut(document, []byte(begins))
	_, after, ok2 := bytes.Cut(rest, []byte(ends))
	if !ok || !ok2 {
		return nil, fmt.Errorf("there is nothing between %q and %q", begins, ends)
	}
	return slices.Concat(before, []byte(begins+tables(results)+ends), after), nil
}

// tables returns a table of the versions, and one of what the servers lack.
func tables(results []result) string {
	var b strings.Builder
	b.WriteString("| Kubernetes | etcd | tests on a cluster | passed | skipped | failed |\n|---|---|---|---|---|---|\n")
	lacks := map[string][]string{}
	for _, r := range results {
		all := r.passed + len(r.skipped) + len(r.failed)
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %d | %d |\n",
			r.binary.kubernetes, r.binary.etcd, all, r.passed, len(r.skipped), len(r.failed))
		for _, s := range r.skipped {
			row := s.name + " | " + strings.ReplaceAll(s.text, "|", `\|`)
			lacks[row] = append(lacks[row], r.binary.kubernetes)
		}
	}
	if len(lacks) == 0 {
		return b.String()
	}
	b.WriteString("\n| test | why it is skipped | on |\n|---|---|---|\n")
	for _, row := range slices.Sorted(maps.Keys(lacks)) {
		fmt.Fprintf(&b, "| %s | %s |\n", row, strings.Join(lacks[row], ", "))
	}
	return b.String()
}
