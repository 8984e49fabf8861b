package edit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/kubeconfig/edit"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	must(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	return string(data)
}

func mustContain(t *testing.T, text string, wanted ...string) {
	t.Helper()
	for _, w := range wanted {
		if !strings.Contains(text, w) {
			t.Errorf("%q is missing in:\n%s", w, text)
		}
	}
}

// env sets $KUBECONFIG and an empty home.
func env(t *testing.T, paths ...string) (home string) {
	t.Helper()
	home = t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("KUBECONFIG", strings.Join(paths, string(filepath.ListSeparator)))
	return home
}

const full = `# a comment, which is lost
later-field: {x: [1, "two", 3.5]}
apiVersion: v1
clusters:
- cluster:
    future: {deep: yes}
    server: https://a.example
  name: a
  note: beside
- name: b
  cluster: {server: "https://b.example", certificate-authority-data: Y2E=}
contexts:
- context: {cluster: a, user: a, namespace: one}
  name: a
- context: {cluster: b, user: b}
  name: b
current-context: a
kind: Config
preferences: {colors: true}
users:
- name: a
  user: {token: a-token, later: [x]}
- name: b
  user: {token: b-token}
`

// Every change, on one file: what is not named stays, in its order, and kubectl's parser reads it.
func TestChanges(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*edit.Config) error
		want   []string
		not    []string
		check  func(*kubeconfig.Config) bool
	}{
		"set a field": {func(c *edit.Config) error {
			return c.Set(edit.Cluster, "a", map[string]any{"server": "https://other.example", "tls-server-name": "x"})
		}, []string{"server: https://other.example\n    tls-server-name: x\n  name: a\n  note: beside"}, []string{"https://a.example"},
			func(c *kubeconfig.Config) bool {
				return c.REST.Host == "https://other.example" && c.REST.TLS.ServerName == "x"
			}},
		"remove a field": {func(c *edit.Config) error { return c.Set(edit.Context, "a", map[string]any{"namespace": nil}) },
			nil, []string{"namespace"}, func(c *kubeconfig.Config) bool { return c.Namespace == "default" }},
		"remove a field that is not there": {func(c *edit.Config) error { return c.Set(edit.Context, "b", map[string]any{"namespace": nil}) },
			[]string{"# a comment"}, nil, func(c *kubeconfig.Config) bool { return true }},
		"a new context": {func(c *edit.Config) error {
			must(t, c.Set(edit.Context, "new", map[string]any{"cluster": "b", "user": "b", "namespace": "on"}))
			return c.Use("new")
		}, nil, nil, func(c *kubeconfig.Config) bool {
			return c.Context == "new" && c.REST.BearerToken == "b-token" && c.Namespace == "on"
		}},
		"a user with everything": {func(c *edit.Config) error {
			return c.Set(edit.User, "a", map[string]any{"token": "0123", "as": "joe", "as-groups": []string{"x"}, "as-user-extra": map[string]any{"k": []string{"v"}}})
		}, nil, []string{"a-token"}, func(c *kubeconfig.Config) bool {
			return c.REST.BearerToken == "0123" && c.REST.Impersonate.User == "joe" && c.REST.Impersonate.Extra["k"][0] == "v"
		}},
		"use": {func(c *edit.Config) error { return c.Use("b") }, []string{"current-context: b\nkind: Config"}, nil,
			func(c *kubeconfig.Config) bool { return c.Cluster == "b" }},
		"rename the current context": {func(c *edit.Config) error { return c.RenameContext("a", "z") }, []string{"current-context: z"}, []string{"current-context: a"},
			func(c *kubeconfig.Config) bool { return c.Context == "z" && c.Cluster == "a" }},
		"rename another context": {func(c *edit.Config) error { return c.RenameContext("b", "z") }, []string{"current-context: a", "name: z"}, nil,
			func(c *kubeconfig.Config) bool { return c.Context == "a" }},
		"delete": {func(c *edit.Config) error {
			return errors.Join(c.Delete(edit.Context, "b"), c.Delete(edit.Cluster, "b"), c.Delete(edit.User, "b"))
		}, nil, []string{"b-token", "b.example", "name: b"}, func(c *kubeconfig.Config) bool { return c.Context == "a" }},
		"merge": {func(c *edit.Config) error {
			return c.Merge([]byte("{clusters: [{name: c, cluster: {server: 'https://c.example'}}, {name: a, cluster: {server: 'https://a.example', future: {deep: yes}}}], contexts: [{name: c, context: {cluster: c}}], current-context: c}"), ".", true)
		}, []string{"https://c.example", "current-context: a"}, nil, func(c *kubeconfig.Config) bool { return c.Context == "a" }},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, t.TempDir(), "config", full)
			must(t, edit.Modify(t.Context(), path, test.change))
			got := read(t, path)
			mustContain(t, got, append(test.want, "deep: ", "note: beside", "later-field:", "3.5", "colors: true")...)
			for _, text := range test.not {
				if strings.Contains(got, text) {
					t.Errorf("%q is still in:\n%s", text, got)
				}
			}
			c, err := kubeconfig.Open(path)
			must(t, err)
			if !test.check(c) {
				t.Errorf("%+v of\n%s", c, got)
			}
			if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(left) != 1 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

