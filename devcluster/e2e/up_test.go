package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const (
	defaultAccount = "/api/v1/namespaces/default/serviceaccounts/default"
	configMaps     = "/api/v1/namespaces/default/configmaps"
	pods           = "/api/v1/namespaces/default/pods"
	keptMap        = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"kept"}}`
	aPod           = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}]}}`
)

func TestUpPrintsItsKubeconfigAndLeavesNothingAfterATerm(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	up := m.command("up")
	out := up.start()
	path := up.line(out)
	c := newClient(t, path)
	if version := c.must(200, "GET", "/version", ""); !strings.Contains(version, `"gitVersion": "v1.37.2"`) {
		t.Errorf("/version is %s", version)
	}
	c.must(200, "GET", defaultAccount, "")
	c.must(201, "POST", pods, aPod)

	find := m.command("kubeconfig")
	if code := find.run(); code != 0 || strings.TrimSpace(find.stdout.String()) != path {
		t.Errorf("devcluster kubeconfig: %d, %q, want %s", code, find.stdout.String(), path)
	}

	components := m.processes()
	if len(components) != 3 {
		t.Errorf("%d components run, want 3", len(components))
	}
	up.Process.Signal(syscall.SIGTERM)
	if out.Scan() {
		t.Errorf("standard output has a second line: %q", out.Text())
	}
	if err := up.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v\n%s", err, up.stderr.String())
	}
	m.gone(components...)
	m.empty()
}

func TestAKilledDevclusterTakesAllWithIt(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]string{"running": "status", "with a paused API server": "pause kube-apiserver"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			up, in, out, ready := m.controlled()
			in.Write([]byte(before + "\n"))
			if answer := up.message(out); !answer.OK {
				t.Fatalf("%+v", answer)
			}
			if len(ready.PIDs) != 3 {
				t.Errorf("the processes are %v, want 3", ready.PIDs)
			}
			up.Process.Kill()
			up.Wait()
			for _, pid := range ready.PIDs {
				m.gone(pid)
			}
			// Its folder is the next start's to remove.
			if code := m.command("run", "--no-controller-manager", "true").run(); code != 0 {
				t.Errorf("the next start: exit status %d", code)
			}
			m.empty()
		})
	}
}

func TestAFailedStartNamesItsLogAndLeavesNoProcess(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ arg, log, says string }{
		"unknown flag":       {"--apiserver-arg=--nonsense", "kube-apiserver.log", "unknown flag: --nonsense"},
		"etcd's flag":        {"--etcd-arg=--nonsense", "etcd.log", "-nonsense"},
		"controller manager": {"--controllers=no-such-controller", "kube-controller-manager.log", "no-such-controller"},
		"address in use":     {"", "kube-apiserver.log", "address already in use"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			if c.arg == "" {
				// The first cluster's port is taken in every way that one can be.
				_, _, _, ready := m.controlled("--no-controller-manager")
				port := ready.Server[strings.LastIndex(ready.Server, ":")+1:]
				c.arg = "--apiserver-arg=--secure-port=" + port + "\x00--apiserver-arg=--permit-port-sharing=false"
			}
			before := len(m.processes())
			up := m.command(append([]string{"up"}, strings.Split(c.arg, "\x00")...)...)
			if code := up.run(); code != 1 {
				t.Errorf("exit status %d, want 1", code)
			}
			said := up.stderr.String()
			if !strings.Contains(said, c.says) {
				t.Errorf("it says\n%s\nwhich has no %q", said, c.says)
			}
			if up.stdout.Len() > 0 {
				t.Errorf("standard output has %q", up.stdout.String())
			}
			logs, _ := filepath.Glob(filepath.Join(m.tmp, "devcluster-*", "*", "logs", c.log))
			named := false
			for _, log := range logs {
				named = named || strings.Contains(said, log)
			}
			if !named {
				t.Errorf("it says\n%s\nwhich names none of the logs that are there: %v", said, logs)
			}
			if after := m.processes(); len(after) != before {
				t.Errorf("%d processes are left behind: %v", len(after)-before, after)
			}
		})
	}
}

func TestAKeptClusterGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	data := filepath.Join(t.TempDir(), "kept")
	up, in, _, first := m.controlled("--data", data)
	c := newClient(t, first.Kubeconfig)
	c.must(201, "POST", configMaps, keptMap)
	in.Close()
	if err := up.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, up.stderr.String())
	}
	m.gone(first.PIDs["etcd"], first.PIDs["kube-apiserver"])
	if _, err := os.Stat(first.Kubeconfig); err != nil || !strings.HasPrefix(first.Kubeconfig, data) {
		t.Errorf("the kubeconfig %s did not stay in the folder: %v", first.Kubeconfig, err)
	}

	up, in, _, second := m.controlled("--data", data)
	if second.Server != first.Server {
		t.Errorf("the second start is at %s, the first was at %s", second.Server, first.Server)
	}
	again := newClient(t, second.Kubeconfig)
	if again.ca != c.ca {
		t.Error("the second start has another authority")
	}
	again.must(200, "GET", configMaps+"/kept", "")
	c.http.CloseIdleConnections()
	c.must(200, "GET", configMaps+"/kept", "") // by the first start's credentials
	busy := m.command("up", "--data", data)
	if code := busy.run(); code != 1 || !strings.Contains(busy.stderr.String(), "in use") {
		t.Errorf("a second cluster on the same folder: exit status %d, %s", code, busy.stderr.String())
	}
	in.Close()
	if err := up.Wait(); err != nil {
		t.Errorf("%v\n%s", err, up.stderr.String())
	}
	m.empty()
}

func TestWithoutAControllerManagerPodsNeedNoAccount(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	up, in, _, ready := m.controlled("--no-controller-manager")
	if len(ready.PIDs) != 2 {
		t.Errorf("the processes are %v, want two", ready.PIDs)
	}
	newClient(t, ready.Kubeconfig).must(201, "POST", pods, aPod)
	in.Close()
	if err := up.Wait(); err != nil {
		t.Error(err)
	}
}
