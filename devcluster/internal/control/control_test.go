package control

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/skiff-k8s/skiff/devcluster/internal/cluster"
)

// fake writes down what it is told to do.
type fake struct {
	did  string
	err  error
	hang bool // until the context ends
}

func (f *fake) Do(ctx context.Context, verb, component string) error {
	f.did = verb + " " + component
	if f.hang {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	return f.err
}
func (f *fake) PIDs() map[string]int             { return map[string]int{"etcd": 7} }
func (f *fake) States() map[string]cluster.State { return map[string]cluster.State{"etcd": "running"} }

// serve runs Serve over pipes and returns their other ends and what Serve will return.
func serve(t *testing.T, ctx context.Context, f *fake) (commands *io.PipeWriter, answers *bufio.Scanner, ended chan error) {
	t.Helper()
	in, commands := io.Pipe()
	out, answer := io.Pipe()
	ended = make(chan error, 1)
	go func() { ended <- Serve(ctx, in, answer, f) }()
	t.Cleanup(func() {
		commands.Close()
		out.Close()
	})
	return commands, bufio.NewScanner(out), ended
}

func TestEachCommandHasOneAnswer(t *testing.T) {
	for command, want := range map[string]struct {
		ok  bool
		did string
		err error
	}{
		"restart kube-apiserver":  {true, "restart kube-apiserver", nil},
		"  pause   apiserver ":    {true, "pause kube-apiserver", nil},
		"stop controller-manager": {true, "stop kube-controller-manager", nil},
		"kill etcd":               {true, "kill etcd", nil},
		"start etcd":              {false, "start etcd", errors.New("it is running")},
		"status":                  {true, "", nil},
		"status etcd now":         {false, "", nil},
		"restart":                 {false, "", nil},
	} {
		t.Run(command, func(t *testing.T) {
			f := &fake{err: want.err}
			commands, answers, ended := serve(t, t.Context(), f)
			if _, err := io.WriteString(commands, "\n"+command+"\n"); err != nil {
				t.Fatal(err)
			}
			if !answers.Scan() {
				t.Fatal("no answer")
			}
			var m Message
			if err := json.Unmarshal(answers.Bytes(), &m); err != nil {
				t.Fatalf("the answer %q is not one JSON line: %v", answers.Text(), err)
			}
			if m.Event != Answer || m.OK != want.ok || m.Command != strings.TrimSpace(command) || m.PIDs["etcd"] != 7 {
				t.Errorf("answer %+v", m)
			}
			if want.err != nil && m.Error != want.err.Error() {
				t.Errorf("error %q, want %q", m.Error, want.err)
			}
			commands.Close()
			if err := <-ended; err != nil {
				t.Errorf("at the end of the commands: %v, want nil", err)
			}
			if f.did != want.did {
				t.Errorf("did %q, want %q", f.did, want.did)
			}
		})
	}
}

func TestTheEndOfTheCommandsBreaksOffTheOneUnderWay(t *testing.T) {
	commands, answers, ended := serve(t, t.Context(), &fake{hang: true})
	if _, err := io.WriteString(commands, "restart apiserver\n"); err != nil {
		t.Fatal(err)
	}
	commands.Close()
	if err := <-ended; err != nil {
		t.Errorf("%v, want nil", err)
	}
	_ = answers // nobody is there to read one, and Serve must not wait for it
}

func TestServeSaysWhyItEndedEarly(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, ended := serve(t, ctx, new(fake)); !errors.Is(<-ended, context.Canceled) {
		t.Error("an ended context is not what Serve returns")
	}
	commands, _, ended := serve(t, t.Context(), new(fake))
	commands.CloseWithError(errors.New("unplugged"))
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "unplugged") {
		t.Errorf("broken input: %v, want its error", err)
	}
	in, commands := io.Pipe()
	defer commands.Close()
	go io.WriteString(commands, "status\n")
	if err := Serve(t.Context(), in, broken{}, new(fake)); err == nil {
		t.Error("nobody reads the answers: no error")
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestAMessageIsOneLine(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, Message{Event: Failed, Error: "two\nlines"}); err != nil {
		t.Fatal(err)
	}
	if want := "{\"event\":\"failed\",\"ok\":false,\"error\":\"two\\nlines\"}\n"; b.String() != want {
		t.Errorf("wrote %q, want %q", b.String(), want)
	}
}
