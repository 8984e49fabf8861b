package discovery

import (
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/kind"
)

func res(group, version, name, k string, namespaced bool, short ...string) Resource {
	return Resource{
		Info:       newInfo(schema.GroupVersion{Group: group, Version: version}, name, k, namespaced),
		Singular:   lower(k),
		ShortNames: short,
		Verbs:      []string{"get", "list"},
	}
}

func lower(s string) string {
	b := []byte(s)
	for i := range b {
		b[i] |= 0x20
	}
	return string(b)
}

// sample has every ambiguity that names can have.
func sample() *Catalog {
	return &Catalog{Groups: []Group{
		{Name: "", Versions: []GroupVersion{{Version: "v1", Resources: []Resource{
			res("", "v1", "pods", "Pod", true, "po"),
			res("", "v1", "events", "Event", true, "ev"),
			res("", "v1", "services", "Service", true, "svc"),
		}}}},
		{Name: "apps", Versions: []GroupVersion{{Group: "apps", Version: "v1", Resources: []Resource{
			res("apps", "v1", "deployments", "Deployment", true, "deploy"),
		}}}},
		{Name: "events.k8s.io", Versions: []GroupVersion{{Group: "events.k8s.io", Version: "v1", Resources: []Resource{
			res("events.k8s.io", "v1", "events", "Event", true, "ev"),
		}}}},
		{Name: "example.com", Versions: []GroupVersion{
			{Group: "example.com", Version: "v2", Resources: []Resource{
				res("example.com", "v2", "backups", "Backup", true),
			}},
			{Group: "example.com", Version: "v1", Resources: []Resource{
				res("example.com", "v1", "backups", "Backup", true, "svc"),
				res("example.com", "v1", "po", "Po", false),
				res("example.com", "v1", "deploy", "Policy", false),
				res("example.com", "v1", "restores", "Restore", false, "pod"),
			}},
		}},
		{Name: "v1.example.com", Versions: []GroupVersion{{Group: "v1.example.com", Version: "v1", Resources: []Resource{
			res("v1.example.com", "v1", "restores", "Restore", true),
		}}}},
	}}
}

func TestForResourceUnderstandsWhatKubectlUnderstands(t *testing.T) {
	c := sample()
	for _, q := range []struct{ name, want string }{
		{"pods", "v1 pods"},
		{"pod", "v1 pods"}, // a singular counts more than the short name of another
		{"Pod", "v1 pods"},
		{"PODS", "v1 pods"},
		{"pods.v1", "v1 pods"},
		{"pods.v1.", "v1 pods"},
		{"pods.", "v1 pods"},
		{"po", "example.com/v1 po"}, // a name counts more than a short name
		{"deploy", "example.com/v1 deploy"},
		{"deploy.apps", "apps/v1 deployments"},
		{"deployments.apps", "apps/v1 deployments"},
		{"deployments.v1.apps", "apps/v1 deployments"},
		{"Deployment.v1.apps", "apps/v1 deployments"},
		{"ev", "v1 events"}, // the core group comes first
		{"events.events.k8s.io", "events.k8s.io/v1 events"},
		{"ev.v1.events.k8s.io", "events.k8s.io/v1 events"},
		{"svc", "v1 services"},
		{"backups", "example.com/v2 backups"}, // the preferred version comes first
		{"backup.v1.example.com", "example.com/v1 backups"},
		{"restores.v1.example.com", "example.com/v1 restores"}, // a version and a group before a group
		{"restores.example.com", "example.com/v1 restores"},
		{"restores.v1.v1.example.com", "v1.example.com/v1 restores"},
		{"policy", "example.com/v1 deploy"},
		{"nothing", ""},
		{"pods.apps", ""},
		{"pods.v2.", ""},
		{"", ""},
		{".", ""},
		{".apps", ""},
		{"deployments.apps.v1", ""},
	} {
		got := ""
		if r, ok := c.ForResource(q.name); ok {
			got = r.Info.APIVersion() + " " + r.Info.Resource
		}
		if got != q.want {
			t.Errorf("ForResource(%q) = %q, want %q", q.name, got, q.want)
		}
	}
}

func TestLookupsWithoutAVersionPreferTheServers(t *testing.T) {
	c := sample()
	if r, ok := c.ByGVK(schema.GroupVersionKind{Group: "example.com", Kind: "Backup"}); !ok || r.Info.Version != "v2" {
		t.Errorf("ByGVK: %+v, %t", r, ok)
	}
	if r, ok := c.ByGVR(schema.GroupVersionResource{Group: "example.com", Resource: "po"}); !ok || r.Info.Version != "v1" {
		t.Errorf("ByGVR of what only the second version has: %+v, %t", r, ok)
	}
	if r, ok := c.ByGVK(schema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: "Backup"}); !ok || r.Info.Version != "v1" {
		t.Errorf("ByGVK with a version: %+v, %t", r, ok)
	}
	if r, ok := c.ByGVK(schema.GroupVersionKind{Group: "example.com"}); ok {
		t.Errorf("ByGVK of no kind: %+v", r)
	}
	if r, ok := c.ByGVR(schema.GroupVersionResource{Version: "v1", Resource: "deployments"}); ok {
		t.Errorf("ByGVR in another group: %+v", r)
	}
	var preferred []string
	for _, r := range c.Preferred() {
		if r.Info.Group == "example.com" {
			preferred = append(preferred, r.Info.Version+" "+r.Info.Resource)
		}
	}
	if len(preferred) != 4 || preferred[0] != "v2 backups" || preferred[1] != "v1 po" {
		t.Errorf("Preferred: %q", preferred)
	}
}

func TestProtobufIsWhatPackageKindKnows(t *testing.T) {
	c := sample()
	pods, _ := c.ForResource("pods")
	if want, _ := kind.ByGVR(pods.Info.GVR()); pods.Info != want {
		t.Errorf("pods are %+v, want %+v", pods.Info, want)
	}
	if backups, _ := c.ForResource("backups"); backups.Info.Protobuf {
		t.Error("custom resources have no protobuf")
	}
}