// What cannot be done is an error, and nothing is written.
func TestRefusals(t *testing.T) {
	for name, test := range map[string]struct {
		change  func(*edit.Config) error
		missing bool
		want    string
	}{
		"use none":          {func(c *edit.Config) error { return c.Use("z") }, true, `use the context "z": there is none`},
		"rename none":       {func(c *edit.Config) error { return c.RenameContext("z", "y") }, true, `rename the context "z"`},
		"rename to another": {func(c *edit.Config) error { return c.RenameContext("a", "b") }, false, `"b" is taken or empty`},
		"rename to nothing": {func(c *edit.Config) error { return c.RenameContext("a", "") }, false, "taken or empty"},
		"delete none":       {func(c *edit.Config) error { return c.Delete(edit.User, "z") }, true, `delete the user "z"`},
		"no name":           {func(c *edit.Config) error { return c.Set(edit.User, "", nil) }, false, "needs a kind and a name"},
		"no kind":           {func(c *edit.Config) error { return c.Set(3, "a", nil) }, false, "Kind(3)"},
		"a bool for a text": {func(c *edit.Config) error { return c.Set(edit.Cluster, "a", map[string]any{"server": true}) }, false, `"server" is a string, not a bool`},
		"a text for a bool": {func(c *edit.Config) error {
			return c.Set(edit.Cluster, "a", map[string]any{"disable-compression": "true"})
		}, false, "is a bool"},
		"a text for a list":    {func(c *edit.Config) error { return c.Set(edit.User, "a", map[string]any{"as-groups": "x"}) }, false, "is a slice"},
		"a text for a mapping": {func(c *edit.Config) error { return c.Set(edit.User, "a", map[string]any{"exec": "x"}) }, false, "is a map"},
		"a channel":            {func(c *edit.Config) error { return c.Set(edit.User, "a", map[string]any{"x": make(chan int)}) }, false, "which YAML cannot say"},
		"merge another": {func(c *edit.Config) error {
			return c.Merge([]byte("users: [{name: a, user: {token: hunter22}}]"), "", false)
		}, false, `merge the user "a"`},
		"merge what is none": {func(c *edit.Config) error { return c.Merge([]byte("hunter22"), "", false) }, false, "not a YAML mapping"},
		"the caller's own":   {func(c *edit.Config) error { _ = c.Delete(edit.User, "a"); return errors.New("no") }, false, "edit the kubeconfig: no"},
	} {
		path := write(t, t.TempDir(), "config", full)
		err := edit.Modify(t.Context(), path, test.change)
		if err == nil || errors.Is(err, edit.ErrNotFound) != test.missing || read(t, path) != full || strings.Contains(err.Error(), "hunter22") {
			t.Errorf("%s: %v", name, err)
			continue
		}
		mustContain(t, err.Error(), test.want)
	}
}

