package overlay

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// Whatever a function does to the known fields, the server stores what it made of them, and the
// unknown fields of what is still there.
func TestRandomEdits(t *testing.T) {
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 1))
		raw := randomThing(r)
		var before, after thing
		_, stored := change(t, text(raw), func(v *thing) {
			before = clone(t, *v)
			for range 1 + r.IntN(4) {
				edit(r, v)
			}
			after = clone(t, *v)
		})
		got := parse(t, []byte(stored)).(map[string]any)
		var known thing
		if err := json.Unmarshal([]byte(stored), &known); err != nil {
			t.Fatalf("seed %d: %s: %v", seed, stored, err)
		}
		if a, b := text(encode(t, known)), text(encode(t, after)); a != b {
			t.Fatalf("seed %d: of %s\nstored is %s\nwhich is    %s\nand not     %s", seed, text(raw), stored, a, b)
		}
		if problem := unknownKept(raw, got, before, after); problem != "" {
			t.Fatalf("seed %d: %s\nof       %s\nstored is %s", seed, problem, text(raw), stored)
		}
	}
}

func clone(t *testing.T, v thing) (out thing) {
	if err := json.Unmarshal([]byte(text(encode(t, v))), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// unknownKept returns what is wrong with the fields x and y, which the Go type does not know.
func unknownKept(raw, got map[string]any, before, after thing) string {
	if text(raw["x"]) != text(got["x"]) {
		return "the object's own is lost"
	}
	if in := raw["inner"].(map[string]any); text(in["x"]) != text(of(got["inner"], "x")) {
		return "that of a struct is lost"
	}
	if p, ok := raw["ptr"].(map[string]any); ok && after.Ptr != nil && text(p["x"]) != text(of(got["ptr"], "x")) {
		return "that behind a pointer is lost"
	}
	for name := range after.ByName {
		was, _ := raw["byName"].(map[string]any)
		if text(of(was[name], "x")) != text(of(of(got["byName"], name), "x")) {
			return "that of the map's value " + name
		}
	}
	old := map[string]any{}
	for _, e := range list(raw["keyed"]) {
		old[of(e, "name").(string)] = e
	}
	for _, e := range list(got["keyed"]) {
		was := old[of(e, "name").(string)]
		if text(of(e, "x")) != text(of(was, "x")) || text(of(of(e, "deep"), "y")) != text(of(of(was, "deep"), "y")) {
			return fmt.Sprintf("the element %v was %v", e, was)
		}
	}
	// Without keys: no element's fields are there twice, and equal elements have theirs.
	var all []string
	for _, e := range list(got["plain"]) {
		if x := of(e, "x"); x != nil {
			all = append(all, text(x))
		}
	}
	slices.Sort(all)
	if len(slices.Compact(slices.Clone(all))) != len(all) {
		return "an element's is there twice"
	}
	for i, p := range before.Plain {
		if slices.Index(before.Plain, p) == i && slices.Contains(after.Plain, p) {
			x := text(of(list(raw["plain"])[i], "x"))
			if _, ok := slices.BinarySearch(all, x); !ok {
				return "an element that is as it was has lost " + x
			}
		}
	}
	return ""
}

func of(v any, name string) any { m, _ := v.(map[string]any); return m[name] }
func list(v any) []any          { l, _ := v.([]any); return l }

func randomThing(r *rand.Rand) map[string]any {
	n := 0
	id := func() any { n++; return json.Number(fmt.Sprint(1000 + n)) }
	raw := map[string]any{"size": json.Number("1"), "x": id(), "inner": map[string]any{"a": json.Number("1"), "x": id()}}
	if r.IntN(2) == 0 {
		raw["ptr"] = map[string]any{"b": "p", "x": id()}
	}
	names := []string{"a", "b", "c", "d", "e"}
	r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	var keyed, plain []any
	byName := map[string]any{}
	for _, name := range names[:r.IntN(5)] {
		keyed = append(keyed, map[string]any{"name": name, "value": json.Number(fmt.Sprint(1 + r.IntN(3))), "x": id(),
			"deep": map[string]any{"a": json.Number("1"), "y": id()}})
		byName[name] = map[string]any{"a": json.Number("1"), "x": id()}
	}
	for range r.IntN(6) {
		plain = append(plain, map[string]any{"host": names[r.IntN(5)], "path": "/" + names[r.IntN(2)], "port": json.Number(fmt.Sprint(1 + r.IntN(3))), "x": id()})
	}
	for name, value := range map[string][]any{"keyed": keyed, "plain": plain} {
		if value != nil {
			raw[name] = value
		}
	}
	if len(byName) > 0 {
		raw["byName"] = byName
	}
	return raw
}

func edit(r *rand.Rand, v *thing) {
	name := func() string { return string(rune('a' + r.IntN(7))) }
	switch r.IntN(12) {
	case 0:
		v.Size = r.IntN(3)
	case 1:
		v.Inner = inner{B: name()}
	case 2:
		v.Ptr = []*inner{nil, {A: 5}, {}}[r.IntN(3)]
	case 3:
		delete(v.ByName, name())
	case 4:
		if v.ByName == nil {
			v.ByName = map[string]inner{}
		}
		v.ByName[name()] = inner{A: r.IntN(3)}
	case 5, 6:
		n := name()
		if !slices.ContainsFunc(v.Keyed, func(k keyed) bool { return k.Name == n }) {
			v.Keyed = slices.Insert(v.Keyed, r.IntN(len(v.Keyed)+1), keyed{Name: n, Value: r.IntN(3)})
		}
	case 7:
		if len(v.Keyed) > 0 {
			i := r.IntN(len(v.Keyed))
			v.Keyed = slices.Delete(v.Keyed, i, i+1)
		}
	case 8:
		r.Shuffle(len(v.Keyed), func(i, j int) { v.Keyed[i], v.Keyed[j] = v.Keyed[j], v.Keyed[i] })
		if len(v.Keyed) > 0 {
			v.Keyed[0].Value, v.Keyed[0].Deep = 7, inner{B: "new"}
		}
	case 9:
		v.Plain = slices.Insert(v.Plain, r.IntN(len(v.Plain)+1), plain{Host: name(), Path: "/" + name(), Port: r.IntN(4)})
	case 10:
		if len(v.Plain) > 0 {
			i := r.IntN(len(v.Plain))
			v.Plain = slices.Delete(v.Plain, i, i+1)
		}
	case 11:
		r.Shuffle(len(v.Plain), func(i, j int) { v.Plain[i], v.Plain[j] = v.Plain[j], v.Plain[i] })
		if len(v.Plain) > 0 {
			v.Plain[0].Port = r.IntN(9)
		}
	}
}
