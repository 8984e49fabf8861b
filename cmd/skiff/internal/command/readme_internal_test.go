package command

import (
	"io"
	"os"
	"strings"
	"testing"

	"github.com/skiff-k8s/skiff/cmd/skiff/internal/cli"
)

// The README lists every command, and each has a line of help and a group.
func TestReadmeListsTheCommands(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var begun bool
	root := newRoot(&cli.Factory{Streams: cli.Streams{Out: io.Discard, Err: io.Discard}}, &begun)
	commands := root.Commands()
	if len(commands) < 10 {
		t.Fatalf("there are %d commands", len(commands))
	}
	for _, c := range commands {
		name := c.Name()
		if !strings.Contains(string(readme), "`"+name+"`") {
			t.Errorf("README.md does not list %s", name)
		}
		if c.Short == "" || c.GroupID == "" {
			t.Errorf("%s has no line of help, or no group", name)
		}
		for _, sub := range c.Commands() {
			if !strings.Contains(string(readme), "`"+sub.Name()+"`") {
				t.Errorf("README.md does not list %s %s", name, sub.Name())
			}
			if sub.Short == "" {
				t.Errorf("%s %s has no line of help", name, sub.Name())
			}
		}
	}
}