// A file that would lose something is not changed. Errors repeat none of it.
func TestFilesThatAreNotChanged(t *testing.T) {
	for name, test := range map[string]struct{ content, want string }{
		"not YAML":        {"clusters: [hunter22", "not a YAML mapping (line 1)"},
		"a list":          {"[hunter22]", "not a YAML mapping"},
		"two documents":   {"a: b\n---\nc: hunter22\n", "more than one YAML document"},
		"a key twice":     {"token: hunter22\ntoken: x\n", `the key "token" twice`},
		"a deep key":      {"users: [{name: a, user: {token: x, token: hunter22}}]", `the key "token" twice in users.user`},
		"an entry twice":  {"users: [{name: a}, {name: a}]", `the user "a" twice`},
		"no list":         {"users: hunter22", "users is not a list"},
		"no name":         {"users: [{user: {token: hunter22}}]", "an entry of users has no name"},
		"no mapping":      {"users: [{name: a, user: hunter22}]", `the user "a" is not a mapping`},
		"a number as key": {"users: [{name: a, user: {3: hunter22}}]", "a key of users.user is not a text"},
	} {
		path := write(t, t.TempDir(), "config", test.content)
		err := edit.Modify(t.Context(), path, func(c *edit.Config) error { return c.Set(edit.User, "a", nil) })
		if err == nil || read(t, path) != test.content || strings.Contains(err.Error(), "hunter22") {
			t.Errorf("%s: %v", name, err)
			continue
		}
		mustContain(t, err.Error(), test.want, path)
		if _, err := edit.View(path, edit.ViewOptions{}); err == nil || strings.Contains(err.Error(), "hunter22") {
			t.Errorf("%s: view: %v", name, err)
		}
	}
	dir := t.TempDir()
	for _, path := range []string{dir, os.DevNull} {
		if err := edit.Modify(t.Context(), path, func(*edit.Config) error { return nil }); err == nil {
			t.Errorf("%s: no error", path)
		}
	}
}

// Several files: kubectl's rules of which one a change goes to.
func TestWhichFileIsWritten(t *testing.T) {
	one := "users: [{name: a, user: {token: one}}]\n"
	two := "kind: Config\nusers: [{name: a, user: {token: two}}, {name: b, user: {token: b}}]\ncontexts: [{name: b, context: {user: b}}]\ncurrent-context: b\n"
	for name, test := range map[string]struct {
		change  func(*edit.Config) error
		changed []int // of the files one, two and three, which does not exist
	}{
		"an entry of the first":    {func(c *edit.Config) error { return c.Set(edit.User, "a", map[string]any{"token": "x"}) }, []int{0}},
		"an entry of the second":   {func(c *edit.Config) error { return c.Set(edit.User, "b", map[string]any{"token": "x"}) }, []int{1}},
		"a new entry":              {func(c *edit.Config) error { return c.Set(edit.User, "c", map[string]any{"token": "x"}) }, []int{0}},
		"delete from the first":    {func(c *edit.Config) error { return c.Delete(edit.User, "a") }, []int{0}},
		"delete from the second":   {func(c *edit.Config) error { return c.Delete(edit.User, "b") }, []int{1}},
		"clear current-context":    {func(c *edit.Config) error { return c.Use("") }, []int{1}},
		"the same current-context": {func(c *edit.Config) error { return c.Use("b") }, nil},
		"rename":                   {func(c *edit.Config) error { return c.RenameContext("b", "z") }, []int{0, 1}},
		"nothing":                  {func(c *edit.Config) error { return nil }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			files := []string{write(t, dir, "one", one), write(t, dir, "two", two), filepath.Join(dir, "none")}
			env(t, append(slices.Clone(files), files[0])...)
			must(t, edit.Modify(t.Context(), "", test.change))
			for i, before := range []string{one, two} {
				if changed := read(t, files[i]) != before; changed != slices.Contains(test.changed, i) {
					t.Errorf("file %d: changed: %v\n%s", i, changed, read(t, files[i]))
				}
			}
			if _, err := os.Stat(files[2]); err == nil {
				t.Error("the file that did not exist does")
			}
		})
	}
}

// Without files, the last of $KUBECONFIG is made, or ~/.kube/config, for its owner alone.
func TestNewFiles(t *testing.T) {
	dir := t.TempDir()
	last := filepath.Join(dir, "sub", "last")
	home := env(t, filepath.Join(dir, "first"), last)
	set := func(c *edit.Config) error {
		must(t, c.Set(edit.Cluster, "a", map[string]any{"server": "https://a.example"}))
		must(t, c.Set(edit.Context, "a", map[string]any{"cluster": "a"}))
		return c.Use("a")
	}
	must(t, edit.Modify(t.Context(), "", set))
	t.Setenv("KUBECONFIG", "")
	must(t, edit.Modify(t.Context(), "", set))
	for _, path := range []string{last, filepath.Join(home, ".kube", "config")} {
		mustContain(t, read(t, path), "apiVersion: v1\nkind: Config\nclusters:\n")
		for p, mode := range map[string]fs.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
			if info, err := os.Stat(p); err != nil || info.Mode().Perm() != mode {
				t.Errorf("%s: %v, %v", p, info.Mode(), err)
			}
		}
		if c, err := kubeconfig.Open(path); err != nil || c.REST.Host != "https://a.example" {
			t.Errorf("%+v, %v", c, err)
		}
	}
}

