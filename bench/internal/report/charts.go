package report

import (
	"bytes"

	"github.com/skiff-k8s/skiff/bench/internal/chart"
	"github.com/skiff-k8s/skiff/bench/internal/stats"
)

// charts are the drawings, by file name: which figures stand in each.
var charts = []struct {
	file, title string
	figures     []string
	sides       []stats.Side
	mixed       bool // of some figures more is better, and of some less
}{
	{"memory.svg", "Heap that a cached object takes: less is better", []string{
		"heap_per_pod_typed", "heap_per_pod_dynamic", "heap_per_cr_typed", "heap_per_cr_dynamic",
		"heap_per_configmap", "heap_per_node", "heap_per_endpointslice", "heap_per_index",
	}, []stats.Side{stats.Skiff, stats.ClientGo, stats.ClientGoStripped}, false},
	{"sync.svg", "The initial list: less is better", []string{
		"peak_rss_sync", "cpu_sync", "wall_sync", "peak_rss_sync_dynamic", "cpu_sync_dynamic",
	}, []stats.Side{stats.Skiff, stats.ClientGo, stats.ClientGoStripped}, false},
	{"watch.svg", "Watch events", []string{
		"watch_events_proto", "cpu_per_event_proto", "watch_events_json", "cpu_per_event_json", "latency_p99",
	}, []stats.Side{stats.Skiff, stats.ClientGo}, true},
	{"reads.svg", "CPU of a read: less is better", []string{
		"get_hot", "get_cold", "view_hot", "view_cold", "list_hot", "list_all_scan", "view_all_scan",
	}, []stats.Side{stats.Skiff, stats.SkiffDecoded, stats.ClientGo, stats.ControllerRuntime}, false},
	{"program.svg", "The smallest informer program: less is better", []string{
		"informer_binary", "informer_modules", "informer_cold_build",
	}, []stats.Side{stats.Skiff, stats.ClientGo}, false},
}

// Charts returns the charts as SVG, by file name. A chart without any measured figure is left out.
func (r *Report) Charts() (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, c := range charts {
		drawing := chart.Chart{Title: c.title}
		for _, name := range c.figures {
			f := find(name)
			row := chart.Row{Label: f.Title}
			if c.mixed {
				row.Label += map[bool]string{true: " (more is better)", false: " (less is better)"}[f.More]
			}
			for _, side := range c.sides {
				s, ok := r.Samples.Summary(name, side)
				if !ok {
					continue
				}
				class := ""
				if side == stats.Skiff || side == stats.SkiffDecoded || side == stats.SkiffUndecoded {
					class = "ours"
				}
				row.Bars = append(row.Bars, chart.Bar{Class: class, Name: titles[side], Value: s.Median, Text: f.Unit.Format(s.Median)})
			}
			if len(row.Bars) > 0 {
				drawing.Rows = append(drawing.Rows, row)
			}
		}
		if len(drawing.Rows) == 0 {
			continue
		}
		var b bytes.Buffer
		if err := drawing.Write(&b); err != nil {
			return nil, err
		}
		files[c.file] = b.Bytes()
	}
	return files, nil
}

func find(name string) Figure {
	for _, f := range all() {
		if f.Name == name {
			return f
		}
	}
	panic("report: no figure " + name) // charts name only what there is; a test goes through them
}
