package kubeconfig

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// The credential plugins of the tests are real processes: this test binary under another name. It is
// a plugin if this variable names a folder, which holds what the plugin does.
const pluginDir = "SKIFF_TEST_PLUGIN"

// PluginMain is the main function of a plugin. It returns if the process is none.
func PluginMain() {
	dir := os.Getenv(pluginDir)
	if dir == "" {
		return
	}
	read := func(name string) string {
		data, _ := os.ReadFile(filepath.Join(dir, name))
		return string(data)
	}
	var stdin io.Reader = os.Stdin
	if strings.Contains(os.Getenv(pluginInfo), `"interactive":true`) {
		stdin = io.LimitReader(stdin, 1)
	}
	input, _ := io.ReadAll(stdin)
	call, _ := json.Marshal(PluginCall{
		Name: os.Args[0], Args: os.Args[1:], Env: os.Environ(), Info: os.Getenv(pluginInfo), Stdin: string(input),
	})
	calls, err := os.OpenFile(filepath.Join(dir, "calls"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = calls.Write(append(call, '\n'))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(99)
	}
	fmt.Fprint(os.Stderr, read("stderr"))
	if read("child") != "" { // which holds in the plugin's place
		self, _ := os.Executable()
		child := exec.Command(self)
		child.Env = append(os.Environ(), pluginDir+"="+filepath.Join(dir, "child-dir"))
		if err := child.Run(); err != nil {
			os.Exit(97)
		}
	}
	if addr := read("hold"); addr != "" { // until the test closes the connection
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			_, err = io.Copy(io.Discard, conn)
		}
		if err != nil {
			os.Exit(98)
		}
	}
	lines := strings.Count(read("calls"), "\n")
	if answer := read(fmt.Sprintf("answer-%d", lines)); answer != "" { // of this call only
		fmt.Print(answer)
	} else {
		fmt.Print(read("answer"))
	}
	code := 0
	_, _ = fmt.Sscan(read("exit"), &code)
	os.Exit(code)
}

// PluginCall is how a plugin was called.
type PluginCall struct {
	Name  string
	Args  []string
	Env   []string
	Info  string
	Stdin string
}

// Var returns an environment variable of the call, and "" if it is not set.
func (c PluginCall) Var(name string) string {
	value := ""
	for _, e := range c.Env {
		if n, v, _ := strings.Cut(e, "="); n == name {
			value = v
		}
	}
	return value
}

// TestPlugin is a plugin of a test.
type TestPlugin struct {
	t    *testing.T
	dir  string
	Path string // of the program
}

// NewTestPlugin puts a plugin of that name into a folder of its own, which becomes the one of $PATH.
func NewTestPlugin(t *testing.T, name string) *TestPlugin {
	t.Helper()
	bin := t.TempDir()
	p := &TestPlugin{t: t, dir: t.TempDir(), Path: Program(t, bin, name)}
	t.Setenv("PATH", bin)
	t.Setenv(pluginDir, p.dir)
	return p
}

// Program puts a program that is this test binary into a folder.
func Program(t *testing.T, folder, name string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, name)
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	if err := os.Link(self, path); err == nil {
		return path
	}
	data, err := os.ReadFile(self)
	if err == nil {
		err = os.WriteFile(path, data, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Set sets what the plugin does from now on: its answer, stderr or exit.
func (p *TestPlugin) Set(what, content string) {
	p.t.Helper()
	path := filepath.Join(p.dir, what)
	next := path + ".next" // the plugin may be reading
	err := os.WriteFile(next, []byte(content), 0o600)
	if err == nil {
		err = os.Rename(next, path)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// Answer makes the plugin print an ExecCredential with a status.
func (p *TestPlugin) Answer(version string, status map[string]any) {
	p.t.Helper()
	p.AnswerOnce("answer", version, status)
}

// AnswerOnce is Answer for one call: "answer-1" is the first one's.
func (p *TestPlugin) AnswerOnce(call, version string, status map[string]any) {
	p.t.Helper()
	text, err := json.Marshal(map[string]any{
		"apiVersion": pluginGroup + version, "kind": pluginKind, "status": status,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	p.Set(call, string(text))
}

// Hold makes the plugin wait before it answers. started returns when the plugin waits, and release
// lets it go on.
func (p *TestPlugin) Hold() (started, release func()) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = l.Close() })
	p.Set("hold", l.Addr().String())
	var conn net.Conn
	started = func() {
		if conn, err = l.Accept(); err != nil {
			p.t.Error(err)
		}
	}
	return started, func() { _ = conn.Close() }
}

// Calls returns how the plugin was called so far.
func (p *TestPlugin) Calls() []PluginCall {
	p.t.Helper()
	f, err := os.Open(filepath.Join(p.dir, "calls"))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		p.t.Fatal(err)
	}
	defer f.Close()
	var calls []PluginCall
	for lines := bufio.NewReader(f); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return calls
		}
		var c PluginCall
		if err := json.Unmarshal(line, &c); err != nil {
			p.t.Fatal(err)
		}
		calls = append(calls, c)
	}
}

// onlyCall returns the one call of the plugin, and forgets it.
func (p *TestPlugin) onlyCall() PluginCall {
	p.t.Helper()
	calls := slices.Clone(p.Calls())
	if len(calls) != 1 {
		p.t.Fatalf("the plugin was called %d times", len(calls))
	}
	_ = os.Remove(filepath.Join(p.dir, "calls"))
	return calls[0]
}
