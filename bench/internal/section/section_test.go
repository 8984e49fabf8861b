package section

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

type bench struct {
	fails  error
	missed []string
	ran    int
}

func (b *bench) Run(context.Context) error { b.ran++; return b.fails }

func (b *bench) Section(machine string, date time.Time) string { return "## A title\n\nfigures\n" }

func (b *bench) Missed() []string { return b.missed }

func play(t *testing.T, b *bench, args ...string) (out string, err error) {
	t.Helper()
	var stdout bytes.Buffer
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	runs := flags.Int("runs", 1, "")
	err = run(t.Context(), flags, args, &stdout, "kubectl", b, func() error {
		if *runs < 1 {
			return errors.New("--runs must be at least 1")
		}
		return nil
	})
	return stdout.String(), err
}

func TestTheSectionIsPrintedOrWritten(t *testing.T) {
	if out, err := play(t, &bench{}); err != nil || out != "## A title\n\nfigures\n" {
		t.Errorf("printed is %q (%v)", out, err)
	}
	file := filepath.Join(t.TempDir(), "RESULTS.md")
	if err := os.WriteFile(file, []byte("# Results\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := play(t, &bench{missed: []string{"too large", "too slow"}}, "--out", file)
	if err == nil || !strings.Contains(err.Error(), "limits are missed:\ntoo large\ntoo slow") || out != "" {
		t.Errorf("limits that are missed: %v, printed %q", err, out)
	}
	text, err := os.ReadFile(file)
	if err != nil || !strings.HasPrefix(string(text), "# Results\n") || !strings.Contains(string(text), "## A title\n\nfigures\n") {
		t.Errorf("%v, the file is\n%s", err, text)
	}
}

func TestWhatIsWrong(t *testing.T) {
	for want, args := range map[string][]string{
		`unexpected argument "x"`: {"x"}, "must be at least 1": {"--runs", "0"}, "not defined": {"--no-such"},
	} {
		b := &bench{}
		if out, err := play(t, b, args...); err == nil || !strings.Contains(err.Error(), want) || out != "" || b.ran > 0 {
			t.Errorf("%q: error %v, want one with %q; it ran %d times", args, err, want, b.ran)
		}
	}
	mine := errors.New("mine")
	if out, err := play(t, &bench{fails: mine, missed: []string{"x"}}); err != mine || out != "" {
		t.Errorf("a measurement that fails: %v, printed %q", err, out)
	}
	if _, err := play(t, &bench{}, "--out", filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}
