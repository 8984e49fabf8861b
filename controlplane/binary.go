package controlplane

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// EnvBinary names the environment variable with the path of the devcluster binary.
const EnvBinary = "SKIFF_DEVCLUSTER"

// module is the line that the root of the repository is known by.
const module = "module github.com/skiff-k8s/skiff"

// ErrNoBinary is the error of [Run] when there is no devcluster binary. This builds it, once for all
// modules of a machine; the first build takes some minutes:
//
//	go run github.com/skiff-k8s/skiff/tools/devcluster@latest
//
// In a clone of skiff it is `make devcluster`.
var ErrNoBinary = errors.New("controlplane: no devcluster binary; to build it, run: " + buildAnywhere +
	" (in a clone of skiff: " + buildInClone + ")")

const (
	buildAnywhere = "go run github.com/skiff-k8s/skiff/tools/devcluster@latest"
	buildInClone  = "make devcluster"
)

// buildCommand is the command that builds the binary from the working directory.
func buildCommand() string {
	if _, ok := repository(); ok {
		return buildInClone
	}
	return buildAnywhere
}

// binary returns the path of the devcluster binary, or an ErrNoBinary that names the places where
// binary looked.
func binary() (string, error) {
	if path := os.Getenv(EnvBinary); path != "" {
		if err := runnable(path); err != nil {
			return "", fmt.Errorf("%w ($%s is %s: %v)", ErrNoBinary, EnvBinary, path, err)
		}
		return path, nil
	}
	tried := make([]string, 0, 3)
	if root, ok := repository(); ok {
		path := filepath.Join(root, "bin", "devcluster")
		err := runnable(path)
		if err == nil {
			return path, nil
		}
		tried = append(tried, err.Error())
	}
	path, err := exec.LookPath("devcluster")
	if err == nil {
		return path, nil
	}
	tried = append(tried, err.Error())
	if dir := installFolder(); dir != "" {
		path := filepath.Join(dir, "devcluster")
		if err = runnable(path); err == nil {
			return path, nil
		}
		tried = append(tried, err.Error())
	}
	return "", fmt.Errorf("%w (%s)", ErrNoBinary, strings.Join(tried, "; "))
}

// installFolder is where go install, and tools/devcluster with it, writes programs: often not in $PATH.
func installFolder() string {
	if dir := os.Getenv("GOBIN"); dir != "" {
		return dir
	}
	if first := filepath.SplitList(os.Getenv("GOPATH")); len(first) > 0 && first[0] != "" {
		return filepath.Join(first[0], "bin")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, "go", "bin")
}

func runnable(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.IsDir() || info.Mode()&0o111 == 0 {
		return fmt.Errorf("%s is not an executable file", path)
	}
	return nil
}

// repository returns the folder of skiff's go.mod, at or above the working directory. Other modules
// lie inside the repository, so the search goes on above the first go.mod.
func repository() (string, bool) {
	dir, err := os.Getwd()
	if err != nil {
		return "", false
	}
	for {
		data, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil {
			first, _, _ := strings.Cut(string(data), "\n")
			if strings.TrimSpace(first) == module {
				return dir, true
			}
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", false
		}
		dir = parent
	}
}