// A file keeps its mode; of a symbolic link, the target is replaced.
func TestModesAndLinks(t *testing.T) {
	dir, linked := t.TempDir(), t.TempDir()
	path := write(t, dir, "config", full)
	must(t, os.Chmod(path, 0o640))
	link := filepath.Join(linked, "config")
	must(t, os.Symlink(path, link))
	dangling := filepath.Join(linked, "dangling")
	must(t, os.Symlink("made", dangling))
	for _, p := range []string{path, link, dangling} {
		must(t, edit.Modify(t.Context(), p, func(c *edit.Config) error {
			return c.Set(edit.User, "of "+filepath.Base(filepath.Dir(p)), map[string]any{"token": "x"})
		}))
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 || strings.Count(read(t, path), "name: of ") != 2 {
		t.Errorf("%v, %v\n%s", info.Mode(), err, read(t, path))
	}
	for _, p := range []string{link, dangling} {
		if info, err := os.Lstat(p); err != nil || info.Mode()&fs.ModeSymlink == 0 {
			t.Errorf("%s: %v, %v", p, info.Mode(), err)
		}
	}
	mustContain(t, read(t, filepath.Join(linked, "made")), "token: x")
}

// A lock that is there is waited for until ctx or LockTimeout ends; the error names it. It is not
// removed.
func TestALockOfAnotherProcess(t *testing.T) {
	dir := t.TempDir()
	path := write(t, dir, "config", full)
	lock := write(t, dir, "config.lock", "")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	called := false
	err := edit.Modify(ctx, path, func(*edit.Config) error { called = true; return nil })
	if !errors.Is(err, context.Canceled) || called {
		t.Error(err)
	}
	mustContain(t, err.Error(), lock, "remove the lock", "is there since")
	if _, err := os.Stat(lock); err != nil {
		t.Error("the lock of another is gone")
	}
	done := make(chan error)
	go func() { done <- edit.Modify(t.Context(), path, func(c *edit.Config) error { return c.Use("b") }) }()
	must(t, os.Remove(lock))
	must(t, <-done)
	if _, err := os.Stat(lock); err == nil {
		t.Error("a lock is left behind")
	}
}

// A lock is waited for as long as LockTimeout.
func TestTheBoundOfLockTimeout(t *testing.T) {
	for left, locked := range map[time.Duration]bool{-time.Second: false, time.Second: true} {
		dir := t.TempDir()
		path, lock := write(t, dir, "config", full), write(t, dir, "config.lock", "")
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			released := time.AfterFunc(edit.LockTimeout+left, func() { must(t, os.Remove(lock)) })
			err := edit.Modify(t.Context(), path, func(c *edit.Config) error { return c.Use("b") })
			if errors.Is(err, edit.ErrLocked) != locked || locked && time.Since(began) != edit.LockTimeout {
				t.Errorf("released %v after LockTimeout: after %v: %v", left, time.Since(began), err)
			}
			released.Stop()
		})
		if changed := read(t, path) != full; changed == locked {
			t.Errorf("released %v after LockTimeout: changed: %v", left, changed)
		}
	}
}

// While f runs, each file and the target of a link are locked as kubectl locks them, and afterwards
// none is.
func TestTheLocks(t *testing.T) {
	dir := t.TempDir()
	a, b := write(t, dir, "a", ""), write(t, dir, "b", full)
	link, none := filepath.Join(dir, "link"), filepath.Join(dir, "none")
	must(t, os.Symlink(b, link))
	env(t, none, link, a, filepath.Join(dir, "no-folder", "x"))
	want := []string{"a.lock", "b.lock", "link.lock", "none.lock"}
	locks := func() (names []string) {
		all, _ := filepath.Glob(filepath.Join(dir, "*.lock"))
		for _, name := range all {
			names = append(names, filepath.Base(name))
		}
		return names
	}
	for _, fails := range []error{nil, errors.New("no")} {
		err := edit.Modify(t.Context(), "", func(*edit.Config) error {
			if got := locks(); !slices.Equal(got, want) {
				t.Errorf("%q", got)
			}
			return fails
		})
		if !errors.Is(err, fails) || len(locks()) != 0 {
			t.Errorf("%v; left: %q", err, locks())
		}
	}
}

// patiently is Modify on a machine so loaded that LockTimeout may pass.
func patiently(t *testing.T, path string, f func(*edit.Config) error) error {
	for {
		if err := edit.Modify(t.Context(), path, f); !errors.Is(err, edit.ErrLocked) {
			return err
		}
	}
}

