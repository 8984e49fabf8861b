// Package e2e holds the built binary to what devcluster promises. It runs bin/devcluster, imports
// nothing of Kubernetes, and each test fails when the binary is not there.
package e2e

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// limit is how long anything may take: a start of two seconds on a machine that does much else.
const limit = 90 * time.Second

// skipped counts the tests that were skipped because of -short.
var skipped atomic.Int64

func TestMain(m *testing.M) {
	code := m.Run()
	if n := skipped.Load(); n > 0 {
		fmt.Printf("%d tests that need a control plane were skipped (-short)\n", n)
	}
	os.Exit(code)
}

// devcluster returns the path of the devcluster under test: the repository's, or the one that
// $SKIFF_DEVCLUSTER names. Under -short it skips the test.
func devcluster(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		skipped.Add(1)
		t.Skip("skipped (-short): this test needs a control plane")
	}
	if path := os.Getenv("SKIFF_DEVCLUSTER"); path != "" {
		return path
	}
	path, err := filepath.Abs("../../bin/devcluster")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("there is no devcluster to test: %v\nmake devcluster", err)
	}
	return path
}

// machine is a test's own temporary folder, in which devcluster believes itself alone, so that
// whatever it leaves behind is this test's. Its path is short: sockets lie below it.
type machine struct {
	t      *testing.T
	tmp    string
	binary string // "" means the binary under test
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	tmp, err := os.MkdirTemp("", "e2e")
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{t: t, tmp: tmp}
	t.Cleanup(func() {
		for _, pid := range m.processes() {
			t.Errorf("process %d was left behind: %s", pid, commandLine(pid))
			syscall.Kill(pid, syscall.SIGKILL)
		}
		os.RemoveAll(tmp)
	})
	return m
}

// command is devcluster with the given arguments, and what it will have printed.
type command struct {
	*exec.Cmd
	t              *testing.T
	stdout, stderr bytes.Buffer
}

func (m *machine) command(args ...string) *command {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	m.t.Cleanup(cancel)
	path := m.binary
	if path == "" {
		path = devcluster(m.t)
	}
	c := &command{Cmd: exec.CommandContext(ctx, path, args...), t: m.t}
	c.Env = append(os.Environ(), "TMPDIR="+m.tmp)
	c.Stdout, c.Stderr = &c.stdout, &c.stderr
	c.WaitDelay = 10 * time.Second // for a process that was left behind with standard error open
	return c
}

// run runs the command to its end and returns its exit status.
func (c *command) run() int {
	c.t.Helper()
	if err := c.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		c.t.Fatal(err)
	}
	return c.ProcessState.ExitCode()
}

// start starts the command and returns a reader of its standard output's lines.
func (c *command) start() *bufio.Scanner {
	c.t.Helper()
	c.Stdout = nil
	out, err := c.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		c.t.Fatal(err)
	}
	return bufio.NewScanner(out)
}

// line reads one line.
func (c *command) line(out *bufio.Scanner) string {
	c.t.Helper()
	if !out.Scan() {
		c.Wait()
		c.t.Fatalf("devcluster ended (%v) where a line was expected: %s", c.ProcessState, c.stderr.String())
	}
	return out.Text()
}

// message is a line of `up --control`.
type message struct {
	Event, Command, Error, Version, Kubeconfig, Server, Data, Logs string
	OK                                                             bool
	PIDs                                                           map[string]int
	States                                                         map[string]string
}

func (c *command) message(out *bufio.Scanner) (m message) {
	c.t.Helper()
	line := c.line(out)
	if err := json.Unmarshal([]byte(line), &m); err != nil {
		c.t.Fatalf("%q is not JSON: %v", line, err)
	}
	return m
}

// controlled starts `up --control` and waits until it is ready.
func (m *machine) controlled(args ...string) (c *command, in io.WriteCloser, out *bufio.Scanner, ready message) {
	m.t.Helper()
	c = m.command(append([]string{"up", "--control"}, args...)...)
	in, err := c.StdinPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	out = c.start()
	m.t.Cleanup(func() { // a test that has not waited for its end does so before its leftovers are counted
		in.Close()
		if c.ProcessState == nil {
			c.Wait()
		}
	})
	ready = c.message(out)
	if ready.Event != "ready" {
		m.t.Fatalf("the first line is %+v", ready)
	}
	return c, in, out, ready
}

