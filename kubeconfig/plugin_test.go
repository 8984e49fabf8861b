package kubeconfig

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/skiff-k8s/skiff/rest"
)

// pluginUser is a user with a plugin and nothing else.
func pluginUser(exec map[string]any) string {
	for key, value := range map[string]any{"command": "helper", "apiVersion": pluginV1, "interactiveMode": neverInteractive} {
		if _, set := exec[key]; !set {
			exec[key] = value
		}
	}
	text, err := json.Marshal(map[string]any{"exec": exec})
	if err != nil {
		panic(err)
	}
	return oneUser(string(text))
}

// credentials asks the source of a kubeconfig once.
func (w *world) credentials(content string, opts ...Option) (*rest.Credentials, error) {
	w.t.Helper()
	cfg := w.mustLoad(w.file("config", content), append(opts, WithPluginStderr(io.Discard))...)
	return cfg.Credentials.Credentials(w.t.Context(), nil)
}

func TestAPluginProvidesATokenUntilItExpires(t *testing.T) {
	for _, version := range []string{"v1", "v1beta1"} {
		w, p := newWorld(t), NewTestPlugin(t, "helper")
		p.Answer(version, map[string]any{"token": "first-token", "expirationTimestamp": "2999-01-02T03:04:05Z"})
		cfg := w.mustLoad(w.file("config", pluginUser(map[string]any{
			"apiVersion": pluginGroup + version, "args": []string{"a", "b c"}, "env": []any{
				map[string]string{"name": "HELPER_A", "value": "x=y"}, map[string]string{"name": "HOME", "value": "elsewhere"},
			}})))
		if len(p.Calls()) != 0 {
			t.Error("Load runs the plugin")
		}
		get := func(refused *rest.Credentials) *rest.Credentials {
			t.Helper()
			c, err := cfg.Credentials.Credentials(t.Context(), refused)
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		c := get(nil)
		if c.Token != "first-token" || c.Certificate != nil || c.Expires.Year() != 2999 {
			t.Errorf("%s: %v", version, c)
		}
		if get(nil) != c {
			t.Errorf("%s: the plugin runs again", version)
		}
		call := p.onlyCall()
		if !reflect.DeepEqual(call.Args, []string{"a", "b c"}) || call.Name != "helper" || call.Stdin != "" ||
			call.Var("HELPER_A") != "x=y" || call.Var("HOME") != "elsewhere" || call.Var("PATH") != os.Getenv("PATH") {
			t.Errorf("%s: called as %+v", version, call)
		}
		if want := `{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/` + version + `","spec":{"interactive":false}}`; call.Info != want {
			t.Errorf("%s: its input is %s", version, call.Info)
		}
		p.Answer(version, map[string]any{"token": " second-token\n", "expirationTimestamp": nil})
		if c = get(c); c.Token != "second-token" || !c.Expires.IsZero() { // after a 401
			t.Errorf("%s: %v", version, c)
		}
		cfg = w.mustLoad(w.file("config", pluginUser(map[string]any{"apiVersion": pluginGroup + version})))
		p.Answer(version, map[string]any{"token": "expired-token", "expirationTimestamp": "2001-01-02T03:04:05Z"})
		if c = get(nil); c.Token != "expired-token" { // the server decides
			t.Errorf("%s: %v", version, c)
		}
		p.Answer(version, map[string]any{"token": "third-token"})
		if c = get(nil); c.Token != "third-token" {
			t.Errorf("%s: %v", version, c)
		}
		if text := cfg.String() + fmt.Sprint(cfg.Credentials); strings.Contains(text, "token\n") || strings.Contains(text, "x=y") || !strings.Contains(text, `the credential plugin "helper"`) {
			t.Errorf("%s: printed as %s", version, text)
		}
	}
}

// A plugin that provideClusterInfo is set for gets the cluster, with its CA's content, wherever that is.
func TestAPluginIsToldItsCluster(t *testing.T) {
	w, p := newWorld(t), NewTestPlugin(t, "helper")
	p.Answer("v1", map[string]any{"token": "t"})
	w.file("ca.crt", "the CA")
	user, _ := json.Marshal(map[string]any{"exec": map[string]any{"command": "helper", "apiVersion": pluginV1, "interactiveMode": "IfAvailable", "provideClusterInfo": true}})
	for clusterText, want := range map[string]string{
		`{"server":"https://a.example"}`:                                                                       `{"server":"https://a.example"}`,
		`{"server":"https://a.example","certificate-authority":"ca.crt"}`:                                      `{"server":"https://a.example","certificate-authority-data":"` + b64("the CA") + `"}`,
		`{"server":"https://a.example","certificate-authority-data":"` + b64("x") + `","tls-server-name":"n"}`: `{"server":"https://a.example","tls-server-name":"n","certificate-authority-data":"` + b64("x") + `"}`,
		`{"server":"https://a.example","insecure-skip-tls-verify":true,"disable-compression":true}`:            `{"server":"https://a.example","insecure-skip-tls-verify":true,"disable-compression":true}`,
		`{"server":"https://a.example","extensions":[{"name":"other","extension":{"z":1}},
			{"name":"client.authentication.k8s.io/exec","extension":{"audience":"a<b","n":[1,2.5,null]}}]}`: `{"server":"https://a.example","config":{"audience":"a\u003cb","n":[1,2.5,null]}}`,
	} {
		content := strings.Replace(oneUser(string(user)), `{"server":"https://a.example"}`, clusterText, 1)
		if _, err := w.credentials(content); err != nil {
			t.Errorf("%s: %v", clusterText, err)
			continue
		}
		want = `{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{"cluster":` + want + `,"interactive":false}}`
		if call := p.onlyCall(); call.Info != want {
			t.Errorf("%s: its input is\n%s, not\n%s", clusterText, call.Info, want)
		}
	}
}

func TestAPluginThatFailsIsAnErrorWithItsReason(t *testing.T) {
	good := `{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":`
	for name, test := range map[string]struct {
		answer, stderr, exit string
		want                 []string
		code                 int
	}{
		"exit":            {"", "no login,\n run \x1b[31mhelper login\x07\n", "3", []string{"exit status 3: no login, run [31mhelper login"}, 3},
		"its environment": {"", "password is hunter2-env", "1", []string{"password is [redacted]"}, 1},
		"nothing":         {"", "", "", []string{"it printed nothing"}, 0},
		"text":            {"hunter2 hunter2", "", "", []string{"it printed no ExecCredential"}, 0},
		"a number":        {good + `{"token":12345}}`, "", "", []string{"status.token is a number"}, 0},
		"a time":          {good + `{"token":"hunter2","expirationTimestamp":"yesterday"}}`, "", "", []string{"it printed no ExecCredential"}, 0},
		"another kind":    {`{"apiVersion":"v1","kind":"Status","message":"hunter2"}`, "", "", []string{`it printed a "Status"`}, 0},
		"no kind":         {`{"status":{"token":"hunter2"}}`, "", "", []string{`it printed a ""`}, 0},
		"another version": {strings.Replace(good, "v1", "v1beta1", 1) + `{"token":"hunter2"}}`, "", "", []string{"v1beta1", `"client.authentication.k8s.io/v1"`}, 0},
		"no status":       {good + `null}`, "", "", []string{"no status"}, 0},
		"no credentials":  {good + `{}}`, "", "", []string{"neither a token nor"}, 0},
		"half a pair":     {good + `{"token":"hunter2","clientKeyData":"hunter2"}}`, "", "", []string{"only one of"}, 0},
		"no pair":         {good + `{"clientCertificateData":"hunter2","clientKeyData":"hunter2"}}`, "", "", []string{"use its client certificate: "}, 0},
	} {
		w, p := newWorld(t), NewTestPlugin(t, "helper")
		p.Set("answer", test.answer)
		p.Set("stderr", test.stderr)
		p.Set("exit", test.exit)
		_, err := w.credentials(pluginUser(map[string]any{"env": []any{map[string]string{"name": "A", "value": "hunter2-env"}}}))
		var failed *PluginError
		if !errors.As(err, &failed) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		mustContain(t, err.Error(), append(test.want, `run the credential plugin "helper": `)...)
		if failed.ExitCode != test.code || failed.Command != "helper" || failed.InstallHint != "" {
			t.Errorf("%s: %+v", name, failed)
		}
		if strings.Contains(err.Error(), "hunter2") || strings.ContainsAny(err.Error(), "\n\x1b\x07") {
			t.Errorf("%s: it shows too much: %q", name, err)
		}
	}
}

// Of a plugin's output there is a limit, and of its standard error the end is kept.
func TestTheOutputOfAPluginIsBounded(t *testing.T) {
	w, p := newWorld(t), NewTestPlugin(t, "helper")
	content := pluginUser(map[string]any{})
	for over := -1; over <= 1; over++ {
		p.Answer("v1", map[string]any{"token": "t", "x": ""})
		path := filepath.Join(p.dir, "answer")
		answer, _ := os.ReadFile(path)
		p.Set("answer", string(answer)+strings.Repeat(" ", maxPluginOutput+over-len(answer)))
		_, err := w.credentials(content)
		if (err != nil) != (over > 0) {
			t.Errorf("%+d bytes: %v", over, err)
		}
		if err != nil {
			mustContain(t, err.Error(), "more than 1048576 bytes")
		}
	}
	p.Set("answer", "")
	for over := -1; over <= 1; over++ {
		p.Set("stderr", "z"+strings.Repeat("y", maxPluginStderr+over-1))
		_, err := w.credentials(content)
		var failed *PluginError
		if !errors.As(err, &failed) {
			t.Fatal(err)
		}
		if len(failed.Stderr) != min(maxPluginStderr, maxPluginStderr+over) || strings.HasPrefix(failed.Stderr, "z") != (over <= 0) {
			t.Errorf("%+d bytes: %d are kept", over, len(failed.Stderr))
		}
	}
}

func TestTheStandardErrorOfAPluginIsShown(t *testing.T) {
	w, p := newWorld(t), NewTestPlugin(t, "helper")
	p.Answer("v1", map[string]any{"token": "t"})
	p.Set("stderr", "the login expires soon\n")
	var shown bytes.Buffer
	cfg := w.mustLoad(w.file("config", pluginUser(map[string]any{})), WithPluginStderr(&shown))
	if _, err := cfg.Credentials.Credentials(t.Context(), nil); err != nil || shown.String() != "the login expires soon\n" {
		t.Errorf("%q, %v", shown.String(), err)
	}
}

func TestAPluginThatIsMissingSaysHowToInstallIt(t *testing.T) {
	w := newWorld(t)
	t.Setenv("PATH", t.TempDir())
	hint := "run\n\tinstall \x1b[1mhelper\x1b[0m" + strings.Repeat("!", 3000)
	for _, command := range []string{"helper", filepath.Join(w.dir, "helper")} {
		_, err := w.credentials(pluginUser(map[string]any{"command": command, "installHint": hint}))
		var failed *PluginError
		if !errors.As(err, &failed) || failed.ExitCode != -1 || len(failed.InstallHint) != maxPluginStderr {
			t.Errorf("%s: %v", command, err)
			continue
		}
		mustContain(t, err.Error(), fmt.Sprintf("run the credential plugin %q: exec: ", command), "; to install it: run install [1mhelper[0m!!!")
	}
	_, err := w.credentials(pluginUser(map[string]any{}))
	if !errors.Is(err, exec.ErrNotFound) || strings.Contains(err.Error(), "install it") {
		t.Errorf("without a hint: %v", err)
	}
}

func TestAPluginHasALimitOfTime(t *testing.T) {
	w, p := newWorld(t), NewTestPlugin(t, "helper")
	p.Answer("v1", map[string]any{"token": "t"})
	p.Set("stderr", "waiting for a browser")
	p.Hold() // the connection is made without Accept
	_, err := w.credentials(pluginUser(map[string]any{}), WithPluginTimeout(100*time.Millisecond))
	var failed *PluginError
	if !errors.As(err, &failed) || failed.ExitCode != -1 {
		t.Fatal(err)
	}
	mustContain(t, err.Error(), "it has not ended after 100ms (WithPluginTimeout), and is killed")
	for d, want := range map[time.Duration]time.Duration{0: DefaultPluginTimeout, -1: -1, time.Hour: time.Hour} {
		cfg := w.mustLoad(w.file("config", pluginUser(map[string]any{})), WithPluginTimeout(d))
		if got := cfg.Credentials.(*pluginSource).plugin.timeout; got != want {
			t.Errorf("%v: %v", d, got)
		}
	}
}

// A plugin is killed when nobody waits for it any more.
func TestAPluginEndsWithItsCallers(t *testing.T) {
	w, p := newWorld(t), NewTestPlugin(t, "helper")
	p.Answer("v1", map[string]any{"token": "t"})
	started, release := p.Hold()
	cfg := w.mustLoad(w.file("config", pluginUser(map[string]any{})))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		started()
		cancel()
	}()
	if _, err := cfg.Credentials.Credentials(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error: %v", err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := cfg.Credentials.Credentials(t.Context(), nil)
		done <- err
	}()
	started()
	release()
	if err := <-done; err != nil || len(p.Calls()) != 2 {
		t.Errorf("later: %v after %d calls", err, len(p.Calls()))
	}
}

