package report

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Sections of RESULTS.md that other programs write stand between these lines.
func beginOf(name string) string { return "<!-- " + name + ": begin -->\n" }
func endOf(name string) string   { return "<!-- " + name + ": end -->\n" }

// sections are the names of those sections.
var sections = []string{"kubectl", "stale", "ingresses", "sizes"}

// WriteSection puts a section into a file: in the place of the one of that name, or at the end.
func WriteSection(path, name, text string) error {
	document, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	document, err = withSection(document, name, []byte(text))
	if err != nil {
		return fmt.Errorf("write the section %s of %s: %w", name, path, err)
	}
	return os.WriteFile(path, document, 0o644)
}

// withSection returns a document with a section.
func withSection(document []byte, name string, text []byte) ([]byte, error) {
	before, old, after, err := cut(document, name)
	if err != nil {
		return nil, err
	}
	if old == nil {
		before = append(bytes.TrimRight(before, "\n"), "\n\n"...)
	}
	return bytes.Join([][]byte{before, []byte(beginOf(name)), text, []byte(endOf(name)), after}, nil), nil
}

// cut returns what is before a section, the section, and what is behind it. The section is nil if there
// is none.
func cut(document []byte, name string) (before, section, after []byte, err error) {
	before, rest, found := bytes.Cut(document, []byte(beginOf(name)))
	if !found {
		return bytes.Clone(document), nil, nil, nil
	}
	section, after, found = bytes.Cut(rest, []byte(endOf(name)))
	if !found {
		return nil, nil, nil, fmt.Errorf("the line %q is missing", endOf(name)[:len(endOf(name))-1])
	}
	return bytes.Clone(before), append([]byte{}, section...), bytes.Clone(after), nil
}

// keepSections returns a new document with the sections of the file that it replaces.
func keepSections(path string, document []byte) ([]byte, error) {
	old, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return document, nil
	}
	if err != nil {
		return nil, err
	}
	for _, name := range sections {
		_, section, _, err := cut(old, name)
		if err == nil && section != nil {
			document, err = withSection(document, name, section)
		}
		if err != nil {
			return nil, fmt.Errorf("keep the section %s of %s: %w", name, path, err)
		}
	}
	return document, nil
}
