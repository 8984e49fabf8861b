package webhook

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/internal/overlay"
)

func TestPatches(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{`{}`, `{}`, `null`},
		{`{"a":1}`, `{"a":2}`, `[{"op":"replace","path":"/a","value":2}]`},
		{`{"a":1}`, `{"a":null}`, `[{"op":"replace","path":"/a","value":null}]`},
		{`{}`, `{"a":null}`, `[{"op":"add","path":"/a","value":null}]`},
		{`{}`, `{"a":false}`, `[{"op":"add","path":"/a","value":false}]`},
		{`{"a":1,"b":2}`, `{"b":2}`, `[{"op":"remove","path":"/a"}]`},
		{`{"a":{"x/y~z":1}}`, `{"a":{"x/y~z":2}}`, `[{"op":"replace","path":"/a/x~1y~0z","value":2}]`},
		{`{"a":{"b":1}}`, `{"a":[1]}`, `[{"op":"replace","path":"/a","value":[1]}]`},
		{`{"a":[1,2,3]}`, `{"a":[1,3]}`, `[{"op":"remove","path":"/a/1"}]`},
		{`{"a":[1,3]}`, `{"a":[1,2,3]}`, `[{"op":"add","path":"/a/1","value":2}]`},
		{`{"a":[]}`, `{"a":[1]}`, `[{"op":"add","path":"/a/0","value":1}]`},
		{`{"a":[1,2,3,4]}`, `{"a":[1]}`, `[{"op":"remove","path":"/a/3"},{"op":"remove","path":"/a/2"},{"op":"remove","path":"/a/1"}]`},
		{`{"a":[{"b":1,"c":1}]}`, `{"a":[{"b":2,"c":1}]}`, `[{"op":"replace","path":"/a/0/b","value":2}]`},
		{`{"a":1.0}`, `{"a":1}`, `[{"op":"replace","path":"/a","value":1}]`},
		{`{"a":12345678901234567890}`, `{"a":12345678901234567891}`, `[{"op":"replace","path":"/a","value":12345678901234567891}]`},
		{`[1,1,1]`, `[1,1]`, `[{"op":"remove","path":"/2"}]`},
	} {
		from, to := parsed(t, c.from), parsed(t, c.to)
		ops := difference(from, to, "", nil)
		got, err := json.Marshal(ops)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != c.want {
			t.Errorf("%s → %s:\n got %s\nwant %s", c.from, c.to, got, c.want)
		}
		if again := applied(t, from, got); !reflect.DeepEqual(again, to) {
			t.Errorf("%s → %s: the patch makes %v", c.from, c.to, again)
		}
	}
}

// A patch of any two documents makes the second of the first.
func TestPatchesOfRandomDocuments(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	for range 1000 {
		from := any(map[string]any{"o": randomTree(r, 4)})
		to := changedTree(r, from)
		patch, err := json.Marshal(difference(from, to, "", nil))
		if err != nil {
			t.Fatal(err)
		}
		if got := applied(t, from, patch); !reflect.DeepEqual(got, to) {
			t.Fatalf("seed %d: %v → %v by %s makes %v", seed, from, to, patch, got)
		}
	}
}

func randomTree(r *rand.Rand, depth int) any {
	n := 7
	if depth == 0 {
		n = 4
	}
	switch r.IntN(n) {
	case 0:
		return nil
	case 1:
		return r.IntN(2) == 0
	case 2:
		return json.Number(strconv.Itoa(r.IntN(5)))
	case 3:
		return []string{"", "a", "~/", "ü"}[r.IntN(4)]
	case 4:
		list := make([]any, r.IntN(5))
		for i := range list {
			list[i] = randomTree(r, depth-1)
		}
		return list
	default:
		object := map[string]any{}
		for range r.IntN(4) {
			object[[]string{"a", "b/", "~c", ""}[r.IntN(4)]] = randomTree(r, depth-1)
		}
		return object
	}
}

// changedTree returns a copy of v with about a fifth of it changed.
func changedTree(r *rand.Rand, v any) any {
	if r.IntN(10) == 0 {
		return randomTree(r, 2)
	}
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, value := range v {
			if r.IntN(10) > 0 {
				out[name] = changedTree(r, value)
			}
		}
		return out
	case []any:
		out := []any{}
		for _, value := range v {
			switch r.IntN(10) {
			case 0:
			case 1:
				out = append(out, randomTree(r, 1), value)
			default:
				out = append(out, changedTree(r, value))
			}
		}
		return out
	}
	return v
}

