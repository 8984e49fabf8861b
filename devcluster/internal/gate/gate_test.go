package gate

import (
	"io"
	"os"
	"os/exec"
	"testing"
)

// child is the environment variable that makes this test binary the child.
const child = "DEVCLUSTER_GATE_TEST"

func TestMain(m *testing.M) {
	if os.Getenv(child) != "" {
		way, err := Pass()
		if err != nil {
			os.Stdout.WriteString(err.Error())
			os.Exit(1)
		}
		os.Stdout.Write([]byte{byte(way)})
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestAChildPassesWhenTheGateOpensAndNotWhenItCloses(t *testing.T) {
	for name, c := range map[string]struct {
		act  func(*Gate)
		want string
		code int
	}{
		"plain":          {func(g *Gate) { g.Open(Plain) }, "p", 0},
		"seeded":         {func(g *Gate) { g.Open(Seeded) }, "s", 0},
		"opened, closed": {func(g *Gate) { g.Open(Plain); g.Close() }, "p", 0},
		"closed":         {(*Gate).Close, "wait for devcluster: EOF", 1},
		"closed, opened": {func(g *Gate) { g.Close(); g.Open(Plain) }, "wait for devcluster: EOF", 1},
	} {
		t.Run(name, func(t *testing.T) {
			g, err := New()
			if err != nil {
				t.Fatal(err)
			}
			defer g.Close()
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), child+"=1")
			cmd.ExtraFiles = []*os.File{nil, nil, g.File()}
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			c.act(g)
			said, _ := io.ReadAll(out)
			cmd.Wait()
			if string(said) != c.want || cmd.ProcessState.ExitCode() != c.code {
				t.Errorf("the child says %q and ends with %d, want %q and %d", said, cmd.ProcessState.ExitCode(), c.want, c.code)
			}
		})
	}
}
