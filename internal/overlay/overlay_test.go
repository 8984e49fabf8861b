package overlay

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// thing knows a part of what the tests store.
type thing struct {
	Size   int                    `json:"size"`
	Name   string                 `json:"name,omitempty"`
	On     *bool                  `json:"on,omitempty"`
	Must   *int                   `json:"must"`
	Labels map[string]string      `json:"labels,omitempty"`
	Inner  inner                  `json:"inner,omitempty"`
	Gone   inner                  `json:"gone,omitzero"`
	Ptr    *inner                 `json:"ptr,omitempty"`
	ByName map[string]inner       `json:"byName,omitempty"`
	Keyed  []keyed                `json:"keyed,omitempty" patchStrategy:"merge" patchMergeKey:"name"`
	Plain  []plain                `json:"plain,omitempty"`
	Set    []string               `json:"set,omitempty"`
	Grid   [][]inner              `json:"grid,omitempty"`
	Conds  []metav1.Condition     `json:"conditions,omitempty"`
	Raw    runtime.RawExtension   `json:"raw,omitempty"`
	Cpu    resource.Quantity      `json:"cpu,omitempty"`
	Limits corev1.ResourceList    `json:"limits,omitempty"`
	Ports  []corev1.ContainerPort `json:"ports,omitempty" patchMergeKey:"containerPort"`
}

type inner struct {
	A int    `json:"a,omitempty"`
	B string `json:"b,omitempty"`
}

type keyed struct {
	Name  string `json:"name"`
	Value int    `json:"value,omitempty"`
	Deep  inner  `json:"deep,omitempty"`
}

type plain struct {
	Host string `json:"host,omitempty"`
	Path string `json:"path,omitempty"`
	Port int    `json:"port,omitempty"`
}

// change returns the patch that f makes, and what a server stores that applies it.
func change[T any](t *testing.T, raw string, f func(*T)) (patch, stored string) {
	t.Helper()
	v := new(T)
	if err := json.Unmarshal([]byte(raw), v); err != nil {
		t.Fatal(err)
	}
	before := encode(t, v)
	f(v)
	from := parse(t, []byte(raw)).(map[string]any)
	to := Lay(from, before, encode(t, v), reflect.TypeFor[T]()).(map[string]any)
	p, changed := MergePatch(from, to)
	if changed != (len(p) > 0) {
		t.Errorf("changed %t, and the patch is %v", changed, p)
	}
	if got := text(from); got != text(parse(t, []byte(raw))) {
		t.Errorf("what was read has become %s", got)
	}
	return text(p), text(apply(parse(t, []byte(raw)), parse(t, []byte(text(p)))))
}

func encode(t *testing.T, v any) any {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, data)
}

func parse(t *testing.T, data []byte) any {
	t.Helper()
	tree, err := Parse(data)
	if err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return tree
}

// apply is the algorithm of RFC 7386, section 2.
func apply(target, patch any) any {
	p, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	out, ok := target.(map[string]any)
	if !ok {
		out = map[string]any{}
	}
	for name, value := range p {
		if value == nil {
			delete(out, name)
			continue
		}
		out[name] = apply(out[name], value)
	}
	return out
}

