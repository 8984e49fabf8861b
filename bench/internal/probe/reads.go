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

// What is read.
type What string

// What "read" can read.
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

// Pattern is which objects are read, and how often.
type Pattern string

// The patterns of "read".
const (
	// Cold reads what has not been read before, each once. A part of the objects is set aside for
	// each What, so that cold reads must come before all others, and each but once.
	Cold Pattern = "cold"
	// Hot reads a few again and again.
	Hot Pattern = "hot"
	// Scan reads everything in turn, as often as it takes to measure it.
	Scan Pattern = "scan"
)

const (
	// hotKeys are "a few": what a busy controller works on.
	hotKeys = 8
	// hotTime is how long reads that can be repeated go on at least, so that they are many.
	hotTime = 200 * time.Millisecond
	// coldShare of the label's values are set aside for each kind of cold read.
	coldShare = 0.12
)

// reader reads a Subject's cache in patterns.
type reader struct {
	subject Subject
	label   string
	groups  [][]string // the keys of each value of the label; the values in random order
	values  []string   // by the index of groups
}

// newReader learns which keys there are. It reads no object.
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
	// The same order in every process, and none that a server or a store might happen to have.
	random := rand.New(rand.NewPCG(1, 2))
	random.Shuffle(len(r.values), func(i, j int) { r.values[i], r.values[j] = r.values[j], r.values[i] })
	for _, value := range r.values {
		keys := byValue[value]
		slices.Sort(keys)
		r.groups = append(r.groups, keys)
	}
	return r
}

// read does a "read".
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

// measure does all of ops, and if it may do them again, goes on for as long as it takes to see what
// they cost: at least hotTime, and then up to the end of a collection. It begins right after one. So
// garbage is paid for by those who made it: a collection of a large heap costs as much as many
// thousand reads, and comes as seldom.
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

// collection is how far the garbage collector is.
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

// settles says that the garbage made since before has been paid for, or that there is so little of it
// that its share of a collection does not matter, or that this has taken long enough.
func (c collection) settles(before collection, took time.Duration) bool {
	const longEnough = 20 * hotTime
	return c.cycles > before.cycles || c.allocated-before.allocated < c.live/50 || took >= longEnough
}

// keys returns the keys that a pattern of Gets or Peeks goes through.
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

// some returns the indexes of the label's values that a pattern goes through.
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
