package probe

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/metrics"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/labels"
)

// What is a kind of read.
type What string

// The kinds of reads.
const (
	Get      What = "get"      // an object, to be changed
	Peek     What = "peek"     // an object, to be looked at
	Glance   What = "glance"   // an object's metadata
	Part     What = "part"     // two fields of an object
	List     What = "list"     // the objects of one value of LABEL, to be changed
	PeekList What = "peeklist" // the same, to be looked at
	All      What = "all"      // every object, to be changed
	PeekAll  What = "peekall"  // every object, to be looked at
)

// Pattern is the choice of the objects that are read, and how often.
type Pattern string

// The patterns of "read".
const (
	// Cold reads objects that have not been read before, each once. A part of the objects is
	// reserved for each What. So cold reads must precede all others, and each What can be read cold
	// only once.
	Cold Pattern = "cold"
	// Hot reads a few objects repeatedly.
	Hot Pattern = "hot"
	// Scan reads all objects in turn, as often as the measurement needs.
	Scan Pattern = "scan"
)

const (
	// hotKeys is the number of objects of Hot: as many as a busy controller works on.
	hotKeys = 8
	// hotTime is the minimum time of reads that can be repeated.
	hotTime = 200 * time.Millisecond
	// coldShare is the part of the label's values that is reserved for each kind of cold read.
	coldShare = 0.12
)

// reader reads a Subject's cache in patterns.
type reader struct {
	subject Subject
	label   string
	groups  [][]string // the keys of each value of the label; the values in random order
	values  []string   // by the index of groups
}

// newReader collects the keys. It reads no object.
func newReader(s Subject, label string) *reader {
	byValue := map[string][]string{}
	s.Each(func(key string, l labels.Labels) {
		byValue[l.Get(label)] = append(byValue[l.Get(label)], key)
	})
	r := &reader{subject: s, label: label}
	for value := range byValue {
		r.values = append(r.values, value)
	}
	slices.Sort(r.values)
	// The same order in every process, and not the order of a server or a store.
	random := rand.New(rand.NewPCG(1, 2))
	random.Shuffle(len(r.values), func(i, j int) { r.values[i], r.values[j] = r.values[j], r.values[i] })
	for _, value := range r.values {
		keys := byValue[value]
		slices.Sort(keys)
		r.groups = append(r.groups, keys)
	}
	return r
}

// read carries out a "read" command.
func (r *reader) read(what What, pattern Pattern) (Read, error) {
	if len(r.groups) == 0 {
		return Read{}, fmt.Errorf("read %s %s: the cache is empty", what, pattern)
	}
	var ops []func() (int, error) // each one operation
	switch what {
	case Get, Peek, Glance, Part:
		one := map[What]func(string) error{
			Get: r.subject.Get, Peek: r.subject.Peek, Glance: r.subject.Glance, Part: r.subject.Part,
		}[what]
		for _, key := range r.keys(what, pattern) {
			ops = append(ops, func() (int, error) { return 1, one(key) })
		}
	case List, PeekList:
		list := map[What]func(labels.Selector) (int, error){List: r.subject.List, PeekList: r.subject.PeekList}[what]
		for _, value := range r.some(what, pattern) {
			selector := labels.SelectorFromSet(labels.Set{r.label: r.values[value]})
			ops = append(ops, func() (int, error) { return list(selector) })
		}
	case All, PeekAll:
		list := map[What]func(labels.Selector) (int, error){All: r.subject.List, PeekAll: r.subject.PeekList}[what]
		ops = append(ops, func() (int, error) { return list(labels.Everything()) })
	default:
		return Read{}, fmt.Errorf("read what? %q", what)
	}
	return measure(ops, pattern != Cold)
}

// measure runs all of ops. If again is set, it repeats them for at least hotTime, and then until a
// collection ends. It begins right after a collection. So the operations that make garbage also pay
// for its collection, which for a large heap costs as much as many thousand reads and is as rare.
func measure(ops []func() (int, error), again bool) (Read, error) {
	runtime.GC()
	var read Read
	begin, before := now(), collected()
	for {
		for _, op := range ops {
			n, err := op()
			if err != nil {
				return Read{}, err
			}
			read.Objects += n
		}
		read.Ops += len(ops)
		if !again || time.Since(begin.at) >= hotTime && collected().settles(before, time.Since(begin.at)) {
			read.Span = begin.since()
			return read, nil
		}
	}
}

// collection is the progress of the garbage collector.
type collection struct {
	cycles    uint64 // that have ended
	allocated uint64 // bytes, ever
	live      uint64 // bytes, at the end of the last cycle
}

func collected() collection {
	samples := []metrics.Sample{
		{Name: "/gc/cycles/total:gc-cycles"},
		{Name: "/gc/heap/allocs:bytes"},
		{Name: "/gc/heap/live:bytes"},
	}
	metrics.Read(samples)
	return collection{samples[0].Value.Uint64(), samples[1].Value.Uint64(), samples[2].Value.Uint64()}
}

// settles reports whether the measurement may end: the garbage made since before has been
// collected, or it is so little that its share of a collection does not matter, or the measurement
// has taken long enough.
func (c collection) settles(before collection, took time.Duration) bool {
	const longEnough = 20 * hotTime
	return c.cycles > before.cycles || c.allocated-before.allocated < c.live/50 || took >= longEnough
}

// keys returns the keys that Gets or Peeks of a pattern read.
func (r *reader) keys(what What, pattern Pattern) []string {
	if pattern == Hot {
		var keys []string
		for i := range hotKeys {
			group := r.groups[i%len(r.groups)]
			keys = append(keys, group[i/len(r.groups)%len(group)])
		}
		return keys
	}
	var keys []string
	for _, value := range r.some(what, pattern) {
		keys = append(keys, r.groups[value]...)
	}
	return keys
}

// some returns the indexes of the label's values that a pattern reads.
func (r *reader) some(what What, pattern Pattern) []int {
	all := make([]int, len(r.values))
	for i := range all {
		all[i] = i
	}
	switch pattern {
	case Hot:
		return all[:1]
	case Cold:
		part := slices.Index([]What{Get, Peek, List, PeekList, Part, Glance}, what)
		size := max(1, int(float64(len(all))*coldShare))
		return all[min(part*size, len(all)-1):min((part+1)*size, len(all))]
	default:
		return all
	}
}
