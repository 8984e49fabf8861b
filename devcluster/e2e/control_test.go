package e2e

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
)

func TestTheAPIServerComesBackOnItsPortWithItsData(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	up, in, out, ready := m.controlled()
	ask := func(command string) message {
		t.Helper()
		fmt.Fprintln(in, command)
		return up.message(out)
	}
	c := newClient(t, ready.Kubeconfig)
	c.must(201, "POST", configMaps, keptMap)
	old := ready.PIDs["kube-apiserver"]
	for _, step := range []struct {
		command, state string
		ok             bool
	}{
		{"restart kube-apiserver", "running", true},
		{"stop apiserver", "stopped", true},
		{"stop apiserver", "stopped", true}, // is what was asked for
		{"pause apiserver", "stopped", false},
		{"start apiserver", "running", true},
		{"start apiserver", "running", false},
		{"pause apiserver", "paused", true},
		{"resume apiserver", "running", true},
		{"pause apiserver", "paused", true},
		{"stop apiserver", "stopped", true}, // hears it though it was paused
		{"start apiserver", "running", true},
		{"kill apiserver", "stopped", true},
		{"start apiserver", "running", true},
		{"kill etcd", "running", true},
		{"start etcd", "running", true},
		{"restart apiserver", "running", true},
		{"dance apiserver", "running", false},
		{"restart kubelet", "running", false},
	} {
		answer := ask(step.command)
		if answer.OK != step.ok || answer.States["kube-apiserver"] != step.state || answer.Command != step.command || (answer.Error == "") != step.ok {
			t.Fatalf("%s: %+v, want ok %v and the API server %s", step.command, answer, step.ok, step.state)
		}
		if pid := answer.PIDs["kube-apiserver"]; step.state == "stopped" && pid != 0 || step.state != "stopped" && pid == 0 {
			t.Errorf("%s: process id %d of an API server that is %s", step.command, pid, step.state)
		}
	}
	m.gone(old)
	c.http.CloseIdleConnections()
	c.must(200, "GET", configMaps+"/kept", "")

	last := ask("status")
	in.Close()
	if out.Scan() {
		t.Errorf("after the end of input it says %s", out.Text())
	}
	if err := up.Wait(); err != nil {
		t.Errorf("after the end of input: %v\n%s", err, up.stderr.String())
	}
	for _, pid := range last.PIDs {
		m.gone(pid)
	}
	m.empty()
}

func TestAComponentThatDiesEndsTheCluster(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	up, _, out, ready := m.controlled()
	syscall.Kill(ready.PIDs["kube-apiserver"], syscall.SIGKILL)
	failed := up.message(out)
	if failed.Event != "failed" || !strings.Contains(failed.Error, "kube-apiserver ended: signal: killed") || !strings.Contains(failed.Error, ready.Logs) {
		t.Errorf("it says %+v, want a failure with the component, how it ended, and its log", failed)
	}
	up.Wait()
	if code := up.ProcessState.ExitCode(); code != 1 {
		t.Errorf("exit status %d, want 1", code)
	}
	for _, pid := range ready.PIDs {
		m.gone(pid)
	}
}

func TestTheEndOfInputBreaksOffAStart(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	up := m.command("up", "--control")
	up.Stdin = strings.NewReader("")
	if code := up.run(); code != 0 || up.stdout.Len() > 0 {
		t.Errorf("exit status %d and %q, want 0 and nothing: %s", code, up.stdout.String(), up.stderr.String())
	}
}
