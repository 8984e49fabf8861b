package probe_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/skiff-k8s/skiff/bench/internal/probe"
)

// pods is a subject of 4 Deployments with 25 pods each, which keeps a book of what was read.
type pods struct {
	failing error
	kept    [][]byte // what the informer's cache would take
	watcher *probe.Watcher
	read    map[string]int
	lists   map[string]int
}

func (p *pods) Start(_ context.Context, w *probe.Watcher) error {
	p.watcher, p.read, p.lists = w, map[string]int{}, map[string]int{}
	p.kept = append(p.kept, make([]byte, 8<<20))
	for i := range 100 {
		w.Told(fmt.Sprint(1000 + i))
	}
	return p.failing
}

func (p *pods) WaitForSync(context.Context) error { return nil }

func (p *pods) CaughtUp(version uint64, w *probe.Watcher) bool { return w.Newest() >= version }

func (p *pods) Each(f func(string, labels.Labels)) {
	for i := range 100 {
		f(fmt.Sprintf("default/pod-%02d", i), labels.Set{"app": fmt.Sprint("app-", i%4)})
	}
}

func (p *pods) Get(key string) error { p.read[key]++; return nil }

func (p *pods) Peek(key string) error { p.read["peek "+key]++; return nil }

func (p *pods) Glance(key string) error { p.read["glance "+key]++; return nil }

func (p *pods) Part(key string) error { p.read["part "+key]++; return nil }

func (p *pods) List(s labels.Selector) (int, error) {
	p.lists[s.String()]++
	if s.Empty() {
		return 100, nil
	}
	return 25, nil
}

func (p *pods) PeekList(s labels.Selector) (int, error) { return p.List(s) }

// indexed is a subject that can have custom indexes.
type indexed struct {
	pods
	indexes []string
}

func (i *indexed) Index(name string) error {
	i.indexes = append(i.indexes, name)
	i.kept = append(i.kept, make([]byte, 4<<20))
	return nil
}

// What an index takes is in the heap afterwards. A subject that can have none says so.
func TestIndexesAreAskedForByName(t *testing.T) {
	i := &indexed{}
	answers := talk(t, i, "sync", "heap", "index by-node", "heap", "quit")
	grown := as[probe.Heap](t, answers[3]).Alloc - as[probe.Heap](t, answers[1]).Alloc
	if len(i.indexes) != 1 || i.indexes[0] != "by-node" || grown < 4<<20 || grown > 5<<20 {
		t.Errorf("indexes %v took %d bytes, want by-node and 4 MiB", i.indexes, grown)
	}
	if answer := talk(t, &pods{}, "sync", "index by-node", "quit")[1]; !strings.Contains(answer, "has no custom indexes") {
		t.Errorf("a subject without indexes answered %s", answer)
	}
}

// talk says lines to a session about a subject and returns its answers.
func talk(t *testing.T, subject probe.Subject, lines ...string) []string {
	t.Helper()
	in, write := io.Pipe()
	read, out := io.Pipe()
	served := make(chan error, 1)
	go func() {
		served <- probe.Serve(t.Context(), subject, in, out)
		out.Close()
	}()
	var answers []string
	reader := bufio.NewReader(read)
	for _, line := range lines {
		if _, err := io.WriteString(write, line+"\n"); err != nil {
			t.Fatal(err)
		}
		answer, err := reader.ReadString('\n')
		if err != nil {
			t.Fatalf("no answer to %q: %v", line, err)
		}
		answers = append(answers, answer)
	}
	write.Close()
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
	return answers
}

// as reads an answer, which must be no failure.
func as[T any](t *testing.T, answer string) T {
	t.Helper()
	if strings.Contains(answer, `"error"`) {
		t.Fatalf("answered %s", answer)
	}
	var v T
	if err := json.Unmarshal([]byte(answer), &v); err != nil {
		t.Fatalf("answered %q: %v", answer, err)
	}
	return v
}

func TestEveryLineHasOneAnswer(t *testing.T) {
	p := &pods{}
	before := make([]byte, 16<<20) // is not the informer's
	answers := talk(t, p, "sync", "heap", "mark", "told 1099", "quit")
	runtime.KeepAlive(before)
	if got := as[probe.Synced](t, answers[0]); got.Objects != 100 || got.Wall <= 0 || got.PeakRSS <= 0 {
		t.Errorf("sync answered %+v, want 100 objects, the time and the peak", got)
	}
	// What the informer took counts, and what was there before does not.
	if got := as[probe.Heap](t, answers[1]); got.Alloc < 8<<20 || got.Alloc > 9<<20 || got.Objects != 100 {
		t.Errorf("heap answered %+v, want 8 MiB and a little more for 100 objects", got)
	}
	if got := as[probe.Told](t, answers[3]); got.Calls != 0 {
		t.Errorf("told answered %+v, want no call since the mark", got)
	}
	if got := as[probe.Done](t, answers[4]); got.PeakRSS <= 0 {
		t.Errorf("quit answered %+v, want a peak", got)
	}
}

