package probe

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/labels"
)

// Serve answers the commands of in until "quit" or the end of in. It returns an error if reading or
// writing fails; an error of the subject is an answer.
func Serve(ctx context.Context, subject Subject, in io.Reader, out io.Writer) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s := &session{subject: subject, baseline: heap().Alloc}
	answers := json.NewEncoder(out)
	for lines := bufio.NewScanner(in); ; {
		if !lines.Scan() {
			return lines.Err()
		}
		words := strings.Fields(lines.Text())
		if len(words) == 0 {
			continue
		}
		answer, err := s.do(ctx, words)
		if err != nil {
			answer = failure{fmt.Sprintf("%s: %v", strings.Join(words, " "), err)}
		}
		if err := answers.Encode(answer); err != nil {
			return err
		}
		if words[0] == "quit" {
			return nil
		}
	}
}

// session is the state of one Serve.
type session struct {
	subject  Subject
	baseline int64 // of the heap, before the informer
	watcher  Watcher
	marked   moment
	reader   *reader
}

// UnknownCommand is in the error for a command that the runner does not have, because it is older.
const UnknownCommand = "no such command"

var errUnknown = errors.New(UnknownCommand)

func (s *session) do(ctx context.Context, words []string) (any, error) {
	args := words[1:]
	command, ok := commands[words[0]]
	if !ok {
		return nil, errUnknown
	}
	if len(args) != command.args {
		return nil, fmt.Errorf("%d arguments, want %d", len(args), command.args)
	}
	return command.do(s, ctx, args)
}

var commands = map[string]struct {
	args int
	do   func(s *session, ctx context.Context, args []string) (any, error)
}{
	"sync":       {0, (*session).sync},
	"heap":       {0, (*session).heap},
	"mark":       {0, func(s *session, _ context.Context, _ []string) (any, error) { return s.mark(false), nil }},
	"record":     {0, func(s *session, _ context.Context, _ []string) (any, error) { return s.mark(true), nil }},
	"told":       {1, (*session).told},
	"receptions": {0, (*session).receptions},
	"index":      {1, (*session).index},
	"read":       {3, (*session).read},
	"quit":       {0, (*session).quit},
}

func (s *session) sync(ctx context.Context, _ []string) (any, error) {
	begin := now()
	if err := s.subject.Start(ctx, &s.watcher); err != nil {
		return nil, err
	}
	if err := s.subject.WaitForSync(ctx); err != nil {
		return nil, err
	}
	answer := Synced{Span: begin.since()}
	_, answer.PeakRSS = resident()
	answer.Objects = s.objects()
	return answer, nil
}

func (s *session) objects() (n int) {
	s.subject.Each(func(string, labels.Labels) { n++ })
	return n
}

// atRest is how long there must have been no event before the heap is measured. Memory that a
// library uses during work and frees afterwards does not belong to its cache.
const atRest = 100 * time.Millisecond

func (s *session) heap(context.Context, []string) (any, error) {
	time.Sleep(atRest)
	answer := heap()
	answer.Alloc -= s.baseline
	answer.Objects = s.objects()
	return answer, nil
}

func (s *session) index(_ context.Context, args []string) (any, error) {
	indexer, ok := s.subject.(Indexer)
	if !ok {
		return nil, errors.New("this runner has no custom indexes")
	}
	return struct{}{}, indexer.Index(args[0])
}

func (s *session) mark(record bool) any {
	s.watcher.mark(record)
	s.marked = now()
	return struct{}{}
}

// settled is how long there must have been no call before the calls are considered complete. The
// handler's goroutine may still hold the last ones, where no queue counts them.
const settled = 5 * time.Millisecond

func (s *session) told(ctx context.Context, args []string) (any, error) {
	version, err := strconv.ParseUint(args[0], 10, 64)
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(settled)
	defer tick.Stop()
	before := -1
	for {
		calls, between := s.watcher.count()
		if s.subject.CaughtUp(version, &s.watcher) && calls == before {
			answer := Told{Span: s.marked.since(), Calls: calls}
			answer.Wall = between
			_, answer.RSS = resident()
			return answer, nil
		}
		before = calls
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (s *session) receptions(context.Context, []string) (any, error) {
	return s.watcher.received(), nil
}

func (s *session) read(_ context.Context, args []string) (any, error) {
	if s.reader == nil || s.reader.label != args[2] {
		s.reader = newReader(s.subject, args[2])
	}
	return s.reader.read(What(args[0]), Pattern(args[1]))
}

func (s *session) quit(context.Context, []string) (any, error) {
	_, peak := resident()
	return Done{PeakRSS: peak}, nil
}
