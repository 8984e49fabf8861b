package report

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSectionsOfOtherPrograms(t *testing.T) {
	path := filepath.Join(t.TempDir(), "RESULTS.md")
	read := func() string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if err := WriteSection(path, "kubectl", "x"); err == nil {
		t.Error("a file that does not exist is no error")
	}
	if err := os.WriteFile(path, []byte("# Results\n\nold\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"one\n", "two\n"} {
		if err := WriteSection(path, "kubectl", text); err != nil {
			t.Fatal(err)
		}
		want := "# Results\n\nold\n\n<!-- kubectl: begin -->\n" + text + "<!-- kubectl: end -->\n"
		if got := read(); got != want {
			t.Errorf("the file is %q, want %q", got, want)
		}
	}
	// What stands behind it stays, and a new document keeps it.
	if err := os.WriteFile(path, []byte(read()+"behind\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := WriteSection(path, "kubectl", "three\n"); err != nil || !strings.HasSuffix(read(), "three\n<!-- kubectl: end -->\nbehind\n") {
		t.Errorf("the file is %q, %v", read(), err)
	}
	kept, err := keepSections(path, []byte("# Results\n\nnew\n"))
	if want := "# Results\n\nnew\n\n<!-- kubectl: begin -->\nthree\n<!-- kubectl: end -->\n"; err != nil || string(kept) != want {
		t.Errorf("kept is %q, %v", kept, err)
	}
	if kept, err := keepSections(path+"x", []byte("new\n")); err != nil || string(kept) != "new\n" {
		t.Errorf("without a file: %q, %v", kept, err)
	}
	if err := os.WriteFile(path, []byte("<!-- kubectl: begin -->\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := WriteSection(path, "kubectl", "x"); err == nil || !strings.Contains(err.Error(), `"<!-- kubectl: end -->" is missing`) {
		t.Errorf("a section without an end: %v", err)
	}
	if _, err := keepSections(path, nil); err == nil {
		t.Error("a section without an end is dropped")
	}
}