func TestAPluginThatNeedsATerminal(t *testing.T) {
	w, p := newWorld(t), NewTestPlugin(t, "helper")
	p.Answer("v1", map[string]any{"token": "t"})
	real := os.Stdin
	defer func() { os.Stdin = real }()
	for _, open := range []func() *os.File{
		func() *os.File { f, _ := os.Open(os.DevNull); return f },
		func() *os.File { f, _ := os.Open(w.file("input", "not for the plugin")); return f },
		func() *os.File { r, w, _ := os.Pipe(); _ = w.Close(); return r },
	} {
		os.Stdin = open()
		for mode, works := range map[string]bool{neverInteractive: true, ifAvailable: true, alwaysInteractive: false} {
			_, err := w.credentials(pluginUser(map[string]any{"interactiveMode": mode}))
			if (err == nil) != works {
				t.Errorf("%s: %v", mode, err)
			}
			if err != nil {
				mustContain(t, err.Error(), "terminal", "interactiveMode: Always")
			} else if call := p.onlyCall(); call.Stdin != "" || strings.Contains(call.Info, "true") {
				t.Errorf("%s: called as %+v", mode, call)
			}
		}
		_ = os.Stdin.Close()
	}
}

// Any character device but the null device is taken for a terminal; this one needs nobody to type.
func TestAPluginGetsTheTerminal(t *testing.T) {
	zero, err := os.Open("/dev/zero")
	if err != nil {
		t.Skip(err)
	}
	defer zero.Close()
	w, p := newWorld(t), NewTestPlugin(t, "helper")
	p.Answer("v1", map[string]any{"token": "t"})
	real := os.Stdin
	defer func() { os.Stdin = real }()
	os.Stdin = zero
	for _, test := range []struct {
		mode        string
		opts        []Option
		interactive bool
	}{
		{neverInteractive, nil, false}, {ifAvailable, nil, true}, {alwaysInteractive, nil, true},
		{ifAvailable, []Option{WithoutStdin()}, false},
	} {
		if _, err := w.credentials(pluginUser(map[string]any{"interactiveMode": test.mode}), test.opts...); err != nil {
			t.Errorf("%s: %v", test.mode, err)
			continue
		}
		call := p.onlyCall()
		if (call.Stdin == "\x00") != test.interactive || strings.Contains(call.Info, `"interactive":true`) != test.interactive {
			t.Errorf("%s: called as %+v", test.mode, call)
		}
	}
	if _, err := w.credentials(pluginUser(map[string]any{"interactiveMode": alwaysInteractive}), WithoutStdin()); err == nil {
		t.Error("Always goes without standard input")
	}
}

