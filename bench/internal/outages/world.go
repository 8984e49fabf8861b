package outages

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/skiff-k8s/skiff/faults"
	"github.com/skiff-k8s/skiff/kind"
)

// configMaps is the resource that both informers watch.
var configMaps = kind.Info{Version: "v1", Kind: "ConfigMap", Resource: "configmaps", Namespaced: true}

// objectsAtFirst is how many ConfigMaps exist when an informer starts: more than a page of either
// client, so that a list in pages has a second one.
const objectsAtFirst = 550

// world is the server of one run.
type world struct {
	store  *faults.Store
	layer  *faults.Layer
	server *faults.Server
	backup *faults.Snapshot // of the state that the informer started on
	writes int
}

func newWorld(t *testing.T) *world {
	w := &world{store: faults.NewStore()}
	for i := range objectsAtFirst {
		w.put(t, fmt.Sprintf("first-%03d", i), "a")
	}
	w.layer = faults.NewLayer(w.store)
	w.server = faults.Start(t, w.layer, faults.Options{})
	return w
}

func (w *world) put(t *testing.T, name, value string) {
	t.Helper()
	if _, err := w.store.Put(fmt.Sprintf(`{"apiVersion":"v1","kind":"ConfigMap",`+
		`"metadata":{"namespace":"ns","name":%q},"data":{"value":%q}}`, name, value)); err != nil {
		t.Fatal(err)
	}
}

// write creates an object, changes one and deletes one.
func (w *world) write(t *testing.T) {
	t.Helper()
	w.writes++
	w.put(t, fmt.Sprintf("new-%d", w.writes), "a")
	w.put(t, fmt.Sprintf("first-%03d", w.writes), fmt.Sprintf("changed %d", w.writes))
	if !w.store.Remove(configMaps, "ns", fmt.Sprintf("first-%03d", objectsAtFirst-w.writes)) {
		t.Fatal("the object to delete is not there")
	}
}

// digest tells the content of a ConfigMap: two that are equal have the same one.
func digest(uid, version string, data map[string]string) string {
	text, err := json.Marshal(data) // sorted by key
	if err != nil {
		panic(err) // strings only
	}
	return fmt.Sprintf("%s/%s/%x", uid, version, sha256.Sum256(text))
}

// state returns what the server has, by name.
func (w *world) state(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, text := range w.store.Objects(configMaps) {
		var o struct {
			Metadata struct{ Name, UID, ResourceVersion string }
			Data     map[string]string
		}
		if err := json.Unmarshal(text, &o); err != nil {
			t.Fatal(err)
		}
		all[o.Metadata.Name] = digest(o.Metadata.UID, o.Metadata.ResourceVersion, o.Data)
	}
	return all
}
