package list

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Elements move at random between two lists, which hold the same as two slices.
func TestTwoListsAreTwoSlices(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var lists [2]List[int]
	var want [2][]int
	elements := make([]*Element[int], 20)
	for i := range elements {
		elements[i] = &Element[int]{Value: i}
		lists[0].PushBack(elements[i])
		want[0] = append(want[0], i)
	}
	for range 2000 {
		i, to := r.IntN(len(elements)), r.IntN(2)
		from := 0
		if slices.Contains(want[1], i) {
			from = 1
		}
		lists[from].Remove(elements[i])
		want[from] = slices.DeleteFunc(want[from], func(v int) bool { return v == i })
		lists[to].PushBack(elements[i])
		want[to] = append(want[to], i)
		for n := range lists {
			var got, reverse []int
			for e := lists[n].front; e != nil; e = e.next {
				got = append(got, e.Value)
			}
			for e := lists[n].back; e != nil; e = e.prev {
				reverse = append(reverse, e.Value)
			}
			slices.Reverse(reverse)
			if !slices.Equal(got, want[n]) || !slices.Equal(reverse, want[n]) || lists[n].Len() != len(want[n]) {
				t.Fatalf("list %d: %v, from the back %v, length %d; want %v", n, got, reverse, lists[n].Len(), want[n])
			}
			if f := lists[n].Front(); (f == nil) != (len(want[n]) == 0) || f != nil && f.Value != want[n][0] {
				t.Fatalf("list %d: Front is %v, want the first of %v", n, f, want[n])
			}
		}
	}
}

func TestAMoveAllocatesNothing(t *testing.T) {
	var a, b List[string]
	e := &Element[string]{Value: "x"}
	a.PushBack(e)
	if n := testing.AllocsPerRun(100, func() {
		a.Remove(e)
		b.PushBack(e)
		b.Remove(e)
		a.PushBack(e)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
