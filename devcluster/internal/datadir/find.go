package datadir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// lastKept is the file in the base folder that contains the path of the --data folder used last.
const lastKept = "last-data"

// Found is a cluster that Find has found.
type Found struct {
	Data       string
	Kubeconfig string
	Running    bool
}

// Find returns a cluster: that of the given data folder or, if data is "", the running one that was
// started by `devcluster up`, or else the last one that was kept. base is as in Options.
func Find(base, data string) (Found, error) {
	base, err := openBase(base)
	if err != nil {
		return Found{}, err
	}
	if data != "" {
		return findKept(data)
	}
	running, err := findRunning(base)
	if err != nil {
		return Found{}, err
	}
	switch len(running) {
	case 1:
		return running[0], nil
	case 0:
		last, err := os.ReadFile(filepath.Join(base, lastKept))
		if err == nil {
			if found, err := findKept(string(last)); err == nil {
				return found, nil
			}
		}
		return Found{}, errors.New("no cluster runs and none was kept: start one with `devcluster up`")
	default:
		var list strings.Builder
		for _, f := range running {
			list.WriteString("\n  " + f.Kubeconfig)
		}
		return Found{}, fmt.Errorf("%d clusters run, each with a kubeconfig of its own; use one of these, or name one by --data:%s", len(running), list.String())
	}
}

func findKept(dir string) (Found, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Found{}, err
	}
	r, err := readRecord(dir)
	if err != nil {
		return Found{}, fmt.Errorf("%s is not a cluster's data folder: %w", dir, err)
	}
	if _, err := os.Stat(r.Kubeconfig); err != nil {
		return Found{}, fmt.Errorf("the cluster of %s never came up: %w", dir, err)
	}
	return Found{Data: dir, Kubeconfig: r.Kubeconfig, Running: locked(filepath.Join(dir, "lock"))}, nil
}

func findRunning(base string) ([]Found, error) {
	entries, err := os.ReadDir(base)
	if err != nil {
		return nil, fmt.Errorf("look for running clusters: %w", err)
	}
	var running []Found
	for _, e := range entries {
		if !e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		dir := filepath.Join(base, e.Name())
		r, err := readRecord(dir)
		if err != nil || !r.Find || !locked(filepath.Join(dir, "lock")) {
			continue
		}
		if _, err := os.Stat(r.Kubeconfig); err != nil {
			continue // still starting
		}
		running = append(running, Found{Data: r.Data, Kubeconfig: r.Kubeconfig, Running: true})
	}
	return running, nil
}

// openBase opens the folder that contains the run folders. Its name can be guessed, and every user
// can write to the temporary folder. So openBase returns an error unless only this user can have
// made the folder.
func openBase(base string) (string, error) {
	if base == "" {
		base = filepath.Join(os.TempDir(), fmt.Sprintf("devcluster-%d", os.Getuid()))
	}
	base, err := filepath.Abs(base)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(base, 0o700); err != nil {
		return "", fmt.Errorf("make the folder of running clusters: %w", err)
	}
	info, err := os.Lstat(base)
	if err != nil {
		return "", fmt.Errorf("look at the folder of running clusters: %w", err)
	}
	owner, _ := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || info.Mode().Perm()&0o077 != 0 || owner == nil || int(owner.Uid) != os.Getuid() {
		return "", fmt.Errorf("%s would hold this user's keys, but is not a folder that this user alone can enter (%v): remove it, or set TMPDIR to another folder", base, info.Mode())
	}
	return base, nil
}
