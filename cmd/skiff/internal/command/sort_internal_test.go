package command

import "testing"

func TestSortKeys(t *testing.T) {
	// Each precedes the next.
	order := []any{nil, "-1", int64(0), "100m", 0.5, "1", "9", int64(10), "1Ki", "1Gi", "", "a", "a1", "a9", "a10", "a10b", "a010c", "b", "web-9", "web-10", "web-10-1"}
	for i := range order {
		for j := range order {
			got := keyOf(order[i]).compare(keyOf(order[j]))
			if got < 0 != (i < j) || got > 0 != (i > j) {
				t.Errorf("%#v beside %#v: %d", order[i], order[j], got)
			}
		}
	}
}
