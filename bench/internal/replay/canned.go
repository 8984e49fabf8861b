package replay

import (
	"slices"

	"github.com/skiff-k8s/skiff/bench/internal/workload"
)

var formats = [...]workload.Format{workload.Protobuf, workload.JSON}

// formats returns the formats that the resource is served in.
func (r *resource) formats() []workload.Format {
	if r.info.Protobuf {
		return formats[:]
	}
	return []workload.Format{workload.JSON}
}

// can encodes the initial events in a format, if they fit into room bytes, and returns how many it
// used. It is called before the server runs.
func (r *resource) can(f workload.Format, room int64) (took int64) {
	shot := r.snapshot()
	n := units(shot.positions())
	q := &request{resource: r, format: f}
	size := int64(len(appendInitial(nil, shot, q, 0))) * int64(n) // before anything is made in vain
	if size > room {
		return 0
	}
	var pieces [][]byte
	inOrder(n, func(buffer []byte, unit int) []byte { return appendInitial(buffer, shot, q, unit) }, func(data []byte) error {
		pieces = append(pieces, slices.Clone(data))
		took += int64(len(data))
		return nil
	})
	r.canned[f] = pieces
	return took
}

// batch is encoded changes, up to the one with number next.
type batch struct {
	data []byte
	next int
}

// canChanges encodes changes as far as they fit into room bytes. first is the number of the first
// one.
func (r *resource) canChanges(f workload.Format, changes []change, first int, room int64) map[int]batch {
	sample := changes[:min(len(changes), unitLen)]
	each := 0
	for _, c := range sample {
		each += len(appendChange(nil, f, r.src, c))
	}
	each = max(each/max(len(sample), 1), 1)
	changes = changes[:min(int64(len(changes)), room/int64(each))]
	perBatch := max(writeLen/each, 1)
	batches := make(map[int]batch)
	number := 0
	inOrder((len(changes)+perBatch-1)/perBatch, func(buffer []byte, unit int) []byte {
		for _, c := range changes[unit*perBatch : min((unit+1)*perBatch, len(changes))] {
			buffer = appendChange(buffer, f, r.src, c)
		}
		return buffer
	}, func(data []byte) error {
		next := min(number+perBatch, len(changes))
		batches[first+number] = batch{slices.Clone(data), first + next}
		number = next
		return nil
	})
	return batches
}