// processes are those that run in the machine's folder or name it on their command line.
func (m *machine) processes() (pids []int) {
	paths, _ := filepath.Glob("/proc/[0-9]*")
	for _, path := range paths {
		pid, err := strconv.Atoi(filepath.Base(path))
		if err != nil || pid == os.Getpid() {
			continue
		}
		cwd, err := os.Readlink(path + "/cwd")
		if err != nil { // gone, or a zombie that its parent is about to reap
			continue
		}
		if strings.HasPrefix(cwd, m.tmp) || strings.Contains(commandLine(pid), m.tmp) {
			pids = append(pids, pid)
		}
	}
	return pids
}

func commandLine(pid int) string {
	data, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	return strings.ReplaceAll(string(data), "\x00", " ")
}

// alive says whether any thread of a process still runs. The first may be a zombie while others end
// and hold the process's files and locks open.
func alive(pid int) bool {
	threads, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/stat")
	for _, path := range threads {
		stat, err := os.ReadFile(path)
		if err != nil { // gone meanwhile
			continue
		}
		// The state follows the name, which stands in parentheses and may hold anything.
		if _, rest, ok := bytes.Cut(stat[bytes.LastIndexByte(stat, ')'):], []byte(") ")); ok && rest[0] != 'Z' && rest[0] != 'X' {
			return true
		}
	}
	return false
}

// gone waits until none of the processes is there. They are nobody's children here, so that
// looking again is all that can be done.
func (m *machine) gone(pids ...int) {
	m.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for _, pid := range pids {
		for alive(pid) {
			if time.Now().After(deadline) {
				m.t.Errorf("process %d is still there: %s", pid, commandLine(pid))
				syscall.Kill(pid, syscall.SIGKILL)
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

// empty fails when the machine's folder holds more than devcluster's own empty one.
func (m *machine) empty() {
	m.t.Helper()
	left, _ := filepath.Glob(filepath.Join(m.tmp, "devcluster-*", "*"))
	for _, path := range left {
		if filepath.Base(path) != "last-data" {
			m.t.Errorf("%s was left behind", path)
		}
	}
}

// client asks a cluster by its kubeconfig.
type client struct {
	t      *testing.T
	server string
	ca     string
	http   *http.Client
}

func newClient(t *testing.T, kubeconfig string) *client {
	t.Helper()
	data, err := os.ReadFile(kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	field := func(name string) []byte {
		found := regexp.MustCompile(name + `: (\S+)`).FindSubmatch(data)
		if found == nil {
			t.Fatalf("no %s in %s", name, kubeconfig)
		}
		return found[1]
	}
	inline := func(name string) []byte {
		value, err := base64.StdEncoding.DecodeString(string(field(name + "-data")))
		if err != nil {
			t.Fatalf("%s in %s: %v", name, kubeconfig, err)
		}
		return value
	}
	pair, err := tls.X509KeyPair(inline("client-certificate"), inline("client-key"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(inline("certificate-authority"))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}}}
	t.Cleanup(transport.CloseIdleConnections)
	return &client{
		t: t, server: string(field("server")), ca: string(field("certificate-authority-data")),
		http: &http.Client{Transport: transport, Timeout: limit},
	}
}

// do sends a request and returns the status and the body.
func (c *client) do(method, path, body string) (int, string) {
	c.t.Helper()
	request, err := http.NewRequest(method, c.server+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := c.http.Do(request)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return response.StatusCode, string(data)
}

// must is do, with a status that must be right.
func (c *client) must(status int, method, path, body string) string {
	c.t.Helper()
	got, answer := c.do(method, path, body)
	if got != status {
		c.t.Fatalf("%s %s: status %d, want %d: %s", method, path, got, status, answer)
	}
	return answer
}
