package datadir

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// base is short enough for a socket, which t.TempDir with a long test name is not.
func base(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "dd")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func open(t *testing.T, o Options) *Folder {
	t.Helper()
	f, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func write(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func TestATemporaryFolderGoesWithItsCluster(t *testing.T) {
	f := open(t, Options{Base: base(t)})
	write(t, filepath.Join(f.Etcd(), "member"))
	if err := f.Close(false); err != nil {
		t.Fatal(err)
	}
	if exists(f.Data()) {
		t.Errorf("%s is still there", f.Data())
	}
}

func TestAFailedClusterLeavesItsLogsAlone(t *testing.T) {
	b := base(t)
	f := open(t, Options{Base: b})
	log := filepath.Join(f.Logs(), "etcd.log")
	write(t, log)
	write(t, filepath.Join(f.Etcd(), "member"))
	write(t, filepath.Join(f.PKI(), "ca.key"))
	write(t, f.Kubeconfig())
	if err := f.Close(true); err != nil {
		t.Fatal(err)
	}
	if !exists(log) {
		t.Error("the log that the error names is gone")
	}
	for _, gone := range []string{f.Etcd(), f.PKI(), f.Kubeconfig()} {
		if exists(gone) {
			t.Errorf("%s was left behind", gone)
		}
	}
	open(t, Options{Base: b}).Close(false)
	if !exists(log) {
		t.Error("the next start removed a log of today")
	}
	old := time.Now().Add(-failedLife - time.Hour)
	if err := os.Chtimes(f.Data(), old, old); err != nil {
		t.Fatal(err)
	}
	open(t, Options{Base: b}).Close(false)
	if exists(log) {
		t.Error("a start a day later left the log")
	}
}

func TestAKilledClustersFolderIsRemovedByTheNextStart(t *testing.T) {
	b := base(t)
	killed := open(t, Options{Base: b})
	running := open(t, Options{Base: b})
	defer running.Close(false)
	killed.runLock.Close() // as the kernel does
	open(t, Options{Base: b}).Close(false)
	if exists(killed.Data()) {
		t.Error("the killed cluster's folder is still there")
	}
	if !exists(running.Data()) {
		t.Error("the running cluster's folder was removed")
	}
}

func TestAKeptFolderKeepsItsDataAndPort(t *testing.T) {
	b, dir := base(t), filepath.Join(t.TempDir(), "new", "kept")
	f := open(t, Options{Base: b, Data: dir})
	if err := f.SetPort(4321); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(f.Etcd(), "member"))
	if err := f.Close(true); err != nil {
		t.Fatal(err)
	}
	f = open(t, Options{Base: b, Data: dir})
	defer f.Close(false)
	if f.Port() != 4321 {
		t.Errorf("port %d at the second start, want 4321", f.Port())
	}
	if !exists(filepath.Join(f.Etcd(), "member")) {
		t.Error("the data did not stay")
	}
}

func TestAKeptFolderHasOneClusterAtATime(t *testing.T) {
	b, dir := base(t), t.TempDir()
	f := open(t, Options{Base: b, Data: dir})
	_, err := Open(Options{Base: b, Data: dir})
	if err == nil || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) || !strings.Contains(err.Error(), dir) {
		t.Errorf("a second cluster on the folder: %v, want an error that names the folder and the holder", err)
	}
	f.Close(false)
	open(t, Options{Base: b, Data: dir}).Close(false)
}

func TestAFolderThatIsNotAClustersIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "thesis.tex"))
	_, err := Open(Options{Base: base(t), Data: dir})
	if err == nil || !strings.Contains(err.Error(), "thesis.tex") {
		t.Errorf("error %v, want one that names what is in the folder", err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("the folder has %d entries now, want the one it had", len(entries))
	}
}

func TestFindSaysWhichClusterIsMeant(t *testing.T) {
	b, dir := base(t), t.TempDir()
	if _, err := Find(b, ""); err == nil || !strings.Contains(err.Error(), "devcluster up") {
		t.Errorf("nothing there: %v, want an error that says what to do", err)
	}

	kept := open(t, Options{Base: b, Data: dir, Find: true})
	if _, err := Find(b, dir); err == nil {
		t.Error("found a cluster that has no kubeconfig yet")
	}
	write(t, kept.Kubeconfig())
	for _, data := range []string{"", dir} {
		if got, err := Find(b, data); err != nil || got != (Found{Data: dir, Kubeconfig: kept.Kubeconfig(), Running: true}) {
			t.Errorf("Find(%q) = %+v, %v", data, got, err)
		}
	}

	test := open(t, Options{Base: b}) // a test's cluster is nobody else's
	write(t, test.Kubeconfig())
	if got, err := Find(b, ""); err != nil || got.Data != dir {
		t.Errorf("with a test's cluster beside it: %+v, %v", got, err)
	}
	test.Close(false)

	second := open(t, Options{Base: b, Find: true})
	write(t, second.Kubeconfig())
	if _, err := Find(b, ""); err == nil || !strings.Contains(err.Error(), kept.Kubeconfig()) || !strings.Contains(err.Error(), second.Kubeconfig()) {
		t.Errorf("two clusters: %v, want an error that lists both", err)
	}
	second.Close(false)

	kept.Close(false)
	if got, err := Find(b, ""); err != nil || got != (Found{Data: dir, Kubeconfig: kept.Kubeconfig()}) {
		t.Errorf("after its end: %+v, %v, want the kept cluster, not running", got, err)
	}
}

func TestAFolderOfOthersIsNotTrusted(t *testing.T) {
	open := filepath.Join(t.TempDir(), "open")
	if err := os.Mkdir(open, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	for _, b := range []string{open, link} {
		if f, err := Open(Options{Base: b}); err == nil {
			f.Close(false)
			t.Errorf("%s was used", b)
		}
	}
}
