package report

import (
	"fmt"
	"os"
	"path/filepath"
)

// WriteTo writes RESULTS.md, results.json, samples.json and charts/ into a folder, and creates the
// folder if it does not exist. Sections of RESULTS.md that other programs have written stay. Existing files are replaced only after all new ones have been made.
func (r *Report) WriteTo(folder string) error {
	results, err := r.JSON()
	if err != nil {
		return err
	}
	samples, err := r.SamplesJSON()
	if err != nil {
		return err
	}
	drawings, err := r.Charts()
	if err != nil {
		return err
	}
	markdown, err := keepSections(filepath.Join(folder, "RESULTS.md"), r.Markdown())
	if err != nil {
		return err
	}
	files := map[string][]byte{"RESULTS.md": markdown, "results.json": results, "samples.json": samples}
	for name, svg := range drawings {
		files[filepath.Join("charts", name)] = svg
	}
	if err := os.MkdirAll(filepath.Join(folder, "charts"), 0o755); err != nil {
		return err
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o644); err != nil {
			return fmt.Errorf("write the results: %w", err)
		}
	}
	return nil
}