// What a function changes arrives, and what its Go type does not know stays, wherever it is.
func TestDefaultsKeepUnknownFields(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	for range 200 {
		raw, marks := strange(r, randomDeployment(r))
		data, err := json.Marshal(raw)
		if err != nil {
			t.Fatal(err)
		}
		var d appsv1.Deployment
		if err := json.Unmarshal(data, &d); err != nil {
			t.Fatal(err)
		}
		patch, err := patchOf(data, reflect.TypeFor[appsv1.Deployment](), &d, func() (any, error) {
			change(r, &d)
			return &d, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		got := any(raw)
		if patch != nil {
			got = applied(t, parsed(t, string(data)), patch)
		}
		out, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range marks {
			if !strings.Contains(string(out), m) {
				t.Fatalf("seed %d: %s is lost:\n%s\n%s", seed, m, data, patch)
			}
		}
		var now appsv1.Deployment
		if err := json.Unmarshal(out, &now); err != nil {
			t.Fatal(err)
		}
		if !apiequality.Semantic.DeepEqual(now, d) {
			t.Fatalf("seed %d: the patch does not make what the function made:\n%s\n%s", seed, data, patch)
		}
		if strings.Contains(string(patch), "creationTimestamp") || strings.Contains(string(patch), "/status") ||
			strings.Contains(string(patch), "/strategy") {
			t.Fatalf("seed %d: the patch has what the function did not touch: %s", seed, patch)
		}
	}
}

func randomDeployment(r *rand.Rand) map[string]any {
	containers := []any{}
	for i := range 1 + r.IntN(3) {
		c := map[string]any{"name": "c" + strconv.Itoa(i), "image": "i" + strconv.Itoa(r.IntN(3))}
		if r.IntN(2) == 0 {
			c["env"] = []any{map[string]any{"name": "A", "value": "1"}, map[string]any{"name": "B"}}
		}
		if r.IntN(2) == 0 {
			c["resources"] = map[string]any{"limits": map[string]any{"memory": "1Gi"}}
		}
		containers = append(containers, c)
	}
	meta := map[string]any{"name": "d"}
	if r.IntN(2) == 0 {
		meta["labels"] = map[string]any{"a": "1"}
	}
	if r.IntN(2) == 0 {
		meta["creationTimestamp"] = nil
	}
	spec := map[string]any{"template": map[string]any{"spec": map[string]any{"containers": containers}}}
	if r.IntN(2) == 0 {
		spec["replicas"] = 0
	}
	if r.IntN(2) == 0 {
		spec["selector"] = nil
	}
	return map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}
}

// strange adds fields that no Go type knows, each with a value of its own, and returns these.
func strange(r *rand.Rand, v map[string]any) (map[string]any, []string) {
	var marks []string
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, name := range slices.Sorted(maps.Keys(v)) {
				if name != "labels" && name != "limits" {
					walk(v[name])
				}
			}
			if r.IntN(2) == 0 {
				mark := fmt.Sprintf("mark-%d-", len(marks))
				marks = append(marks, mark)
				v["unknown/"+strconv.Itoa(len(marks))] = []any{map[string]any{"x": mark}, nil}
			}
		case []any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(v)
	return v, marks
}

// change changes a Deployment as defaulters do, and removes nothing.
func change(r *rand.Rand, d *appsv1.Deployment) {
	for range r.IntN(4) {
		c := &d.Spec.Template.Spec.Containers[r.IntN(len(d.Spec.Template.Spec.Containers))]
		switch r.IntN(7) {
		case 0:
			d.Spec.Replicas = new(int32)
			*d.Spec.Replicas = int32(r.IntN(3))
		case 1:
			metav1.SetMetaDataLabel(&d.ObjectMeta, "b", strconv.Itoa(r.IntN(3)))
		case 2:
			c.Image = "other"
		case 3:
			d.Spec.Template.Spec.Containers = append([]corev1.Container{{Name: "side" + strconv.Itoa(r.IntN(1e6))}},
				d.Spec.Template.Spec.Containers...)
		case 4:
			c.Env = append(c.Env, corev1.EnvVar{Name: "C" + strconv.Itoa(len(c.Env))})
		case 5:
			d.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"a": "1"}}
		case 6:
			d.Spec.Template.Spec.NodeName = "n"
		}
	}
}

func parsed(t *testing.T, doc string) any {
	t.Helper()
	tree, err := overlay.Parse([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// applied applies a JSON patch by the letter of RFC 6902.
func applied(t *testing.T, doc any, patch []byte) any {
	t.Helper()
	var ops []struct {
		Op, Path string
		Value    json.RawMessage
	}
	if err := json.Unmarshal(patch, &ops); err != nil {
		t.Fatal(err)
	}
	copied, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	doc = parsed(t, string(copied))
	for _, op := range ops {
		var value any
		if op.Op != "remove" {
			value = parsed(t, string(op.Value))
		}
		if op.Path == "" {
			doc = value
			continue
		}
		names := strings.Split(op.Path, "/")[1:]
		doc = appliedAt(t, doc, names, op.Op, value)
	}
	return doc
}

func appliedAt(t *testing.T, doc any, names []string, op string, value any) any {
	t.Helper()
	name := strings.NewReplacer("~1", "/", "~0", "~").Replace(names[0])
	switch doc := doc.(type) {
	case map[string]any:
		was, ok := doc[name]
		switch {
		case !ok && (len(names) > 1 || op != "add"):
			t.Fatalf("%s of a member %q that is not there", op, name)
		case len(names) > 1:
			doc[name] = appliedAt(t, was, names[1:], op, value)
		case op == "remove":
			delete(doc, name)
		default:
			doc[name] = value
		}
		return doc
	case []any:
		i, err := strconv.Atoi(name)
		if err != nil || i > len(doc) || i == len(doc) && (len(names) > 1 || op != "add") {
			t.Fatalf("%s of element %q of %d", op, name, len(doc))
		}
		switch {
		case len(names) > 1:
			doc[i] = appliedAt(t, doc[i], names[1:], op, value)
		case op == "remove":
			return slices.Delete(doc, i, i+1)
		case op == "add":
			return slices.Insert(doc, i, value)
		default:
			doc[i] = value
		}
		return doc
	}
	t.Fatalf("%q is in no object or list", name)
	return nil
}
