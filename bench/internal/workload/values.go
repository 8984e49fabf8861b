package workload

import (
	"encoding/binary"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// slot is a place in the pods of a ReplicaSet where each has a value of its own. A slot's values
// all have the same length when they are encoded, so that forms can be filled in.
type slot int

const (
	slotName slot = iota
	slotUID
	slotVersion
	slotNode
	slotHostIP
	slotPodIP
	slotContainer0
	slotContainer1
	slotToken
	slotCreated // from here on times
	slotStarted0
	slotStarted1
	slotReady
	slotDeleted
	slots

	texts = slotCreated
	times = slots - texts
)

// textLen are the lengths of the slots that hold text.
var textLen = [texts]int{suffixLen, 36, 9, nodeNameLen, addressLen, addressLen, 64, 64, suffixLen}

var textAt = func() (at [texts + 1]int) {
	for s, n := range textLen {
		at[s+1] = at[s] + n
	}
	return at
}()

const valuesLen = suffixLen + 36 + 9 + nodeNameLen + addressLen + addressLen + 64 + 64 + suffixLen

// values are the values of one pod in the slots.
type values struct {
	texts [valuesLen]byte
	times [times]int64
}

func (v *values) slot(s slot) []byte   { return v.texts[textAt[s]:textAt[s+1]] }
func (v *values) text(s slot) string   { return string(v.slot(s)) }
func (v *values) seconds(s slot) int64 { return v.times[s-texts] }

func (v *values) time(s slot) metav1.Time { return timeOf(v.seconds(s)) }

// values returns the values of the pod at position i.
func (p *Pods) values(i int, s State) *values {
	v := new(values)
	d, rank := i/podsPerDeployment, i%podsPerDeployment
	g := generatorOf(p.seed, 'p', uint64(i), uint64(s.Generation))
	g.rankedSuffix(v.slot(slotName), rank, podsPerDeployment)
	g.uuid(v.slot(slotUID))
	g.suffix(v.slot(slotToken))
	g.hex(v.slot(slotContainer0))
	g.hex(v.slot(slotContainer1))
	node := g.below(len(p.nodes))
	copy(v.slot(slotNode), p.nodes[node])
	nodeAddress(v.slot(slotHostIP), node)
	podAddress(v.slot(slotPodIP), uint64(i)+uint64(s.Generation)*uint64(p.n))
	putDigits(v.slot(slotVersion), s.Version)

	// The Deployment was rolled out for some minutes; images take seconds to start.
	b := generatorOf(p.seed, 't', uint64(d), uint64(s.Generation))
	made := int64(beginning) + int64(s.Generation)*7200 + int64(b.below(30*24*3600))
	v.times[slotCreated-texts] = made + int64(g.below(600))
	v.times[slotStarted0-texts] = v.seconds(slotCreated) + 1 + int64(g.below(5))
	v.times[slotStarted1-texts] = v.seconds(slotStarted0) + int64(g.below(3))
	v.times[slotReady-texts] = v.seconds(slotStarted1) + 3 + int64(g.below(30)) + int64(s.Revision)*45
	v.times[slotDeleted-texts] = v.seconds(slotReady) + 3600
	return v
}

// markers returns values that can be found in an encoded pod, because no other bytes in it look
// like them.
func markers() *values {
	v := new(values)
	for s := range texts {
		b := v.slot(s)
		for k := range b {
			b[k] = '~'
		}
		b[len(b)/2] = byte('A' + s)
	}
	for s := range times {
		v.times[s] = 30_000_000_000 + int64(s)*7_654_321 // in the year 2920; five bytes in protobuf, as today
	}
	return v
}

const (
	timeLenProtobuf = 5
	timeLenJSON     = len("2006-01-02T15:04:05Z")
)

// appendTime appends a time in the encoding of a format.
func appendTime(dst []byte, f Format, seconds int64) []byte {
	if f == JSON {
		return time.Unix(seconds, 0).UTC().AppendFormat(dst, time.RFC3339)
	}
	return binary.AppendUvarint(dst, uint64(seconds))
}

// putDigits fills b with the decimal digits of x.
func putDigits(b []byte, x uint64) {
	whole := x
	for k := len(b) - 1; k >= 0; k-- {
		b[k] = byte('0' + x%10)
		x /= 10
	}
	if x != 0 || b[0] == '0' {
		panic(fmt.Sprintf("workload: version %d does not have %d digits", whole, len(b)))
	}
}
