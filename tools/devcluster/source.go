package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
)

const module = "github.com/skiff-k8s/skiff/devcluster"

// ownVersion is the version of this program's module: all modules of the repository are released
// together. A program that was built in a clone has none.
func ownVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" || strings.Contains(info.Main.Version, "+") {
		return "latest"
	}
	return info.Main.Version
}

// fetch downloads the module's source and returns a folder of the user's cache with it.
func fetch(ctx context.Context, version string) (string, error) {
	var got struct{ Dir, Version, Error string }
	data, err := output(ctx, "", "go", "mod", "download", "-json", module+"@"+version)
	if jsonErr := json.Unmarshal(data, &got); jsonErr == nil && got.Error != "" {
		return "", fmt.Errorf("download %s@%s: %s", module, version, got.Error)
	}
	if err != nil {
		return "", fmt.Errorf("download %s@%s: %w", module, version, err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the folder to build in: %w", err)
	}
	folder := filepath.Join(cache, "skiff", "devcluster", got.Version)
	if err := copySource(folder, got.Dir); err != nil {
		return "", fmt.Errorf("copy the source of %s@%s: %w", module, got.Version, err)
	}
	return folder, nil
}

// copySource makes dst a copy of src. The copy appears whole or not at all, so that a call that was
// interrupted leaves nothing that a later one takes for the source.
func copySource(dst, src string) error {
	if err := os.MkdirAll(filepath.Dir(dst), 0o755); err != nil {
		return err
	}
	next, err := os.MkdirTemp(filepath.Dir(dst), ".next-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(next)
	err = filepath.WalkDir(src, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(src, path)
		if err != nil {
			return err
		}
		to := filepath.Join(next, name)
		if entry.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, data, 0o644)
	})
	if err != nil {
		return err
	}
	// Another call may build in the old copy: its files are those of the same version.
	if err := os.Rename(next, dst); err != nil {
		if _, statErr := os.Stat(filepath.Join(dst, "go.mod")); statErr != nil {
			return errors.Join(err, statErr)
		}
	}
	return nil
}

// installFolder is where go install writes programs.
func installFolder(ctx context.Context) (string, error) {
	data, err := output(ctx, "", "go", "env", "GOBIN", "GOPATH")
	if err != nil {
		return "", fmt.Errorf("find the folder of go install: %w", err)
	}
	bin, path, _ := strings.Cut(strings.TrimRight(string(data), "\r\n"), "\n")
	if bin = strings.TrimSpace(bin); bin != "" {
		return bin, nil
	}
	first := filepath.SplitList(strings.TrimSpace(path))
	if len(first) == 0 {
		return "", errors.New("find the folder of go install: there is neither GOBIN nor GOPATH; name the file with -o")
	}
	return filepath.Join(first[0], "bin"), nil
}

// output runs a command in a folder and returns what it prints. The error has what it says besides.
func output(ctx context.Context, dir, name string, args ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, name, args...)
	var said bytes.Buffer
	command.Dir, command.Stderr = dir, &said
	data, err := command.Output()
	if err != nil {
		return data, fmt.Errorf("%s %s: %w %s", name, args[0], err, bytes.TrimSpace(said.Bytes()))
	}
	return data, nil
}
