package workqueue_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skiff-k8s/skiff/workqueue"
)

// model is the queue in its plainest form: slices that are searched from end to
// end, and delays looked through one by one. What the queue does must be what
// the model does, after every operation.
type model struct {
	queued     []byte
	low        []modelLow
	again      []byte // processed, and added meanwhile
	againLow   []modelLow
	lowWait    time.Duration // 0: one priority
	lowLast    bool          // the last key taken was one of low
	processing []byte
	delays     []modelDelay
	shut       bool
}

type modelDelay struct {
	key byte
	due time.Duration
}

// modelLow is a key of low priority, and when that was asked for.
type modelLow struct {
	key   byte
	since time.Duration
}

func lowOf(keys []modelLow, key byte) int {
	return slices.IndexFunc(keys, func(l modelLow) bool { return l.key == key })
}

func (m *model) addLow(key byte, now time.Duration) {
	switch {
	case m.lowWait == 0:
		m.add(key)
	case m.shut, slices.Contains(m.queued, key), slices.Contains(m.again, key),
		lowOf(m.low, key) >= 0, lowOf(m.againLow, key) >= 0:
	case slices.Contains(m.processing, key):
		m.againLow = append(m.againLow, modelLow{key, now})
	default:
		m.low = append(m.low, modelLow{key, now})
	}
}

func (m *model) add(key byte) {
	if m.shut {
		return
	}
	if at := lowOf(m.low, key); at >= 0 {
		m.low = slices.Delete(m.low, at, at+1)
	}
	if at := lowOf(m.againLow, key); at >= 0 {
		m.againLow = slices.Delete(m.againLow, at, at+1)
	}
	switch {
	case slices.Contains(m.queued, key), slices.Contains(m.again, key):
	case slices.Contains(m.processing, key):
		m.again = append(m.again, key)
	default:
		m.queued = append(m.queued, key)
	}
}

func (m *model) addAt(key byte, due time.Duration) {
	if m.shut {
		return
	}
	at := slices.IndexFunc(m.delays, func(d modelDelay) bool { return d.key == key })
	if at >= 0 && m.delays[at].due <= due {
		return
	}
	if at >= 0 {
		m.delays = slices.Delete(m.delays, at, at+1)
	}
	m.delays = append(m.delays, modelDelay{key, due})
}

func (m *model) advance(now time.Duration) {
	slices.SortStableFunc(m.delays, func(a, b modelDelay) int { return int(a.due - b.due) })
	for len(m.delays) > 0 && m.delays[0].due <= now {
		m.add(m.delays[0].key)
		m.delays = m.delays[1:]
	}
}

func (m *model) take(now time.Duration) (key byte, ok bool) {
	due := len(m.low) > 0 && !m.lowLast && now-m.low[0].since >= m.lowWait
	switch {
	case len(m.queued)+len(m.low) == 0:
		return 0, false
	case len(m.queued) == 0 || due:
		key, m.low, m.lowLast = m.low[0].key, m.low[1:], true
	default:
		key, m.queued, m.lowLast = m.queued[0], m.queued[1:], false
	}
	m.processing = append(m.processing, key)
	return key, true
}

func (m *model) done(key byte) {
	without := func(keys []byte) []byte {
		return slices.DeleteFunc(keys, func(k byte) bool { return k == key })
	}
	if !slices.Contains(m.processing, key) {
		return
	}
	m.processing = without(m.processing)
	if slices.Contains(m.again, key) {
		m.again = without(m.again)
		m.queued = append(m.queued, key)
	}
	if at := lowOf(m.againLow, key); at >= 0 {
		m.low = append(m.low, m.againLow[at])
		m.againLow = slices.Delete(m.againLow, at, at+1)
	}
}

func (m *model) shutDown() {
	m.shut = true
	m.delays = nil
}

