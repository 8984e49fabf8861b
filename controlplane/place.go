package controlplane

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// EnvAssets names the environment variable with the folder of etcd and kube-apiserver, as the tests of
// kubebuilder's projects have it: envtest's binaries, or the links that `devcluster assets` makes.
const EnvAssets = "KUBEBUILDER_ASSETS"

// place is where the binaries of a control plane are: one of the two is set.
type place struct {
	devcluster string // the path of that binary
	assets     string // a folder
}

// find returns the place of the binaries: the first of
//
//   - $SKIFF_DEVCLUSTER;
//   - bin/devcluster in the repository of skiff around the working directory;
//   - $KUBEBUILDER_ASSETS;
//   - devcluster elsewhere (see binary).
//
// What has no other purpose than this package is asked first: $KUBEBUILDER_ASSETS may be set for
// another library's tests. A variable that is set wrongly is an error, and nothing else is tried.
func find() (place, error) {
	assets := os.Getenv(EnvAssets)
	if os.Getenv(EnvBinary) == "" && assets != "" {
		path, ok := repositoryBinary()
		if ok {
			return place{devcluster: path}, nil
		}
		if err := checkAssets(assets); err != nil {
			return place{}, fmt.Errorf("controlplane: $%s is %s: %w", EnvAssets, assets, err)
		}
		return place{assets: assets}, nil
	}
	path, err := binary()
	if err != nil {
		return place{}, fmt.Errorf("%w\nor set $%s to a folder with etcd and kube-apiserver, such as envtest's, "+
			"or $%s and $%s to a cluster that is there", err, EnvAssets, EnvKubeconfig, EnvContext)
	}
	return place{devcluster: path}, nil
}

// repositoryBinary returns bin/devcluster of the repository around the working directory, if it is
// there.
func repositoryBinary() (string, bool) {
	root, ok := repository()
	if !ok {
		return "", false
	}
	path := filepath.Join(root, "bin", "devcluster")
	return path, runnable(path) == nil
}

// checkAssets returns what is wrong with a folder of binaries.
func checkAssets(dir string) error {
	if !filepath.IsAbs(dir) {
		return fmt.Errorf("it is not an absolute path, and each package's tests run in their own folder")
	}
	var missing []string
	for _, name := range []string{etcd, apiserver} {
		if err := runnable(filepath.Join(dir, name)); err != nil {
			missing = append(missing, err.Error())
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("it needs etcd and kube-apiserver: %s", strings.Join(missing, "; "))
	}
	return nil
}