func TestExecsThatAreWrong(t *testing.T) {
	w := newWorld(t)
	for name, test := range map[string]struct {
		exec string
		want []string
	}{
		"no command":      {`{"apiVersion":"client.authentication.k8s.io/v1"}`, []string{"names no program"}},
		"no version":      {`{"command":"helper","interactiveMode":"Never"}`, []string{`"helper" has the apiVersion ""`, pluginV1, pluginV1beta1}},
		"old version":     {`{"command":"helper","apiVersion":"client.authentication.k8s.io/v1alpha1"}`, []string{"v1alpha1", "1.24"}},
		"unknown version": {`{"command":"helper","apiVersion":"v1"}`, []string{`"v1"`, pluginV1beta1}},
		"no mode in v1":   {`{"command":"helper","apiVersion":"client.authentication.k8s.io/v1"}`, []string{`interactiveMode ""`, "IfAvailable"}},
		"unknown mode":    {`{"command":"helper","apiVersion":"client.authentication.k8s.io/v1beta1","interactiveMode":"never"}`, []string{`"never"`, "Never"}},
		"no name":         {`{"command":"helper","apiVersion":"client.authentication.k8s.io/v1beta1","env":[{"value":"hunter2"}]}`, []string{"environment variable"}},
		"wrong name":      {`{"command":"helper","apiVersion":"client.authentication.k8s.io/v1beta1","env":[{"name":"A=B","value":"hunter2"}]}`, []string{`"A=B"`}},
	} {
		_, err := w.load(w.file("config", oneUser(`{"exec":`+test.exec+`}`)))
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		mustContain(t, err.Error(), append(test.want, `the user "usr"`)...)
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: it shows a secret: %v", name, err)
		}
	}
	_, err := w.load(w.file("config", oneUser(`{"exec":{"command":"helper"},"auth-provider":{"name":"oidc"}}`)))
	if err == nil || !strings.Contains(err.Error(), "both exec and auth-provider") {
		t.Errorf("error: %v", err)
	}
}