func TestChangesOfKnownFields(t *testing.T) {
	for name, c := range map[string]struct {
		raw   string
		f     func(*thing)
		patch string
	}{
		"nothing":                    {`{"x":1,"size":1}`, func(*thing) {}, `{}`},
		"the same again":             {`{"x":1,"size":1}`, func(v *thing) { v.Size = 1 }, `{}`},
		"a number":                   {`{"x":1,"size":1}`, func(v *thing) { v.Size = 2 }, `{"size":2}`},
		"zero without omitempty":     {`{"size":1}`, func(v *thing) { v.Size = 0 }, `{"size":0}`},
		"zero that was not there":    {`{}`, func(v *thing) { v.Size = 0 }, `{}`},
		"zero with omitempty":        {`{"name":"a"}`, func(v *thing) { v.Name = "" }, `{"name":null}`},
		"false behind a pointer":     {`{"on":true}`, func(v *thing) { v.On = new(false) }, `{"on":false}`},
		"a nil without omitempty":    {`{"must":3}`, func(v *thing) { v.Must = nil }, `{"must":null}`},
		"null stays null":            {`{"must":null}`, func(v *thing) { v.Size = 1 }, `{"size":1}`},
		"a value over null":          {`{"must":null}`, func(v *thing) { v.Must = new(1) }, `{"must":1}`},
		"a key":                      {`{"labels":{"a":"1","b":"2"}}`, func(v *thing) { delete(v.Labels, "a") }, `{"labels":{"a":null}}`},
		"the last key":               {`{"labels":{"a":"1"}}`, func(v *thing) { delete(v.Labels, "a") }, `{"labels":null}`},
		"the first key":              {`{}`, func(v *thing) { v.Labels = map[string]string{"a": "1"} }, `{"labels":{"a":"1"}}`},
		"a struct":                   {`{"inner":{"a":1,"x":2}}`, func(v *thing) { v.Inner = inner{B: "b"} }, `{"inner":{"a":null,"b":"b"}}`},
		"a struct that becomes zero": {`{"gone":{"a":1,"x":2}}`, func(v *thing) { v.Gone = inner{} }, `{"gone":{"a":null}}`},
		"one that has nothing else":  {`{"gone":{"a":1}}`, func(v *thing) { v.Gone = inner{} }, `{"gone":null}`},
		"a struct that was zero":     {`{"gone":{"x":2}}`, func(v *thing) { v.Gone.A = 1 }, `{"gone":{"a":1}}`},
		"a pointer to a struct":      {`{"ptr":{"a":1,"x":2}}`, func(v *thing) { v.Ptr = &inner{A: 2} }, `{"ptr":{"a":2}}`},
		"a pointer removed":          {`{"ptr":{"a":1,"x":2}}`, func(v *thing) { v.Ptr = nil }, `{"ptr":null}`},
		"a pointer to nothing":       {`{}`, func(v *thing) { v.Ptr = &inner{} }, `{"ptr":{}}`},
		"a map's struct":             {`{"byName":{"m":{"a":1,"x":2}}}`, func(v *thing) { v.ByName["m"] = inner{A: 3} }, `{"byName":{"m":{"a":3}}}`},
		"a map's struct renamed":     {`{"byName":{"m":{"a":1,"x":2}}}`, func(v *thing) { v.ByName = map[string]inner{"n": v.ByName["m"]} }, `{"byName":{"m":null,"n":{"a":1}}}`},
		"a set":                      {`{"set":["a","b"]}`, func(v *thing) { v.Set = []string{"b", "c"} }, `{"set":["b","c"]}`},
		"a list that becomes empty":  {`{"set":["a","b"]}`, func(v *thing) { v.Set = nil }, `{"set":null}`},
		"a quantity as it is meant":  {`{"cpu":"1000m"}`, func(v *thing) { v.Cpu = resource.MustParse("1") }, `{}`},
		"in another format":          {`{"limits":{"memory":"1Gi"}}`, func(v *thing) { v.Limits["memory"] = resource.MustParse("1073741824") }, `{}`},
		"a quantity":                 {`{"limits":{"memory":"1Gi"}}`, func(v *thing) { v.Limits["memory"] = resource.MustParse("2Gi") }, `{"limits":{"memory":"2Gi"}}`},
		"beside a quantity":          {`{"cpu":"1000m","size":1}`, func(v *thing) { v.Size = 2 }, `{"size":2}`},
		"a raw extension":            {`{"raw":{"a":1,"b":{"c":1.50}}}`, func(v *thing) { v.Raw.Raw = []byte(`{"a":1,"b":{"d":2}}`) }, `{"raw":{"b":{"c":null,"d":2}}}`},
		"a raw extension removed":    {`{"raw":{"a":1}}`, func(v *thing) { v.Raw.Raw = nil }, `{"raw":null}`},
		"a number with many digits":  {`{"x":12345678901234567890.10,"size":1}`, func(v *thing) { v.Size = 2 }, `{"size":2}`},
		"a list of lists":            {`{"grid":[[{"a":1,"x":1}],[{"a":2,"x":2}]]}`, func(v *thing) { v.Grid[1][0].B = "b" }, `{"grid":[[{"a":1,"x":1}],[{"a":2,"b":"b","x":2}]]}`},
	} {
		t.Run(name, func(t *testing.T) {
			if got, _ := change(t, c.raw, c.f); got != c.patch {
				t.Errorf("the patch of %s is\n%s, want\n%s", c.raw, got, c.patch)
			}
		})
	}
}

