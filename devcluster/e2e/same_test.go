package e2e

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// all returns every object that the API server lists, as JSON without what differs between two
// clusters of the same kind, by resource, namespace and name. It returns the UIDs and the times of
// creation apart.
func (c *client) all() (objects, uids map[string]string, created map[string]time.Time) {
	c.t.Helper()
	_, port, _ := strings.Cut(strings.TrimPrefix(c.server, "https://"), ":")
	objects, uids, created = make(map[string]string), make(map[string]string), make(map[string]time.Time)
	for _, path := range c.resources() {
		code, body := c.do("GET", path, "")
		if code != 200 {
			c.t.Fatalf("GET %s: %d %s", path, code, body)
		}
		var list struct{ Items []map[string]any }
		if err := json.Unmarshal([]byte(body), &list); err != nil {
			c.t.Fatalf("GET %s: %v", path, err)
		}
		for _, o := range list.Items {
			meta, _ := o["metadata"].(map[string]any)
			name, _ := meta["name"].(string)
			namespace, _ := meta["namespace"].(string)
			if strings.HasPrefix(name, "apiserver-") && strings.HasSuffix(path, "/leases") {
				delete(o, "spec") // the process's own name and the times of its renewals
			}
			if strings.HasSuffix(path, "/configmaps") {
				delete(o, "data") // authorities and a date
			}
			key := path + " " + namespace + "/" + name
			uids[key], _ = meta["uid"].(string)
			text, _ := meta["creationTimestamp"].(string)
			if text != "" {
				at, err := time.Parse(time.RFC3339, text)
				if err != nil {
					c.t.Errorf("%s: %v", key, err)
				}
				created[key] = at
			}
			data, err := json.Marshal(strip(o))
			if err != nil {
				c.t.Fatal(err)
			}
			objects[key] = strings.ReplaceAll(string(data), ":"+port, ":PORT")
		}
	}
	return objects, uids, created
}

// resources returns the paths of all resources that can be listed.
func (c *client) resources() (paths []string) {
	c.t.Helper()
	read := func(path string, into any) {
		if err := json.Unmarshal([]byte(c.must(200, "GET", path, "")), into); err != nil {
			c.t.Fatalf("GET %s: %v", path, err)
		}
	}
	var groups struct {
		Groups []struct {
			Versions []struct{ GroupVersion string }
		}
	}
	read("/apis", &groups)
	versions := []string{"/api/v1"}
	for _, g := range groups.Groups {
		for _, v := range g.Versions {
			versions = append(versions, "/apis/"+v.GroupVersion)
		}
	}
	for _, version := range versions {
		var list struct {
			Resources []struct {
				Name  string
				Verbs []string
			}
		}
		read(version, &list)
		for _, r := range list.Resources {
			// Events, of either group, come and go.
			if slices.Contains(r.Verbs, "list") && r.Name != "events" && r.Name != "componentstatuses" {
				paths = append(paths, version+"/"+r.Name)
			}
		}
	}
	return paths
}

// strip removes UIDs, versions and times at any depth.
func strip(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for _, name := range []string{"uid", "resourceVersion", "creationTimestamp", "time", "lastTransitionTime", "lastUpdateTime"} {
			delete(v, name)
		}
		for name, field := range v {
			v[name] = strip(field)
		}
		// Their order is that of the writes, of which some are concurrent.
		if fields, ok := v["managedFields"].([]any); ok {
			slices.SortFunc(fields, func(a, b any) int { return strings.Compare(text(a), text(b)) })
		}
	case []any:
		for i := range v {
			v[i] = strip(v[i])
		}
	}
	return value
}

func text(value any) string {
	data, _ := json.Marshal(value)
	return string(data)
}

// The list of all objects tells a cluster that began with the seed from one that did not by UIDs and
// times only, and both are its own.
func TestAClusterFromTheSeedIsAsOneWithout(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"controller manager": nil, "no controller manager": {"--no-controller-manager"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			before := time.Now().Truncate(time.Second)
			_, in, _, ready := m.controlled(args...)
			defer in.Close()
			seeded := newClient(t, ready.Kubeconfig)
			if !seeded.seeded() {
				t.Fatal("the cluster began without the seed")
			}
			_, uids, created := seeded.all()
			for key, at := range created {
				if at.Before(before) {
					t.Errorf("%s was created at %s, before the cluster, at %s", key, at, before)
				}
			}

			_, inOther, _, readyOther := m.controlled(args...)
			defer inOther.Close()
			_, others, _ := newClient(t, readyOther.Kubeconfig).all()
			inOther.Close()
			if len(uids) < 150 {
				t.Errorf("%d objects, want some 200", len(uids))
			}
			for key, uid := range uids {
				if uid != "" && uid == others[key] {
					t.Errorf("%s has UID %s in two clusters", key, uid)
				}
			}

			n := newMachine(t)
			n.binary = variant(t, noSeed)
			_, in, _, ready = n.controlled(args...)
			defer in.Close()
			plain := newClient(t, ready.Kubeconfig)
			// Both go on for a while: the controllers fill roles and make accounts.
			deadline := time.Now().Add(limit / 3) // the commands end at the limit
			for {
				a, _, _ := seeded.all()
				b, _, _ := plain.all()
				if maps.Equal(a, b) {
					break
				}
				if time.Now().Before(deadline) {
					time.Sleep(100 * time.Millisecond)
					continue
				}
				for _, key := range slices.Sorted(maps.Keys(a)) {
					if a[key] != b[key] {
						t.Errorf("%s is with the seed\n%s\nand without\n%s", key, a[key], b[key])
					}
				}
				for _, key := range slices.Sorted(maps.Keys(b)) {
					if _, ok := a[key]; !ok {
						t.Errorf("%s is not there with the seed", key)
					}
				}
				break
			}
		})
	}
}