// A path that is relative is relative to the kubeconfig, a bare name is looked up in $PATH.
func TestWhereAPluginIsFound(t *testing.T) {
	w, p := newWorld(t), NewTestPlugin(t, "helper")
	p.Answer("v1", map[string]any{"token": "t"})
	Program(t, w.dir, "near")
	if err := os.Mkdir(filepath.Join(w.dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	Program(t, filepath.Join(w.dir, "bin"), "tool")
	t.Chdir(t.TempDir())
	for command, found := range map[string]bool{
		"helper": true, p.Path: true, "./near": true, "near": false, "bin/tool": true, "./bin/../near": true, "tool": false, "./helper": false,
	} {
		_, err := w.credentials(pluginUser(map[string]any{"command": command}))
		if (err == nil) != found {
			t.Errorf("%s: %v", command, err)
		}
	}
}

func TestWhichPluginsArePermitted(t *testing.T) {
	w, p := newWorld(t), NewTestPlugin(t, "helper")
	p.Answer("v1", map[string]any{"token": "t"})
	other := Program(t, w.dir, "helper") // the same name elsewhere
	for _, test := range []struct {
		name    string
		command string
		opts    []Option
		allowed bool
	}{
		{"all", "helper", nil, true},
		{"none", "helper", []Option{WithoutPlugins()}, false},
		{"none, by path", p.Path, []Option{WithoutPlugins()}, false},
		{"an empty list", "helper", []Option{WithPlugins()}, false},
		{"the name", "helper", []Option{WithPlugins("aws", "helper")}, true},
		{"the path", "helper", []Option{WithPlugins(p.Path)}, true},
		{"the name, of a path", p.Path, []Option{WithPlugins("helper")}, true},
		{"another", "helper", []Option{WithPlugins("aws", "gke-gcloud-auth-plugin")}, false},
		{"an empty name", "helper", []Option{WithPlugins("")}, false},
		{"the path of another", "helper", []Option{WithPlugins(other)}, false},
		{"another of that name", other, []Option{WithPlugins("helper")}, false},
		{"another, relative", "./helper", []Option{WithPlugins("helper")}, false},
		{"another, as it is written", "./helper", []Option{WithPlugins("./helper")}, false},
		{"the other's path", "./helper", []Option{WithPlugins(other)}, true},
		{"the last option", "helper", []Option{WithoutPlugins(), WithPlugins("helper")}, true},
	} {
		before := len(p.Calls())
		path := w.file("config", pluginUser(map[string]any{"command": test.command}))
		cfg, err := w.load(path, test.opts...)
		if err == nil {
			_, err = cfg.Credentials.Credentials(t.Context(), nil)
		}
		if test.allowed != (err == nil) || err != nil && !errors.Is(err, ErrPluginNotAllowed) {
			t.Errorf("%s: %v", test.name, err)
		}
		if ran := len(p.Calls()) > before; ran != test.allowed {
			t.Errorf("%s: it ran: %v", test.name, ran)
		}
		if err != nil {
			mustContain(t, err.Error(), "run the credential plugin", "not permitted", `the user "usr"`)
		}
	}
	// A program that appears where another was permitted is looked at when it is run.
	empty := t.TempDir()
	t.Setenv("PATH", empty)
	cfg := w.mustLoad(w.file("config", pluginUser(map[string]any{})), WithPlugins(p.Path))
	Program(t, empty, "helper")
	if _, err := cfg.Credentials.Credentials(t.Context(), nil); !errors.Is(err, ErrPluginNotAllowed) {
		t.Errorf("a program that came later: %v", err)
	}
}

func TestPluginsThatAreNotNeededAreNotLookedAt(t *testing.T) {
	w := newWorld(t)
	for _, other := range []string{`"token":"t"`, `"username":"joe","password":"p"`} {
		cfg, err := w.load(w.file("config", oneUser(`{"exec":{"command":""},`+other+`}`)), WithoutPlugins())
		if err != nil || cfg.Credentials != nil || cfg.BearerToken+cfg.Password == "" {
			t.Errorf("%s: %v, %v", other, cfg, err)
		}
	}
}
