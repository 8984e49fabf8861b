package guide

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

const library = "github.com/skiff-k8s/skiff"

// modules are the folders of the modules that the guide uses.
var modules = []string{".", "crd", "cmd/skiff", "devcluster", "operator", "skifftest", "tools"}

// publish writes the modules of the repository in root to a folder that GOPROXY can name by file://,
// as a release would: all under one version, each of which requires the others at that version. It
// returns the version, which is another for other files.
func publish(root, proxy string) (version string, err error) {
	files, sum, err := sources(root)
	if err != nil {
		return "", err
	}
	version = "v0.0.1-guide." + sum
	for _, dir := range modules {
		if err := publishModule(proxy, dir, version, files); err != nil {
			return "", fmt.Errorf("publish %s: %w", dir, err)
		}
	}
	return version, nil
}

// sources returns the files of the repository by their paths, and what tells them from others.
func sources(root string) (map[string][]byte, string, error) {
	list := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		return nil, "", fmt.Errorf("list the repository's files: %w", err)
	}
	files := map[string][]byte{}
	sum := sha256.New()
	for _, name := range strings.Split(strings.TrimRight(string(out), "\x00"), "\x00") {
		data, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) { // deleted, and not committed yet
			continue
		}
		if err != nil {
			return nil, "", err
		}
		files[name] = data
		fmt.Fprintf(sum, "%s %x\n", name, sha256.Sum256(data))
	}
	return files, fmt.Sprintf("%x", sum.Sum(nil)[:6]), nil
}

func publishModule(proxy, dir, version string, files map[string][]byte) error {
	m := module.Version{Path: path.Join(library, dir), Version: version}
	mod, err := released(files[path.Join(dir, "go.mod")], version)
	if err != nil {
		return err
	}
	var members []zip.File
	for name, data := range files {
		rel, inside := strings.CutPrefix(name, dir+"/")
		if dir == "." {
			rel, inside = name, true
		}
		if !inside || nested(rel, dir, files) {
			continue
		}
		if rel == "go.mod" {
			data = mod
		}
		members = append(members, member{rel, data})
	}
	slices.SortFunc(members, func(a, b zip.File) int { return strings.Compare(a.Path(), b.Path()) })
	var archive bytes.Buffer
	if err := zip.Create(&archive, m, members); err != nil {
		return err
	}
	folder := filepath.Join(proxy, filepath.FromSlash(m.Path), "@v")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for name, data := range map[string][]byte{
		"list":            []byte(version + "\n"),
		version + ".info": fmt.Appendf(nil, `{"Version":%q,"Time":"2026-01-01T00:00:00Z"}`, version),
		version + ".mod":  mod,
		version + ".zip":  archive.Bytes(),
	} {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// nested reports whether a file of a module's folder belongs to a module within it.
func nested(rel, dir string, files map[string][]byte) bool {
	for at := path.Dir(rel); at != "."; at = path.Dir(at) {
		if _, ok := files[path.Join(dir, at, "go.mod")]; ok {
			return true
		}
	}
	return false
}

// released returns a go.mod that requires the repository's modules at a version. A replacement by a
// folder counts only within the repository.
func released(data []byte, version string) ([]byte, error) {
	f, err := modfile.Parse("go.mod", data, nil)
	if err != nil {
		return nil, err
	}
	for _, r := range slices.Clone(f.Replace) {
		if ours(r.Old.Path) {
			if err := f.DropReplace(r.Old.Path, r.Old.Version); err != nil {
				return nil, err
			}
		}
	}
	for _, r := range f.Require {
		if ours(r.Mod.Path) {
			if err := f.AddRequire(r.Mod.Path, version); err != nil {
				return nil, err
			}
		}
	}
	f.Cleanup()
	return f.Format()
}

func ours(path string) bool { return path == library || strings.HasPrefix(path, library+"/") }

// member is a file of an archive.
type member struct {
	path string
	data []byte
}

func (m member) Path() string                 { return m.path }
func (m member) Lstat() (fs.FileInfo, error)  { return info(m), nil }
func (m member) Open() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(m.data)), nil }

// info describes a member.
type info member

func (i info) Name() string       { return path.Base(i.path) }
func (i info) Size() int64        { return int64(len(i.data)) }
func (i info) Mode() fs.FileMode  { return 0o644 }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return false }
func (i info) Sys() any           { return nil }
