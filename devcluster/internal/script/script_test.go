package script

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func run(t *testing.T, in string, args ...string) (out, errOut string, code int) {
	t.Helper()
	var o, e bytes.Buffer
	p := Process{Args: args, Stdin: strings.NewReader(in), Stdout: &o, Stderr: &e, Hostname: "web"}
	code = p.Run(t.Context())
	return o.String(), e.String(), code
}

func TestCommands(t *testing.T) {
	for _, tc := range []struct {
		args        string
		in          string
		out, errOut string
		code        int
	}{
		{"echo a b", "", "a b\n", "", 0},
		{"echo -n a", "", "a", "", 0},
		{"/bin/cat", "text", "text", "", 0},
		{"cat file", "", "", "cat: file: No such file or directory\n", 1},
		{"wc", "12345", "5\n", "", 0},
		{"fill 40000", "", strings.Repeat("x", 40000), "", 0},
		{"fill", "", "", "fill: a number is missing\n", 2},
		{"tick 0 2", "", "tick 1\ntick 2\n", "", 0},
		{"sleep 0", "", "", "", 0},
		{"sleep -1", "", "", "sleep: \"-1\" is not a number between 0 and 1e9\n", 2},
		{"false", "", "", "", 1},
		{"hostname", "", "web\n", "", 0},
		{"tty", "", "not a tty\n", "", 1},
		{"vi", "", "", "vi: not found\n", 127},
		{"sh", "", "", "sh: only sh -c SCRIPT is there\n", 2},
	} {
		out, errOut, code := run(t, tc.in, strings.Fields(tc.args)...)
		if out != tc.out || errOut != tc.errOut || code != tc.code {
			t.Errorf("%s: %q, %q, code %d", tc.args, out, errOut, code)
		}
	}
}

func TestShell(t *testing.T) {
	for script, want := range map[string]string{
		"exit 3":                           "3",
		"echo a; echo b >&2; exit 4":       "a\n|b\n|4",
		"false && echo no || echo yes":     "yes\n|0",
		"true&&echo 'a  b'\"c\";exit":      "a  bc\n|0",
		"false; exit":                      "1",
		"# nothing\necho a # b\n\necho c;": "a\nc\n|0",
		"echo a\\;b":                       "a;b\n|0",
		"cat":                              "input|0",
		"nothing":                          "|nothing: not found\n|127",
		"echo a | cat":                     "|sh: this shell has no |\n|2",
		"echo 'a":                          "|sh: a quote has no end\n|2",
		"&& echo":                          "|sh: a command is missing before &&\n|2",
		"exit 256":                         "|sh: exit: \"256\" is not a code\n|2",
		"":                                 "0",
	} {
		out, errOut, code := run(t, "input", "sh", "-c", script)
		got := fmt.Sprint(code)
		if errOut != "" {
			got = out + "|" + errOut + "|" + got
		} else if out != "" {
			got = out + "|" + got
		}
		if got != want {
			t.Errorf("%q: %q, want %q", script, got, want)
		}
	}
}

func TestWhatDoesNotExist(t *testing.T) {
	if err := Exists("vi"); !errors.Is(err, ErrNotFound) || Exists("/bin/sh") != nil {
		t.Errorf("vi: %v, sh: %v", err, Exists("/bin/sh"))
	}
}

func TestProcessesEndWithTheirContext(t *testing.T) {
	for _, args := range []string{"pause", "sleep infinity", "sleep 60", "tick 5", "size 1", "listen 80 81", "httpd 80", ""} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
			defer cancel()
			p := Process{Args: strings.Fields(args), Network: new(Network)}
			if strings.HasPrefix(args, "listen") || strings.HasPrefix(args, "httpd") {
				cancel() // real sockets do not know the test's clock
			}
			if code := p.Run(ctx); code != Killed {
				t.Errorf("%q ended with %d", args, code)
			}
		})
	}
}

func TestSizes(t *testing.T) {
	sizes := make(chan Size, 2)
	sizes <- Size{80, 24}
	sizes <- Size{100, 30}
	var out bytes.Buffer
	if code := (Process{Args: []string{"size", "2"}, Stdout: &out, Sizes: sizes}).Run(t.Context()); code != 0 || out.String() != "80x24\n100x30\n" {
		t.Errorf("code %d, %q", code, &out)
	}
}

func TestServers(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	network := new(Network)
	ended := make(chan int)
	ready, told := io.Pipe()
	for _, args := range [][]string{{"listen", "7", "8"}, {"httpd", "80"}} {
		p := Process{Args: args, Network: network, Hostname: "web", Stdout: told}
		go func() { ended <- p.Run(ctx) }()
		io.ReadFull(ready, make([]byte, len("listening\n")))
	}
	conn, err := network.Dial(ctx, 8)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(conn, "hello")
	conn.CloseWrite()
	if data, err := io.ReadAll(conn); string(data) != "hello" || err != nil {
		t.Errorf("the echo is %q, %v", data, err)
	}
	conn.Close()

	web, err := network.Dial(ctx, 80)
	if err != nil {
		t.Fatal(err)
	}
	req, _ := http.NewRequest("POST", "http://web/a?b=c", strings.NewReader("body"))
	req.Close = true
	if err := req.Write(web); err != nil {
		t.Fatal(err)
	}
	if data, _ := io.ReadAll(web); !strings.Contains(string(data), "X-Pod: web") || !strings.HasSuffix(string(data), "POST /a?b=c\nbody") {
		t.Errorf("the answer is %q", data)
	}
	web.Close()
	if out, errOut, code := run(t, "", "listen", "7"); code != 1 || !strings.Contains(errOut, "no network") {
		t.Errorf("%q %q %d", out, errOut, code)
	}
	cancel()
	for range 2 {
		if code := <-ended; code != Killed {
			t.Errorf("a server ended with %d", code)
		}
	}
	if _, err := network.Dial(t.Context(), 7); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("after the end: %v", err)
	}
}
