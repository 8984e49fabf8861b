package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func TestRunIsAClusterForTheLifeOfACommand(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	run := m.command("run", "--no-controller-manager", "--", "sh", "-c", `echo "$KUBECONFIG"; test -s "$KUBECONFIG" && env | grep SKIFF; exit 7`)
	run.Env = append(run.Env, "KUBECONFIG=/somebody/elses")
	if code := run.run(); code != 7 {
		t.Errorf("exit status %d, want the command's, 7: %s", code, run.stderr.String())
	}
	path := strings.TrimSpace(run.stdout.String())
	if !strings.HasPrefix(path, m.tmp) || strings.Contains(path, "\n") {
		t.Errorf("the command saw %q", path)
	}
	m.empty()
}

func TestRunPassesOnHowItsCommandEnded(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	if code := m.command("run", "--no-controller-manager", "sh", "-c", "kill -9 $$").run(); code != 128+9 {
		t.Errorf("a killed command: exit status %d, want 137", code)
	}
	missing := m.command("run", "no-such-command-anywhere")
	if code := missing.run(); code != 127 || strings.Contains(missing.stderr.String(), "starting") {
		t.Errorf("a missing command: exit status %d, want 127 before any start: %s", code, missing.stderr.String())
	}
}

// family is a shell command that starts a child, and a grandchild that detaches itself, prints
// both process ids and its own, and then does what is asked.
func family(then string) []string {
	return []string{"sh", "-c", `sleep 1000 & echo $!; (setsid sleep 1000 & echo $!); echo $$; ` + then}
}

func TestRunLeavesNothingOfItsCommandBehind(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		then string
		end  func(*os.Process)
	}{
		"when the command ends":     {"exit 0", func(*os.Process) {}},
		"when devcluster is told":   {"wait", func(p *os.Process) { p.Signal(syscall.SIGTERM) }},
		"when devcluster is killed": {"wait", func(p *os.Process) { p.Kill() }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			run := m.command(append([]string{"run", "--no-controller-manager", "--"}, family(c.then)...)...)
			out := run.start()
			var pids []int
			for range 3 {
				pid, err := strconv.Atoi(run.line(out))
				if err != nil {
					t.Fatal(err)
				}
				pids = append(pids, pid)
			}
			components := m.processes()
			c.end(run.Process)
			run.Wait()
			m.gone(pids...)
			m.gone(components...)
		})
	}
}

func TestUnderAComponentsNameItIsThatProgram(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	links := filepath.Join(t.TempDir(), "assets")
	assets := m.command("assets", links)
	if code := assets.run(); code != 0 || strings.TrimSpace(assets.stdout.String()) != links {
		t.Fatalf("exit status %d, %q, %s", code, assets.stdout.String(), assets.stderr.String())
	}
	if code := m.command("assets", links).run(); code != 0 {
		t.Errorf("a second time: exit status %d", code)
	}
	for _, c := range []struct {
		name, arg, says string
		code            int
	}{
		{"etcd", "--version", "etcd Version: 3.7.3", 0},
		{"kube-apiserver", "--version", "Kubernetes v1.37.2", 0},
		{"kube-controller-manager", "--version", "Kubernetes v1.37.2", 0},
		{"kube-apiserver", "--nonsense", "unknown flag: --nonsense", 1},
		{"etcd", "--nonsense", "flag provided but not defined: -nonsense", 2},
	} {
		program := m.command(c.arg)
		program.Path = filepath.Join(links, c.name)
		program.Args[0] = program.Path
		code := program.run()
		said := program.stdout.String() + program.stderr.String()
		if code != c.code || !strings.Contains(said, c.says) {
			t.Errorf("%s %s: exit status %d, %.300q; want %d and %q", c.name, c.arg, code, said, c.code, c.says)
		}
	}
}

func TestACommandLineThatMakesNoSenseIsAUsageError(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	for _, args := range [][]string{{"fly"}, {"up", "--nonsense"}, {"up", "there"}, {"run"}, {"assets"}} {
		c := m.command(args...)
		if code := c.run(); code != 2 || !strings.Contains(c.stderr.String(), "devcluster help") {
			t.Errorf("devcluster %v: exit status %d, %s", args, code, c.stderr.String())
		}
	}
	for _, args := range [][]string{nil, {"help"}, {"--help"}, {"up", "--help"}, {"version"}} {
		c := m.command(args...)
		if code := c.run(); code != 0 || c.stdout.Len() == 0 {
			t.Errorf("devcluster %v: exit status %d, %q", args, code, c.stdout.String())
		}
	}
	none := m.command("kubeconfig")
	if code := none.run(); code != 1 || !strings.Contains(none.stderr.String(), "devcluster up") {
		t.Errorf("devcluster kubeconfig with no cluster: exit status %d, %s", code, none.stderr.String())
	}
}
