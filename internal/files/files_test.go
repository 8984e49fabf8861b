package files

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, size int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, bytes.Repeat([]byte("x"), size), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTheLimits(t *testing.T) {
	for _, limit := range []int{0, 1, MaxToken, MaxPEM, MaxKubeconfig} {
		for _, size := range []int{limit - 1, limit, limit + 1} {
			if size < 0 {
				continue
			}
			data, err := Read(write(t, size), limit)
			if (err == nil) != (size <= limit) || err == nil && len(data) != size {
				t.Errorf("limit %d, %d bytes: %d bytes, %v", limit, size, len(data), err)
			}
			if err != nil && !strings.Contains(err.Error(), "larger than") {
				t.Errorf("limit %d, %d bytes: %v", limit, size, err)
			}
		}
	}
}

func TestWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		dir:                            "a directory",
		filepath.Join(dir, "missing"):  "missing",
		filepath.Join(dir, "a", "b"):   "b",
		write(t, 1) + "/below-a-file":  "below-a-file",
		filepath.Join(dir, "nul\x00x"): "nul",
	} {
		_, err := Read(path, 10)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
		if err := Check(path); err == nil {
			t.Errorf("%s: Check has no error", path)
		}
	}
	if _, err := Read(filepath.Join(dir, "missing"), 10); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	if data, err := Read(os.DevNull, 10); err != nil || len(data) > 0 || Check(os.DevNull) != nil {
		t.Errorf("the null device: %q, %v", data, err)
	}
	if path := write(t, 1); Check(path) != nil || !Lasting(path) {
		t.Error("an ordinary file is not accepted")
	}
}

func TestALinkIsFollowed(t *testing.T) {
	target := write(t, 3)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(target, link); err != nil {
		t.Skip(err)
	}
	if data, err := Read(link, 3); err != nil || string(data) != "xxx" {
		t.Errorf("%q, %v", data, err)
	}
}
