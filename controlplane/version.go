package controlplane

import (
	"strconv"
	"strings"
)

// Needs skips the test t if the control plane is older than a version, such as "1.36". lacks says in a
// few words what such a control plane does not have. The devcluster binary decides which version runs;
// with the one of this repository nothing is skipped.
func (c *Cluster) Needs(t TB, version, lacks string) {
	t.Helper()
	if older(c.Version(), version) {
		t.Skipf("needs Kubernetes %s: before, %s", version, lacks)
	}
}

// older reports whether a version is before another, by their major and minor numbers. A version that
// is no version is before nothing: its tests run.
func older(version, than string) bool {
	major, minor, ok := numbers(version)
	otherMajor, otherMinor, ok2 := numbers(than)
	if !ok || !ok2 {
		return false
	}
	return major < otherMajor || major == otherMajor && minor < otherMinor
}

// numbers returns the first two numbers of a version, which may begin with v.
func numbers(version string) (major, minor int, ok bool) {
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	if len(parts) < 2 {
		return 0, 0, false
	}
	major, err := strconv.Atoi(parts[0])
	if err != nil {
		return 0, 0, false
	}
	minor, err = strconv.Atoi(parts[1])
	return major, minor, err == nil
}