// follow runs a program on a queue and on the model. Each two bytes of it are an
// operation and its argument; keys and times are few, so that they meet.
// The queue has two priorities if lowWait is not 0.
func follow(t *testing.T, lowWait time.Duration, program []byte) {
	synctest.Test(t, func(t *testing.T) {
		var opts []workqueue.Option
		if lowWait != 0 {
			opts = append(opts, workqueue.WithPriority(lowWait))
		}
		q := workqueue.New[byte](opts...)
		m := model{lowWait: lowWait}
		start := time.Now()
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		for pc := 0; pc+1 < len(program); pc += 2 {
			op, arg := program[pc], program[pc+1]
			key := arg % 6
			switch op % 16 {
			case 0, 1:
				q.Add(key)
				m.add(key)
			case 2:
				q.AddLow(key)
				m.addLow(key, time.Since(start))
			case 3, 4, 5:
				delay := time.Duration(arg / 6 % 8)
				q.AddAfter(key, delay)
				if delay == 0 {
					m.add(key)
				} else {
					m.addAt(key, time.Since(start)+delay)
				}
			case 6, 7, 8, 9:
				want, ok := m.take(time.Since(start))
				switch {
				case ok:
					if got, err := q.Get(t.Context()); err != nil || got != want {
						t.Fatalf("step %d: Get returned %d and %v, want %d", pc/2, got, err, want)
					}
				case m.shut:
					if got, err := q.Get(t.Context()); err != workqueue.ErrShutDown {
						t.Fatalf("step %d: Get returned %d and %v, want ErrShutDown", pc/2, got, err)
					}
				default:
					if got, err := q.Get(ended); err != context.Canceled {
						t.Fatalf("step %d: Get returned %d and %v, want context.Canceled", pc/2, got, err)
					}
				}
			case 10, 11, 12:
				q.Done(key)
				m.done(key)
			case 13, 14:
				after(time.Duration(arg % 8))
				m.advance(time.Since(start))
			case 15:
				if arg < 8 { // rarely: little happens after it
					q.ShutDown()
					m.shutDown()
				}
			}
			got := q.Stats()
			got.UnfinishedWork, got.LongestRunningProcessor = 0, 0
			want := workqueue.Stats{Depth: len(m.queued) + len(m.low), Low: len(m.low),
				Processing: len(m.processing), Delayed: len(m.delays)}
			if got != want {
				t.Fatalf("step %d (operation %d, argument %d): %+v, want %+v", pc/2, op%16, arg, got, want)
			}
		}
	})
}

func TestTheQueueDoesWhatItsModelDoes(t *testing.T) {
	programs := 300
	if testing.Short() {
		programs = 30
	}
	for seed := range programs {
		r := rand.New(rand.NewPCG(uint64(seed), 1))
		program := make([]byte, 2*400)
		for i := range program {
			program[i] = byte(r.Uint32())
		}
		lowWait := time.Duration(seed % 3 * 10) // 0: one priority
		follow(t, lowWait, program)
		if t.Failed() {
			t.Fatalf("with seed %d", seed)
		}
	}
}

func FuzzTheQueueDoesWhatItsModelDoes(f *testing.F) {
	f.Add(byte(0), []byte{0, 1, 6, 0, 0, 1, 10, 1, 6, 0, 10, 1})             // added while processed
	f.Add(byte(0), []byte{3, 43, 3, 13, 13, 3, 6, 0, 13, 7})                 // two delays of a key
	f.Add(byte(0), []byte{0, 1, 0, 2, 6, 0, 0, 1, 15, 0, 10, 1, 6, 0, 6, 0}) // shut down meanwhile
	f.Add(byte(7), []byte{2, 1, 2, 2, 0, 3, 13, 7, 6, 0, 6, 0, 6, 0})        // takes turns
	f.Add(byte(7), []byte{2, 1, 6, 0, 2, 1, 0, 1, 10, 1, 6, 0})              // raised while processed
	f.Fuzz(func(t *testing.T, lowWait byte, program []byte) {
		follow(t, time.Duration(lowWait), program[:min(len(program), 4000)])
	})
}