// Many processes that change one file at once lose no change, and readers see whole files only.
func TestManyWriters(t *testing.T) {
	const processes, each = 4, 8
	if path := os.Getenv("SKIFF_EDIT"); path != "" {
		for i := range each {
			must(t, patiently(t, path, func(c *edit.Config) error {
				return c.Set(edit.User, fmt.Sprintf("%s-%d", os.Getenv("SKIFF_EDIT_WHO"), i), map[string]any{"token": "x"})
			}))
		}
		return
	}
	path := write(t, t.TempDir(), "config", full)
	stop := make(chan struct{})
	var all, readers sync.WaitGroup
	readers.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if c, err := kubeconfig.Open(path); err != nil || c.Context != "a" {
					t.Errorf("a reader: %v", err)
					return
				}
			}
		}
	})
	for i := range processes {
		all.Go(func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestManyWriters$")
			cmd.Env = append(os.Environ(), "SKIFF_EDIT="+path, fmt.Sprintf("SKIFF_EDIT_WHO=%d", i))
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	all.Go(func() { // and one in this process, so that goroutines are among them
		for i := range each {
			if err := patiently(t, path, func(c *edit.Config) error {
				return c.Set(edit.User, fmt.Sprintf("here-%d", i), map[string]any{"token": "x"})
			}); err != nil {
				t.Error(err)
			}
		}
	})
	all.Wait()
	close(stop)
	readers.Wait()
	if n := strings.Count(read(t, path), "token: x"); n != (processes+1)*each {
		t.Errorf("%d changes", n)
	}
}

const secret = "hunter22-secret"

// A view shows no secret, wherever it is, unless it is asked for.
func TestAViewShowsNoSecret(t *testing.T) {
	content := `apiVersion: v1
later: {token: ` + secret + `}
clusters:
- name: a
  cluster: {server: "https://joe:` + secret + `@a.example", proxy-url: "http://joe:` + secret + `@proxy:3128", certificate-authority-data: Y2E=}
- name: odd
  cluster: {server: "https://a.example", proxy-url: "http://joe:` + secret + `@proxy:port"}
contexts:
- {name: a, context: {cluster: a, user: a}}
users:
- name: a
  beside: ` + secret + `
  user:
    token: ` + secret + `
    password: ` + secret + `
    username: joe
    client-key-data: ` + secret + `
    client-certificate-data: Y2VydA==
    later: {deep: [` + secret + `]}
    auth-provider: {name: oidc, config: {id-token: ` + secret + `, refresh-token: ` + secret + `}}
    exec:
      command: aws
      args: [eks, get-token, --client-secret, ` + secret + `, --password=` + secret + `, --cluster-name, prod]
      env: [{name: AWS_PROFILE, value: ` + secret + `}]
      later: ` + secret + `
`
	path := write(t, t.TempDir(), "config", content)
	got, err := edit.View(path, edit.ViewOptions{})
	must(t, err)
	if bytes.Contains(got, []byte(secret)) {
		t.Errorf("%s", got)
	}
	mustContain(t, string(got), "https://REDACTED@a.example", "http://REDACTED@proxy:3128", "certificate-authority-data: DATA+OMITTED",
		"token: REDACTED", "username: joe", "name: oidc", "id-token: REDACTED", "command: aws", "- eks", "- get-token", "--password=REDACTED", "- prod", "AWS_PROFILE")
	if raw, err := edit.View(path, edit.ViewOptions{Raw: true}); err != nil || strings.Count(string(raw), secret) != strings.Count(content, secret) {
		t.Errorf("%s, %v", raw, err)
	}
}

// A view of several files is what kubeconfig reads of them, with absolute paths, or with the content
// of the files.
func TestViews(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	write(t, one, "ca.crt", "the CA")
	write(t, two, "key", "the key")
	a := write(t, one, "config", "clusters: [{name: a, cluster: {server: 'https://one.example', certificate-authority: ca.crt}}]\nusers: [{name: x, user: {token: x}}]\n")
	b := write(t, two, "config", full+"extensions: [{name: e}]\n")
	must(t, edit.Modify(t.Context(), b, func(c *edit.Config) error {
		return c.Set(edit.User, "a", map[string]any{"client-key": "key", "client-certificate-data": "Y2VydA==", "exec": map[string]any{"command": "./bin/login", "apiVersion": "v1"}})
	}))
	env(t, a, filepath.Join(one, "none"), b)
	got, err := edit.View("", edit.ViewOptions{Raw: true})
	must(t, err)
	mustContain(t, string(got), "https://one.example", "certificate-authority: "+filepath.Join(one, "ca.crt"), "client-key: "+filepath.Join(two, "key"),
		"command: "+filepath.Join(two, "bin", "login"), "current-context: a", "name: x", "name: b", "later-field", "extensions")
	if strings.Contains(string(got), "https://a.example") {
		t.Errorf("the second file's cluster is shown:\n%s", got)
	}
	c, err := kubeconfig.Parse(got, kubeconfig.WithContext("b"))
	if err != nil || c.REST.Host != "https://b.example" {
		t.Errorf("%v, %v", c, err)
	}

	got, err = edit.View("", edit.ViewOptions{Raw: true, Flatten: true, Minify: true})
	must(t, err)
	mustContain(t, string(got), "certificate-authority-data: dGhlIENB", "client-key-data: dGhlIGtleQ==", "client-certificate-data: Y2VydA==")
	for _, text := range []string{"b.example", "name: b", "name: x", "certificate-authority: ", "client-key: "} {
		if strings.Contains(string(got), text) {
			t.Errorf("%q in\n%s", text, got)
		}
	}
	got, err = edit.View("", edit.ViewOptions{Minify: true, Context: "b"})
	must(t, err)
	mustContain(t, string(got), "current-context: b", "b.example", "token: REDACTED")
	if _, err := edit.View("", edit.ViewOptions{Minify: true, Context: "z"}); !errors.Is(err, edit.ErrNotFound) {
		t.Error(err)
	}
	must(t, os.Remove(filepath.Join(two, "key")))
	if _, err := edit.View("", edit.ViewOptions{Flatten: true}); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), `the user "a": client-key`) {
		t.Error(err)
	}
	if _, err := edit.View(filepath.Join(one, "none"), edit.ViewOptions{}); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	t.Setenv("KUBECONFIG", filepath.Join(one, "none"))
	if got, err := edit.View("", edit.ViewOptions{}); err != nil || string(got) != "apiVersion: v1\nkind: Config\nclusters: []\nusers: []\ncontexts: []\ncurrent-context: \"\"\n" {
		t.Errorf("%s, %v", got, err)
	}
}

