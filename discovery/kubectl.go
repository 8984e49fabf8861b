package discovery

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/rest"
)

// The files of kubectl 1.37 in a server's directory: the groups, and for each group version its
// resources, in <group>/<version>. The core group has no folder of its own. Each file counts for
// 6 hours after its modification.
const (
	groupsFile    = "servergroups.json"
	resourcesFile = "serverresources.json"
)

// errNotKept is the cause, in a PartialError, for a group version of which there is no file.
var errNotKept = errors.New("discovery: the cache does not hold it")

// CacheDir returns the directory to give NewDisk for the server that c speaks to: kubectl's,
// $KUBECACHEDIR or ~/.kube/cache, then discovery/<host>_<port>. It does not make the directory. It
// depends on the server only, and not on the credentials, because discovery answers every user the
// same.
//
// The error is that of os.UserHomeDir: the environment names no home directory.
func CacheDir(c *rest.Client) (string, error) {
	base, err := cacheBase()
	if err != nil {
		return "", err
	}
	return filepath.Join(base, "discovery", hostDir(c.Config().Host)), nil
}

// HTTPCacheDir returns the directory to give CacheHTTP: kubectl's, for all servers.
func HTTPCacheDir() (string, error) {
	base, err := cacheBase()
	if err != nil {
		return "", err
	}
	return filepath.Join(base, "http"), nil
}

func cacheBase() (string, error) {
	if dir := os.Getenv("KUBECACHEDIR"); dir != "" {
		return dir, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("discovery: find the cache directory: %w", err)
	}
	return filepath.Join(home, ".kube", "cache"), nil
}

// hostDir returns the path that kubectl makes of a host. Its segments do not lead upwards.
func hostDir(host string) string {
	host = strings.TrimPrefix(strings.TrimPrefix(host, "https://"), "http://")
	host = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9',
			strings.ContainsRune("_/.()", r):
			return r
		}
		return '_'
	}, host)
	segments := strings.Split(host, "/")
	for i, s := range segments {
		if strings.Trim(s, ".") == "" {
			segments[i] = strings.Repeat("_", len(s))
		}
	}
	return filepath.Join(segments...)
}

// resourcesPath returns the path of a group version's file, and reports whether its names can be
// names of folders.
func (d *disk) resourcesPath(gv schema.GroupVersion) (string, bool) {
	for _, name := range []string{"x" + gv.Group, gv.Version} {
		if name == "" || strings.ContainsAny(name, `/\:`+"\x00") || strings.Trim(name, ".") == "" {
			return "", false
		}
	}
	if strings.Trim(gv.Group, ".") != gv.Group {
		return "", false
	}
	return filepath.Join(filepath.Dir(d.file), gv.Group, gv.Version, resourcesFile), true
}

// readAged reads a file that is not older than the TTL, and returns when it was modified.
func (d *disk) readAged(file string) ([]byte, time.Time, error) {
	data, err := readFile(file, d.limit)
	if err != nil {
		return nil, time.Time{}, err
	}
	info, err := os.Stat(file)
	if err != nil {
		return nil, time.Time{}, err
	}
	if age := time.Since(info.ModTime()); age < 0 || age > d.ttl {
		return nil, time.Time{}, fmt.Errorf("%s has expired", file)
	}
	return data, info.ModTime(), nil
}

// readKubectl returns the catalog in kubectl's files, with a PartialError for the group versions of
// which there is no file that counts. kubectl leaves out the group versions that failed. The catalog
// is therefore marked: it may lack some.
func (d *disk) readKubectl() (c *Catalog, partial, err error) {
	dir := filepath.Dir(d.file)
	data, at, err := d.readAged(filepath.Join(dir, groupsFile))
	if err != nil {
		return nil, nil, err
	}
	groups, err := legacyGroups(data)
	if err != nil {
		return nil, nil, err
	}
	c = &Catalog{Groups: groups, Fetched: at, mayLack: true}
	failed := map[schema.GroupVersion]error{}
	for i := range groups {
		for j := range groups[i].Versions {
			v := &groups[i].Versions[j]
			failed[v.GV()] = errNotKept
			file, ok := d.resourcesPath(v.GV())
			if !ok {
				continue
			}
			data, at, err := d.readAged(file)
			if err != nil {
				continue
			}
			resources, err := readResources(data, v.GV())
			if err != nil || len(resources) == 0 {
				continue
			}
			v.Resources = resources
			delete(failed, v.GV())
			if at.Before(c.Fetched) {
				c.Fetched = at
			}
		}
	}
	if len(failed) > 0 {
		return c, &PartialError{Failed: failed}, nil
	}
	return c, nil, nil
}

// writeKubectl writes kubectl's files. A group version that failed is named among the groups and has
// no new file: kubectl then asks the server for it.
func (d *disk) writeKubectl(c *Catalog, partial *PartialError) error {
	groups := metav1.APIGroupList{
		TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"},
	}
	for _, g := range c.Groups {
		out := metav1.APIGroup{Name: g.Name}
		for _, v := range g.Versions {
			out.Versions = append(out.Versions, metav1.GroupVersionForDiscovery{
				GroupVersion: v.APIVersion(), Version: v.Version,
			})
			file, ok := d.resourcesPath(v.GV())
			if partial != nil && partial.Failed[v.GV()] != nil || !ok || len(v.Resources) == 0 {
				continue
			}
			if err := d.writeJSON(file, resourceList(v)); err != nil {
				return err
			}
		}
		if len(out.Versions) > 0 {
			out.PreferredVersion = out.Versions[0]
		}
		groups.Groups = append(groups.Groups, out)
	}
	return d.writeJSON(filepath.Join(filepath.Dir(d.file), groupsFile), groups)
}

func (d *disk) writeJSON(file string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if int64(len(data)) > d.limit {
		return fmt.Errorf("%s is %d bytes, and the limit is %d", file, len(data), d.limit)
	}
	return replaceFile(file, data)
}

// resourceList returns a group version as an APIResourceList, in which subresources stand beside the
// resources.
func resourceList(v GroupVersion) metav1.APIResourceList {
	out := metav1.APIResourceList{
		TypeMeta:     metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"},
		GroupVersion: v.APIVersion(),
	}
	for _, r := range v.Resources {
		if r.Info.Kind != "" {
			out.APIResources = append(out.APIResources, metav1.APIResource{
				Name: r.Info.Resource, SingularName: r.Singular, Namespaced: r.Info.Namespaced,
				Kind: r.Info.Kind, Verbs: r.Verbs,
				ShortNames: r.ShortNames, Categories: r.Categories,
			})
		}
		for _, s := range r.Subresources {
			sub := metav1.APIResource{
				Name: r.Info.Resource + "/" + s.Name, SingularName: r.Singular,
				Namespaced: r.Info.Namespaced, Kind: s.GVK.Kind, Verbs: s.Verbs,
			}
			if s.GVK.GroupVersion() != v.GV() { // as servers send it
				sub.Group, sub.Version = s.GVK.Group, s.GVK.Version
			}
			out.APIResources = append(out.APIResources, sub)
		}
	}
	return out
}

// keepForKubectl writes kubectl's files. Nothing depends on it here.
func (d *disk) keepForKubectl(c *Catalog, partial *PartialError) {
	if err := d.writeKubectl(c, partial); err != nil {
		slog.Debug("discovery: write kubectl's cache", "dir", filepath.Dir(d.file), "err", err)
	}
}