func TestElementsOfChangedListsKeepWhatIsNotKnown(t *testing.T) {
	const keyedRaw = `{"keyed":[{"name":"a","value":1,"x":"A","deep":{"a":1,"y":"AA"}},{"name":"b","value":2,"x":"B"},{"name":"c","x":"C"}]}`
	const plainRaw = `{"plain":[{"host":"a","path":"/","port":1,"x":"A"},{"host":"b","path":"/","port":2,"x":"B"},{"host":"c","path":"/c","port":3,"x":"C"}]}`
	for name, c := range map[string]struct {
		raw  string
		f    func(*thing)
		want string // what is stored
	}{
		"keyed: insert": {keyedRaw, func(v *thing) { v.Keyed = append([]keyed{{Name: "n", Value: 1}}, v.Keyed...) },
			`{"keyed":[{"deep":{},"name":"n","value":1},{"deep":{"a":1,"y":"AA"},"name":"a","value":1,"x":"A"},{"name":"b","value":2,"x":"B"},{"name":"c","x":"C"}]}`},
		"keyed: remove": {keyedRaw, func(v *thing) { v.Keyed = v.Keyed[1:] },
			`{"keyed":[{"name":"b","value":2,"x":"B"},{"name":"c","x":"C"}]}`},
		"keyed: reorder": {keyedRaw, func(v *thing) { v.Keyed[0], v.Keyed[2] = v.Keyed[2], v.Keyed[0] },
			`{"keyed":[{"name":"c","x":"C"},{"name":"b","value":2,"x":"B"},{"deep":{"a":1,"y":"AA"},"name":"a","value":1,"x":"A"}]}`},
		"keyed: change everything but the key": {keyedRaw, func(v *thing) { v.Keyed = []keyed{{Name: "a", Value: 9}} },
			`{"keyed":[{"deep":{"y":"AA"},"name":"a","value":9,"x":"A"}]}`},
		"keyed: another key is another element": {keyedRaw, func(v *thing) { v.Keyed[1].Name = "z" },
			`{"keyed":[{"deep":{"a":1,"y":"AA"},"name":"a","value":1,"x":"A"},{"deep":{},"name":"z","value":2},{"name":"c","x":"C"}]}`},
		"keyed: twice the same key": {`{"ports":[{"containerPort":53,"protocol":"TCP","x":"T"},{"containerPort":53,"protocol":"UDP","x":"U"}]}`,
			func(v *thing) {
				v.Ports[0], v.Ports[1] = v.Ports[1], v.Ports[0]
				v.Ports[0].Name, v.Ports[1].Name = "dns", "dns-tcp"
			},
			`{"ports":[{"containerPort":53,"name":"dns","protocol":"UDP","x":"U"},{"containerPort":53,"name":"dns-tcp","protocol":"TCP","x":"T"}]}`},
		"conditions": {`{"conditions":[{"type":"A","status":"True","lastTransitionTime":null,"reason":"","message":"","x":1},{"type":"B","status":"True","lastTransitionTime":null,"reason":"","message":"","x":2}]}`,
			func(v *thing) {
				v.Conds = []metav1.Condition{{Type: "B", Status: "False", Reason: "R", Message: "M"}}
			},
			`{"conditions":[{"lastTransitionTime":null,"message":"M","reason":"R","status":"False","type":"B","x":2}]}`},
		"plain: insert": {plainRaw, func(v *thing) { v.Plain = append([]plain{{Host: "n", Path: "/n", Port: 1}}, v.Plain...) },
			`{"plain":[{"host":"n","path":"/n","port":1},{"host":"a","path":"/","port":1,"x":"A"},{"host":"b","path":"/","port":2,"x":"B"},{"host":"c","path":"/c","port":3,"x":"C"}]}`},
		"plain: remove": {plainRaw, func(v *thing) { v.Plain = append(v.Plain[:1], v.Plain[2:]...) },
			`{"plain":[{"host":"a","path":"/","port":1,"x":"A"},{"host":"c","path":"/c","port":3,"x":"C"}]}`},
		"plain: reorder": {plainRaw, func(v *thing) { v.Plain[0], v.Plain[2] = v.Plain[2], v.Plain[0] },
			`{"plain":[{"host":"c","path":"/c","port":3,"x":"C"},{"host":"b","path":"/","port":2,"x":"B"},{"host":"a","path":"/","port":1,"x":"A"}]}`},
		"plain: change": {plainRaw, func(v *thing) { v.Plain[1].Port = 9 },
			`{"plain":[{"host":"a","path":"/","port":1,"x":"A"},{"host":"b","path":"/","port":9,"x":"B"},{"host":"c","path":"/c","port":3,"x":"C"}]}`},
		"plain: change, insert, remove and reorder": {plainRaw,
			func(v *thing) {
				v.Plain = []plain{{Host: "n", Path: "/n", Port: 7}, v.Plain[2], {Host: "a", Path: "/a", Port: 1}}
			},
			`{"plain":[{"host":"n","path":"/n","port":7},{"host":"c","path":"/c","port":3,"x":"C"},{"host":"a","path":"/a","port":1,"x":"A"}]}`},
		"plain: what matches nothing inherits nothing": {plainRaw, func(v *thing) { v.Plain = []plain{{Host: "z", Path: "/z", Port: 9}} },
			`{"plain":[{"host":"z","path":"/z","port":9}]}`},
		"plain: equal ones are not used twice": {`{"plain":[{"host":"a","x":1}]}`, func(v *thing) { v.Plain = append(v.Plain, v.Plain[0]) },
			`{"plain":[{"host":"a","x":1},{"host":"a"}]}`},
		"plain: less than half in common is another": {`{"plain":[{"host":"a","path":"/","port":1,"x":"A"}]}`, func(v *thing) { v.Plain[0].Host, v.Plain[0].Port = "b", 2 },
			`{"plain":[{"host":"b","path":"/","port":2}]}`},
		"plain: half in common is the same": {`{"plain":[{"host":"a","path":"/","x":"A"}]}`, func(v *thing) { v.Plain[0].Host = "b" },
			`{"plain":[{"host":"b","path":"/","x":"A"}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			if _, got := change(t, c.raw, c.f); got != c.want {
				t.Errorf("stored is\n%s, want\n%s", got, c.want)
			}
		})
	}
}

// A list too long for the table compares changed elements by their order: here, where the first one
// has gone, with another.
func TestLongLists(t *testing.T) {
	for n, found := range map[int]bool{255: true, 256: true, 257: false} {
		v := thing{Plain: make([]plain, n)}
		for i := range v.Plain {
			v.Plain[i] = plain{Host: text(i), Path: "/", Port: 1}
		}
		got := ids(t, numbered(t, v, "plain"), "plain", func(v *thing) {
			for i := range v.Plain {
				v.Plain[i].Path = "/new"
			}
			v.Plain = append(v.Plain[1:], plain{Host: "new", Path: "/other"})
		})
		for i, id := range got {
			if want := i + 1; found && i < n-1 && id != text(want) || (!found || i == n-1) && id != "null" {
				t.Fatalf("of %d elements the one at %d is %s", n, i, id)
			}
		}
	}
}

// Very many elements of one key are compared by their order, too: here, where it is turned around.
func TestManyElementsOfOneKey(t *testing.T) {
	for n, found := range map[int]bool{63: true, 64: true, 65: false} {
		v := thing{Keyed: make([]keyed, n)}
		for i := range v.Keyed {
			v.Keyed[i] = keyed{Name: "same", Value: i + 1}
		}
		got := ids(t, numbered(t, v, "keyed"), "keyed", func(v *thing) {
			slices.Reverse(v.Keyed)
			for i := range v.Keyed {
				v.Keyed[i].Deep.A = 1
			}
		})
		for i, id := range got {
			if want := n - 1 - i; found && id != text(want) || !found && id != text(i) {
				t.Fatalf("of %d elements the one at %d is %s", n, i, id)
			}
		}
	}
}

// numbered returns what is stored of a thing: each element of the list has its number, too.
func numbered(t *testing.T, v thing, list string) string {
	t.Helper()
	tree := encode(t, v).(map[string]any)
	for i, e := range tree[list].([]any) {
		e.(map[string]any)["x"] = json.Number(text(i))
	}
	return text(tree)
}

// ids returns the numbers of the elements after a change.
func ids(t *testing.T, raw, list string, f func(*thing)) (all []string) {
	t.Helper()
	_, stored := change(t, raw, f)
	for _, e := range parse(t, []byte(stored)).(map[string]any)[list].([]any) {
		all = append(all, text(e.(map[string]any)["x"]))
	}
	return all
}

func TestParseRefusesWhatIsNotOneDocument(t *testing.T) {
	for _, bad := range []string{``, `{`, `{} {}`, `{}x`} {
		if v, err := Parse([]byte(bad)); err == nil {
			t.Errorf("%q is %v", bad, v)
		}
	}
}

// In free-form JSON null is a value; of a field that the Go type knows it means that there is none.
func TestNullInFreeFormJSON(t *testing.T) {
	type typed struct {
		Any  any                  `json:"any"`
		Map  map[string]any       `json:"map"`
		Raw  runtime.RawExtension `json:"raw"`
		Size *int                 `json:"size"`
	}
	const raw = `{"any":{"a":1},"map":{"a":1},"raw":{"a":1},"size":1,"other":null}`
	const after = `{"any":{"a":1,"b":null},"map":{"a":1,"b":null},"raw":{"a":1,"b":null},"size":null}`
	const want = `{"any":{"a":1,"b":null},"map":{"a":1,"b":null},"other":null,"raw":{"a":1,"b":null}}`
	trees := make([]any, 3)
	for i, doc := range []string{raw, `{"any":{"a":1},"map":{"a":1},"raw":{"a":1},"size":1}`, after} {
		var err error
		if trees[i], err = Parse([]byte(doc)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := json.Marshal(Lay(trees[0], trees[1], trees[2], reflect.TypeFor[typed]()))
	if err != nil || string(got) != want {
		t.Errorf("%s %v", got, err)
	}
}