// Names and Current are those of the files together.
func TestWhatAConfigHolds(t *testing.T) {
	dir := t.TempDir()
	env(t, write(t, dir, "one", "users: [{name: z}, {name: a}]\n"), write(t, dir, "two", full))
	must(t, edit.Modify(t.Context(), "", func(c *edit.Config) error {
		if got := c.Names(edit.User); !slices.Equal(got, []string{"z", "a", "b"}) || c.Current() != "a" {
			t.Errorf("%q, %s", got, c.Current())
		}
		must(t, c.Set(edit.User, "z", map[string]any{"exec": map[string]any{"args": []any{"a", map[string]any{"b": 1}}}, "token": "t"}))
		want := map[string]any{"exec": map[string]any{"args": []any{"a", map[string]any{"b": 1}}}, "token": "t"}
		if got, found := c.Fields(edit.User, "z"); !found || !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, %v", got, found)
		}
		if got, found := c.Fields(edit.User, "a"); !found || got == nil {
			t.Errorf("of a user of the second file: %v, %v", got, found)
		}
		if _, found := c.Fields(edit.User, "missing"); found {
			t.Error("a missing user has fields")
		}
		return nil
	}))
}

func Example() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "config")

	err = edit.Modify(context.Background(), path, func(c *edit.Config) error {
		err := errors.Join(
			c.Set(edit.Cluster, "prod", map[string]any{"server": "https://prod.example:6443"}),
			c.Set(edit.User, "joe", map[string]any{"token": "a-secret"}),
			c.Set(edit.Context, "prod", map[string]any{"cluster": "prod", "user": "joe"}))
		if err != nil {
			return err
		}
		return c.Use("prod")
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	shown, err := edit.View(path, edit.ViewOptions{})
	fmt.Println(string(shown), err)
	// Output:
	// apiVersion: v1
	// kind: Config
	// clusters:
	// - name: prod
	//   cluster:
	//     server: https://prod.example:6443
	// users:
	// - name: joe
	//   user:
	//     token: REDACTED
	// contexts:
	// - name: prod
	//   context:
	//     cluster: prod
	//     user: joe
	// current-context: prod
	//  <nil>
}
