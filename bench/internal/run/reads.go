package run

import (
	"context"
	"strconv"

	"github.com/skiff-k8s/skiff/bench/internal/probe"
)

// step is one way of reading, and the name of its figure.
type step struct {
	what    probe.What
	pattern probe.Pattern
	figure  string
}

// processes are the reads, in the order in which each process does them: what is cold first, before
// anything else has touched it; then what is hot; and at last what goes through everything. The
// Lists of everything have processes of their own, so that the first of each is cold. (Their scan
// is the third in a row: there is no other way to go through everything.) heap is the figure of
// what the process needs in the end; "" is none.
var processes = []struct {
	steps []step
	heap  string
}{
	{steps: []step{
		{probe.List, probe.Cold, "list_cold"},
		{probe.PeekList, probe.Cold, "view_list_cold"},
		{probe.Get, probe.Cold, "get_cold"},
		{probe.Peek, probe.Cold, "view_cold"},
		{probe.Glance, probe.Scan, "metadata_scan"},
		{probe.Part, probe.Scan, "fields_scan"},
		{probe.Get, probe.Hot, "get_hot"},
		{probe.Peek, probe.Hot, "view_hot"},
		{probe.List, probe.Hot, "list_hot"},
		{probe.PeekList, probe.Hot, "view_list_hot"},
		{probe.Get, probe.Scan, "get_scan"},
		{probe.Peek, probe.Scan, "view_scan"},
		{probe.List, probe.Scan, "list_scan"},
		{probe.PeekList, probe.Scan, "view_list_scan"},
	}},
	{steps: []step{
		{probe.All, probe.Cold, "list_all_cold"},
		{probe.All, probe.Hot, "list_all_hot"},
		{probe.All, probe.Scan, "list_all_scan"},
	}},
	{steps: []step{
		{probe.PeekAll, probe.Cold, "view_all_cold"},
		{probe.PeekAll, probe.Hot, "view_all_hot"},
		{probe.PeekAll, probe.Scan, "view_all_scan"},
	}, heap: "heap_per_pod_read"},
}

// ownerLabel is the label that the pods of one Deployment have in common, and no others.
const ownerLabel = "app.kubernetes.io/name"

// reads reads a cache of pods in every way.
func (b *Bench) reads(ctx context.Context, c contender) error {
	server, err := StartServer(ctx, b.replay(), "--pods", strconv.Itoa(b.Scale.Pods), "--can", "pods/protobuf")
	if err != nil {
		return err
	}
	defer server.Close()
	for _, p := range processes {
		err := b.with(ctx, c, []string{"--server", server.URL, "--resource", "pods"}, func(r *Runner) error {
			if _, err := ask[probe.Synced](r, "sync"); err != nil {
				return err
			}
			// The garbage of the initial list is not the reads'.
			if _, err := ask[probe.Heap](r, "heap"); err != nil {
				return err
			}
			if err := b.readSteps(r, c, p.steps); err != nil || p.heap == "" {
				return err
			}
			return b.heap(r, c, p.heap)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *Bench) readSteps(r *Runner, c contender, steps []step) error {
	for _, s := range steps {
		read, err := ask[probe.Read](r, "read", string(s.what), string(s.pattern), ownerLabel)
		if err != nil {
			return err
		}
		b.add(s.figure, c, micros(read.CPU)/float64(read.Ops))
	}
	return nil
}
