package client_test

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Pointer types and types without metadata do not compile. The compiler reports an error for each
// line of the program that is marked "// refused", and for no other.
func TestWhatIsNoObjectDoesNotCompile(t *testing.T) {
	source, err := os.ReadFile("testdata/refused/main.go")
	if err != nil {
		t.Fatal(err)
	}
	var want []int
	for i, line := range strings.Split(string(source), "\n") {
		if strings.HasSuffix(line, "// refused") {
			want = append(want, i+1)
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-gcflags=-e", "-o", os.DevNull, "./testdata/refused")
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatal("the program compiles")
	}
	var got []int
	for _, m := range regexp.MustCompile(`main\.go:(\d+):\d+: .*does not satisfy kind\.Object`).FindAllSubmatch(out, -1) {
		line, err := strconv.Atoi(string(m[1]))
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, line)
	}
	if len(want) == 0 || !slices.Equal(slices.Compact(got), want) {
		t.Errorf("the compiler refuses lines %v, want %v:\n%s", got, want, out)
	}
}
