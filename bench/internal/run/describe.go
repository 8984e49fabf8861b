package run

import (
	"fmt"

	"github.com/skiff-k8s/skiff/bench/internal/report"
	"github.com/skiff-k8s/skiff/bench/internal/workload"
)

// Workload returns a description of the workload as Markdown, a line for each resource. The sizes
// are those of a sample.
func (b *Bench) Workload() []string {
	var lines []string
	for _, src := range b.Scale.workload().Sources() {
		line := fmt.Sprintf("%s %s: ", report.Count.Format(float64(src.Len())), src.Info().Resource)
		if src.Info().Protobuf {
			line += fmt.Sprintf("%s each as protobuf, ", report.Bytes.Format(averageSize(src, workload.Protobuf)))
		}
		line += fmt.Sprintf("%s each as JSON, managedFields included", report.Bytes.Format(averageSize(src, workload.JSON)))
		lines = append(lines, line)
	}
	return lines
}

// averageSize returns the average size of up to 500 objects, spread over all.
func averageSize(src workload.Source, f workload.Format) float64 {
	const sample = 500
	var buffer []byte
	total, n := 0, 0
	for i := 0; i < src.Len(); i += max(1, src.Len()/sample) {
		buffer = src.Append(buffer[:0], f, i, src.First(i))
		total += len(buffer)
		n++
	}
	return float64(total) / float64(max(n, 1))
}
