package process

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestTheTailOfALogIsWhatTellsMost(t *testing.T) {
	const (
		info  = "I1123 10:44:22.398926    6237 serving.go:405] Generated self-signed cert\n"
		fault = `E1123 10:26:10.876413   27845 run.go:72] "command failed" err="address already in use"` + "\n"
		zap   = `{"level":"fatal","ts":"2026-11-23T10:21:13Z","msg":"discovery failed"}` + "\n"
		flag  = "Error: unknown flag: --nonsense\n"
	)
	numbered := func(n int) (text string) {
		for i := range n {
			text += fmt.Sprintln("line", i)
		}
		return text
	}
	for name, c := range map[string]struct {
		earlier, log string
		want         []string
	}{
		"nothing":                 {"", "", nil},
		"errors before the rest":  {"", info + fault + info, []string{strings.TrimSpace(fault)}},
		"etcd's JSON":             {"", info + zap, []string{strings.TrimSpace(zap)}},
		"a bad flag":              {"", flag + info, []string{strings.TrimSpace(flag)}},
		"no error: the last ones": {"", numbered(20), strings.Split(strings.TrimSpace(numbered(20)), "\n")[12:]},
		"an earlier run's error":  {fault, info, []string{strings.TrimSpace(info)}},
		"an unfinished line":      {"", "killed in mid sen", []string{"killed in mid sen"}},
		"a long line is cut":      {"", "F0101 " + strings.Repeat("x", 2000), []string{"F0101 " + strings.Repeat("x", tailWidth-6) + "…"}},
		"a long log":              {"", fault + strings.Repeat(info, 2000), slices.Repeat([]string{strings.TrimSpace(info)}, tailLines)},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.log")
			if err := os.WriteFile(path, []byte(c.earlier+c.log), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := tail(path, int64(len(c.earlier)))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestALogThatIsGoneIsSaid(t *testing.T) {
	if _, err := tail(filepath.Join(t.TempDir(), "none.log"), 0); err == nil {
		t.Error("no error for a log that does not exist")
	}
}
