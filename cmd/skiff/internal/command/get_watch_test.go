package command_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/skiff-k8s/skiff/cmd/skiff/internal/cli"
	"github.com/skiff-k8s/skiff/cmd/skiff/internal/command"
	"github.com/skiff-k8s/skiff/faults"
)

// running is a command that runs on, such as a watch.
type running struct {
	t     *testing.T
	lines *bufio.Scanner
	errs  *strings.Builder // to be read after stop
	stop  func() int
}

// start runs skiff until stop is called, which interrupts it and returns the exit code.
func (r *tool) start(args ...string) *running {
	r.t.Helper()
	ctx, timeout := context.WithTimeout(r.t.Context(), testTimeout)
	ctx, cancel := context.WithCancelCause(ctx)
	read, write := io.Pipe()
	errs := &strings.Builder{}
	code := make(chan int, 1)
	go func() {
		code <- command.Main(ctx, append(args, r.flags...), cli.Streams{Out: write, Err: errs})
		_ = write.Close()
	}()
	stopped := false
	stop := func() int {
		if stopped {
			return 0
		}
		stopped = true
		cancel(&cli.SignalError{Signal: syscall.SIGINT})
		_ = read.Close()
		timeout()
		return <-code
	}
	r.t.Cleanup(func() { stop() })
	return &running{r.t, bufio.NewScanner(read), errs, stop}
}

// line returns the next line of the output.
func (w *running) line() string {
	w.t.Helper()
	if !w.lines.Scan() {
		code := w.stop()
		w.t.Fatalf("the output has ended, with exit code %d\n%s", code, w.errs)
	}
	return w.lines.Text()
}

// expect reads lines, each of which must have the given fields at its beginning.
func (w *running) expect(want ...string) {
	w.t.Helper()
	for _, fields := range want {
		if got := strings.Join(strings.Fields(w.line()), " "); !strings.HasPrefix(got+" ", fields+" ") {
			w.t.Errorf("line %q, want %q", got, fields)
		}
	}
}

func TestGetWatches(t *testing.T) {
	r := newTool(t)
	r.configMaps(2)
	w := r.start("get", "cm", "-l", "a=b", "-w", "--output-watch-events")
	w.expect("EVENT NAME DATA AGE", "ADDED m-000 1", "ADDED m-001 1")
	r.create("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m-009, labels: {a: b}}")
	w.expect("ADDED m-009 0")
	r.patch("configmaps", "m-001", `{"data":{"b":"c"}}`)
	w.expect("MODIFIED m-001 2")
	r.remove("configmaps", "m-000")
	w.expect("DELETED m-000 1")
	if code := w.stop(); code != 130 || w.errs.String() != "" {
		t.Errorf("exit code %d, %q", code, w.errs)
	}
	if got := r.ok("get", "cm", "-l", "a=b", "--no-headers"); first(got) != "m-001 m-009" {
		t.Errorf("after the watch: %q", got)
	}
}

func TestGetWatchesOneName(t *testing.T) {
	r := newTool(t)
	r.configMaps(2)
	w := r.start("get", "cm/m-001", "--watch", "-o", "json", "--output-watch-events")
	d := json.NewDecoder(reader{w})
	for _, want := range []string{"ADDED m-001 ", "MODIFIED m-001 c"} {
		var event struct {
			Type   string
			Object struct {
				Kind     string
				Metadata struct{ Name string }
				Data     map[string]string
			}
		}
		if err := d.Decode(&event); err != nil {
			t.Fatal(err)
		}
		if got := event.Type + " " + event.Object.Metadata.Name + " " + event.Object.Data["b"]; got != want || event.Object.Kind != "ConfigMap" {
			t.Errorf("event %q of a %s, want %q", got, event.Object.Kind, want)
		}
		r.patch("configmaps", "m-000", `{"data":{"b":"c"}}`)
		r.patch("configmaps", "m-001", `{"data":{"b":"c"}}`)
	}
	w.stop()
}

// reader reads what a running command prints.
type reader struct{ w *running }

func (r reader) Read(p []byte) (int, error) {
	return copy(p, r.w.line()+"\n"), nil // longer lines than p do not occur
}

// After 410 the watch tells what has changed meanwhile, deletions too, and repeats nothing.
func TestGetWatchesAcross410(t *testing.T) {
	for _, format := range []string{"", "name"} {
		direct := newTool(t)
		direct.configMaps(2)
		meanwhile := faults.NewFault("meanwhile", func(next http.Handler) http.Handler {
			gone := faults.ErrorEvent(410).Handler(next)
			return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				direct.remove("configmaps", "m-000")
				direct.create("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m-005, labels: {a: b}}")
				gone.ServeHTTP(w, req)
			})
		})
		rules := []faults.Rule{{On: faults.Watch, Times: 1, Do: meanwhile}}
		if format == "" {
			rules = append(rules, faults.Rule{On: faults.Watch, Times: 1, Do: faults.Cut(10)})
		}
		r, layer := direct.through(rules...)
		if format == "" {
			w := r.start("get", "cm", "-l", "a=b", "-w", "--output-watch-events", "--no-headers")
			w.expect("ADDED m-000", "ADDED m-001", "ADDED m-005 0", "DELETED m-000 1")
			direct.patch("configmaps", "m-001", `{"data":{"b":"c"}}`)
			w.expect("MODIFIED m-001 2")
			w.stop()
			if !strings.Contains(w.errs.String(), "next: list again") || !strings.Contains(w.errs.String(), "next: watch again") {
				t.Errorf("standard error: %q\n%s", w.errs, faults.Transcript(layer.Requests()))
			}
			continue
		}
		w := r.start("get", "cm", "-l", "a=b", "--watch-only", "-o", format)
		w.expect("configmap/m-005", "configmap/m-000")
		direct.patch("configmaps", "m-001", `{"data":{"b":"c"}}`)
		w.expect("configmap/m-001")
		w.stop()
	}
}

// A watch that is refused ends with an error.
func TestGetWatchIsRefused(t *testing.T) {
	direct := newTool(t)
	r, _ := direct.through(faults.Rule{On: faults.Watch, Do: faults.Status(403)})
	r.fails(1, []string{"skiff: watch configmaps: "}, "get", "cm", "-w")
	direct.fails(1, []string{"skiff: list pods: pods is forbidden"}, "get", "pods", "-w", "--as", "nobody")
}
