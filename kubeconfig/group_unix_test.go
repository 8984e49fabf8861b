//go:build unix

package kubeconfig

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// A plugin that is killed takes the processes with it that it has started. The one of this test holds
// a connection open.
func TestTheChildrenOfAPluginAreKilled(t *testing.T) {
	w, p := newWorld(t), NewTestPlugin(t, "helper")
	defer func(before string) { terminalFile = before }(terminalFile)
	terminalFile = filepath.Join(t.TempDir(), "none")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p.Set("child", "yes")
	if err := os.Mkdir(filepath.Join(p.dir, "child-dir"), 0o700); err != nil {
		t.Fatal(err)
	}
	p.Set("child-dir/hold", l.Addr().String())
	cfg := w.mustLoad(w.file("config", pluginUser(map[string]any{})))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	failed := make(chan error, 1)
	go func() {
		_, err := cfg.Credentials.Credentials(ctx, nil)
		failed <- err
	}()
	conn, err := l.Accept() // of the child
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	cancel()
	if err := <-failed; err == nil {
		t.Error("the plugin succeeded")
	}
	_ = conn.SetReadDeadline(time.Now().Add(2 * time.Minute))
	if _, err := conn.Read(make([]byte, 1)); err == nil || os.IsTimeout(err) {
		t.Errorf("the child goes on: %v", err)
	}
}

// With a terminal, the plugin stays in the group whose processes may ask questions there.
func TestAPluginBesideATerminal(t *testing.T) {
	defer func(before string) { terminalFile = before }(terminalFile)
	for file, own := range map[string]bool{os.DevNull: false, filepath.Join(t.TempDir(), "none"): true} {
		terminalFile = file
		cmd := exec.CommandContext(t.Context(), "helper")
		if ownGroup(cmd); (cmd.SysProcAttr != nil && cmd.SysProcAttr.Setpgid) != own {
			t.Errorf("%s: %+v", file, cmd.SysProcAttr)
		}
	}
}
