package overlay

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"

	"github.com/skiff-k8s/skiff/internal/jsonfields"
)

// The table names the lists of k8s.io/api that are maps to server-side apply, have no patchMergeKey,
// and are not lists of conditions.
func TestUntaggedIsWhatTheSourcesSay(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "k8s.io/api").Output()
	if err != nil {
		t.Fatal(err)
	}
	root := strings.TrimSpace(string(out))
	files, err := filepath.Glob(root + "/*/*/types.go")
	if err != nil || len(files) < 50 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	field := regexp.MustCompile("^\\s*\\w+\\s+\\[\\](\\w+)\\s.*`(.*)`")
	marker := regexp.MustCompile(`^\s*//\s*\+listMapKey=(\S+)`)
	want := map[string][]string{}
	for _, file := range files {
		dir, _ := filepath.Rel(root, filepath.Dir(file))
		if strings.HasPrefix(dir, "apidiscovery/") { // answers of the server, which nobody changes
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var keys []string
		for line := range strings.Lines(string(data)) {
			if m := marker.FindStringSubmatch(line); m != nil {
				keys = append(keys, strings.Trim(m[1], `"`))
			}
			if strings.HasPrefix(strings.TrimSpace(line), "//") {
				continue
			}
			m := field.FindStringSubmatch(line)
			if m != nil && keys != nil && !strings.Contains(m[2], "patchMergeKey") && !strings.HasSuffix(m[1], "Condition") {
				want[dir+"."+m[1]] = keys
			}
			keys = nil
		}
	}
	if !maps.EqualFunc(untagged, want, func(a, b []string) bool { return reflect.DeepEqual(a, b) }) {
		t.Errorf("the table is\n%v\nand the sources have\n%v", untagged, want)
	}
}

func TestKeysOfLists(t *testing.T) {
	for _, c := range []struct {
		in   any
		list string
		keys []string
	}{
		{corev1.PodSpec{}, "containers", []string{"name"}},
		{corev1.PodSpec{}, "tolerations", nil},
		{corev1.ResourceRequirements{}, "claims", []string{"name"}},
		{corev1.PodStatus{}, "conditions", []string{"type"}},
		{certificatesv1.CertificateSigningRequestStatus{}, "conditions", []string{"type"}},
		{resourcev1.AllocatedDeviceStatus{}, "conditions", []string{"type"}},
		{resourcev1.ResourceClaimStatus{}, "devices", []string{"driver", "device", "pool", "shareID"}},
		{thing{}, "keyed", []string{"name"}},
		{thing{}, "conditions", []string{"type"}},
		{thing{}, "plain", nil},
		{thing{}, "set", nil},
	} {
		f, ok := jsonfields.ByName(reflect.TypeOf(c.in), c.list)
		if !ok {
			t.Fatalf("%T has no %s", c.in, c.list)
		}
		got := keysOfField(reflect.TypeOf(c.in), f)
		if got == nil {
			got = keysOfElement(f.Type.Elem())
		}
		if !reflect.DeepEqual(got, c.keys) {
			t.Errorf("%T.%s: %q, want %q", c.in, c.list, got, c.keys)
		}
	}
}
