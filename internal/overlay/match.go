package overlay

import (
	"encoding/json"
	"slices"
	"strconv"
)

// maxAlike bounds how many pairs of elements with the same keys are compared.
const maxAlike = 1 << 12

// maxCells bounds the table of align: lists of 256 changed elements each. In longer ones the
// changed elements are compared by their order only.
const maxCells = 1 << 16

// match returns, for each element of after, the index of the element of before that it was, and -1
// for a new one. No element of before is returned twice.
//
// Elements with keys are matched with elements of the same keys only; if several have them (a port
// of TCP and of UDP), with the one that has the most in common. Elements without keys are matched
// with one that is equal; what is left, in its order, with the element that has the most in common
// (a longest common subsequence), if that is at least half.
func match(before, after []any, keys []string) []int {
	from := slices.Repeat([]int{-1}, len(after))
	if !slices.ContainsFunc(before, isContainer) {
		return from // scalars have nothing to keep
	}
	type group struct{ before, after []int }
	groups := map[string]*group{}
	of := func(element any) *group {
		k := keyOf(element, keys)
		if groups[k] == nil {
			groups[k] = new(group)
		}
		return groups[k]
	}
	for i, e := range before {
		g := of(e)
		g.before = append(g.before, i)
	}
	for j, e := range after {
		g := of(e)
		g.after = append(g.after, j)
	}
	for key, g := range groups {
		was, now := pairEqual(before, after, g.before, g.after, from)
		if key == "" {
			align(before, after, was, now, from)
		} else {
			pairLike(before, after, was, now, from)
		}
	}
	return from
}

func isContainer(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return true
	}
	return false
}

// keyOf returns the values of an element's keys as one string, and "" if it has none of them.
func keyOf(element any, keys []string) string {
	object, _ := element.(map[string]any)
	var key []byte
	has := false
	for _, name := range keys {
		has = has || object[name] != nil
		key = append(append(key, text(object[name])...), 0)
	}
	if !has {
		return ""
	}
	return string(key)
}

// text returns a document in one form, whatever order its members were in.
func text(v any) string {
	data, err := json.Marshal(v)
	if err != nil { // a tree always has a JSON form
		panic(err)
	}
	return string(data)
}

// pairEqual matches the elements that are equal, the first with the first. It returns the others.
func pairEqual(before, after []any, was, now []int, from []int) (restWas, restNow []int) {
	equal := map[string][]int{}
	for _, i := range was {
		t := text(before[i])
		equal[t] = append(equal[t], i)
	}
	taken := map[int]bool{}
	for _, j := range now {
		t := text(after[j])
		if len(equal[t]) == 0 {
			restNow = append(restNow, j)
			continue
		}
		from[j], equal[t] = equal[t][0], equal[t][1:]
		taken[from[j]] = true
	}
	for _, i := range was {
		if !taken[i] {
			restWas = append(restWas, i)
		}
	}
	return restWas, restNow
}

// pairLike matches elements of the same keys, those first that have the most in common.
func pairLike(before, after []any, was, now []int, from []int) {
	if len(was)*len(now) > maxAlike {
		for k := range min(len(was), len(now)) {
			from[now[k]] = was[k]
		}
		return
	}
	x, y := leavesOf(before, was), leavesOf(after, now)
	for len(x) > 0 && len(y) > 0 {
		most, i, j := -1, 0, 0
		for k := range x {
			for l := range y {
				if n := common(x[k], y[l]); n > most {
					most, i, j = n, k, l
				}
			}
		}
		from[now[j]] = was[i]
		x, was = slices.Delete(x, i, i+1), slices.Delete(was, i, i+1)
		y, now = slices.Delete(y, j, j+1), slices.Delete(now, j, j+1)
	}
}

// align matches elements that have something in common, in their order, so that all pairs together
// have the most in common.
func align(before, after []any, was, now []int, from []int) {
	if len(was) == 0 || len(now) == 0 {
		return
	}
	x, y := leavesOf(before, was), leavesOf(after, now)
	if len(was)*len(now) > maxCells {
		for k := range min(len(was), len(now)) {
			if common(x[k], y[k]) > 0 {
				from[now[k]] = was[k]
			}
		}
		return
	}
	// best[i][j] is the most that the elements from i and j on can have in common.
	best := make([][]int, len(was)+1)
	cells := make([]int, (len(was)+1)*(len(now)+1))
	for i := range best {
		best[i], cells = cells[:len(now)+1], cells[len(now)+1:]
	}
	for i := len(was) - 1; i >= 0; i-- {
		for j := len(now) - 1; j >= 0; j-- {
			best[i][j] = max(best[i+1][j], best[i][j+1])
			if n := common(x[i], y[j]); n > 0 {
				best[i][j] = max(best[i][j], n+best[i+1][j+1])
			}
		}
	}
	for i, j := 0, 0; i < len(was) && j < len(now); {
		n := common(x[i], y[j])
		switch {
		case n > 0 && best[i][j] == n+best[i+1][j+1]:
			from[now[j]] = was[i]
			i, j = i+1, j+1
		case best[i][j] == best[i+1][j]:
			i++
		default:
			j++
		}
	}
}

// common returns how many values two elements have in common, and 0 if that is less than half of
// what the smaller one has.
func common(a, b map[string]bool) int {
	n := 0
	for leaf := range a {
		if b[leaf] {
			n++
		}
	}
	if 2*n < min(len(a), len(b)) {
		return 0
	}
	return n
}

func leavesOf(list []any, at []int) []map[string]bool {
	all := make([]map[string]bool, len(at))
	for k, i := range at {
		all[k] = map[string]bool{}
		leaves(list[i], "", all[k])
	}
	return all
}

// leaves collects the paths and values within a document. What is zero or empty does not count: two
// elements are not alike because both lack something.
func leaves(v any, path string, into map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			leaves(value, path+"\x00"+name, into)
		}
	case []any:
		for i, value := range v {
			leaves(value, path+"\x01"+strconv.Itoa(i), into)
		}
	case nil:
	case string:
		if v != "" {
			into[path+"\x02"+v] = true
		}
	case bool:
		if v {
			into[path+"\x03"] = true
		}
	case json.Number:
		if v != "0" {
			into[path+"\x04"+string(v)] = true
		}
	}
}
