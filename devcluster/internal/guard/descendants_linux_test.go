package guard

import (
	"os"
	"testing"
)

func TestParseStat(t *testing.T) {
	for line, want := range map[string][2]int{
		"123 (sh) S 45 123 123 0 -1":            {123, 45},
		"7 (a) b (c) R) R 6 7 7 0 -1 4194304 1": {7, 6}, // a name like another line
		"123":                                   {},
		"":                                      {},
		"x (sh) S 45 1":                         {},
		"1 (sh) S":                              {},
	} {
		pid, parent, ok := parseStat([]byte(line))
		if ok != (want != [2]int{}) || ok && (pid != want[0] || parent != want[1]) {
			t.Errorf("parseStat(%q) = %d, %d, %v, want %v", line, pid, parent, ok, want)
		}
	}
	own, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		t.Fatal(err)
	}
	if pid, parent, ok := parseStat(own); !ok || pid != os.Getpid() || parent != os.Getppid() {
		t.Errorf("of this process: %d, %d, %v, want %d, %d", pid, parent, ok, os.Getpid(), os.Getppid())
	}
}