func TestToldWaitsForTheVersionAndCountsTheCalls(t *testing.T) {
	p := &pods{}
	in, write := io.Pipe()
	read, out := io.Pipe()
	go func() {
		out.CloseWithError(errors.Join(io.EOF, probe.Serve(t.Context(), p, in, out)))
	}()
	answers := json.NewDecoder(read)
	say := func(line string, answer any) {
		t.Helper()
		if _, err := io.WriteString(write, line+"\n"); err != nil {
			t.Fatal(err)
		}
		if answer != nil {
			if err := answers.Decode(answer); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
		}
	}
	say("sync", new(any))
	say("record", new(any))
	say("told 2009", nil) // before it is told
	for i := range 10 {
		p.watcher.Told(fmt.Sprint(2000 + i))
	}
	var told probe.Told
	if err := answers.Decode(&told); err != nil || told.Calls != 10 {
		t.Errorf("told answered %+v, %v, want 10 calls", told, err)
	}
	var received probe.Receptions
	say("receptions", &received)
	if len(received.Versions) != 10 || received.Versions[9] != 2009 || len(received.At) != 10 || received.At[9] < received.At[0] {
		t.Errorf("receptions answered %+v, want the ten versions and rising times", received)
	}
	write.Close()
}

func TestReadsFollowTheirPattern(t *testing.T) {
	p := &pods{}
	answers := talk(t, p, "sync",
		"read get cold app", "read list hot app", "read get scan app", "read peek hot app", "read all scan app", "quit")

	// Of four Deployments one is set aside for each cold read.
	if got := as[probe.Read](t, answers[1]); got.Ops != 25 || got.Objects != 25 {
		t.Errorf("cold gets: %+v, want each pod of one Deployment once", got)
	}
	if got := as[probe.Read](t, answers[2]); got.Ops < 2 || got.Objects != 25*got.Ops {
		t.Errorf("hot lists: %+v, want many of 25 objects", got)
	}
	if len(p.lists) != 2 { // one Deployment's, and everything's
		t.Errorf("the selectors %v were listed, want one again and again, and all", p.lists)
	}
	if got := as[probe.Read](t, answers[3]); got.Ops == 0 || got.Ops%100 != 0 {
		t.Errorf("scanning gets: %+v, want each pod as often as every other", got)
	}
	hot := 0
	for key, times := range p.read {
		if strings.HasPrefix(key, "peek ") && times > 10 {
			hot++
		}
	}
	if hot != 8 || len(p.read) != 108 {
		t.Errorf("of %d keys %d were peeked at again and again, want 100 and 8 of them", len(p.read)-hot, hot)
	}
	if got := as[probe.Read](t, answers[5]); got.Ops == 0 || got.Objects != 100*got.Ops {
		t.Errorf("lists of everything: %+v, want 100 objects in each", got)
	}
}

// No two kinds of cold read touch the same object.
func TestColdReadsShareNothing(t *testing.T) {
	p := &pods{}
	talk(t, p, "sync", "read get cold app", "read peek cold app", "read list cold app", "read peeklist cold app", "quit")
	if len(p.read) != 50 {
		t.Errorf("%d reads of distinct pods, want 25 gets and 25 peeks", len(p.read))
	}
	seen := map[string]bool{}
	for key, times := range p.read {
		key = strings.TrimPrefix(key, "peek ")
		if times != 1 || seen[key] {
			t.Errorf("%s was read more than once", key)
		}
		seen[key] = true
	}
	if len(p.lists) != 2 {
		t.Errorf("the lists %v, want two of different Deployments", p.lists)
	}
	for selector, times := range p.lists {
		if times != 1 {
			t.Errorf("%s was listed %d times", selector, times)
		}
	}
}

func TestWhatGoesWrongIsAnswered(t *testing.T) {
	answers := talk(t, &pods{failing: errors.New("no route to the server")}, "dance", "told", "told soon", "sync", "quit")
	for i, want := range []string{"dance: no such command", "told: 0 arguments, want 1", "told soon: ", "sync: no route to the server"} {
		var failure struct{ Error string }
		if err := json.Unmarshal([]byte(answers[i]), &failure); err != nil || !strings.HasPrefix(failure.Error, want) {
			t.Errorf("answered %q, want an error %q", answers[i], want)
		}
	}
}

func TestARunnerEndsWithItsInput(t *testing.T) {
	if err := probe.Serve(t.Context(), &pods{}, strings.NewReader(""), io.Discard); err != nil {
		t.Errorf("Serve: %v", err)
	}
}
