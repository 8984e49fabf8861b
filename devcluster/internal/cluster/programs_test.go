package cluster

import (
	"slices"
	"testing"
)

func TestAnArgumentReplacesDevclustersOwnOfItsName(t *testing.T) {
	own := []string{"--a=1", "--b=2", "--c"}
	for _, c := range []struct{ extra, want []string }{
		{nil, []string{"--a=1", "--b=2", "--c"}},
		{[]string{"--d=4"}, []string{"--a=1", "--b=2", "--c", "--d=4"}},
		{[]string{"--b=x,y"}, []string{"--a=1", "--c", "--b=x,y"}},
		{[]string{"-c=false", "--a=3", "--a=4"}, []string{"--b=2", "-c=false", "--a=3", "--a=4"}},
	} {
		if got := merge(own, c.extra); !slices.Equal(got, c.want) {
			t.Errorf("merge with %q is %q, want %q", c.extra, got, c.want)
		}
	}
	if !slices.Equal(own, []string{"--a=1", "--b=2", "--c"}) {
		t.Errorf("merge changed its argument: %q", own)
	}
}
