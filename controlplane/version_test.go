package controlplane

import (
	"fmt"
	"testing"
)

func TestOlder(t *testing.T) {
	for _, c := range []struct {
		version, than string
		want          bool
	}{
		{"v1.35.4", "1.36", true},
		{"v1.36.0", "1.36", false},
		{"v1.36.3", "1.36", false},
		{"v1.37.2", "1.36", false},
		{"v1.9.0", "1.10", true},
		{"v2.0.0", "1.36", false},
		{"v1.36.0-alpha.1", "1.36", false},
		{"", "1.36", false},
		{"v1", "1.36", false},
		{"v1.x", "1.36", false},
	} {
		if got := older(c.version, c.than); got != c.want {
			t.Errorf("older(%q, %q) is %v", c.version, c.than, got)
		}
	}
}

func TestNeeds(t *testing.T) {
	for version, skips := range map[string]bool{"v1.35.4": true, "v1.36.0": false, "": false} {
		c := &Cluster{version: version}
		r := &skipper{T: t}
		c.Needs(r, "1.36", "there is none")
		if skipped := r.words == "needs Kubernetes 1.36: before, there is none"; skipped != skips {
			t.Errorf("on %q: skipped is %v (%q), want %v", version, skipped, r.words, skips)
		}
	}
}

// skipper is a *testing.T that is not skipped.
type skipper struct {
	*testing.T
	words string
}

func (s *skipper) Skipf(format string, args ...any) { s.words = fmt.Sprintf(format, args...) }
