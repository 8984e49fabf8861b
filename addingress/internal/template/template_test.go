package template_test

import (
	"strings"
	"testing"
	reference "text/template"

	"github.com/skiff-k8s/skiff/addingress/internal/template"
)

// texts are templates; those below "refused" are templates of text/template that Parse refuses.
var texts = []string{
	"", "x", "{{.Name}}.{{.Namespace}}.example.com", "a {{- .Name -}} b", "{{/* a comment */}}x",
	`{{if eq .Namespace "prod"}}{{.Name}}.x{{else if eq .Namespace "dev" "test"}}{{.Name}}.y{{else}}z{{end}}`,
	`{{if .Name}}a{{end}}`, `{{if not .Name}}a{{else}}b{{end}}`, `{{if and .Name (ne .Name "web")}}a{{end}}`,
	`{{or "" .Name}}`, `{{and .Name ""}}`, `{{or "" 0 false}}`, `{{and 1 2}}`,
	`{{printf "%.3s-%s" .Name .Namespace}}`, `{{.Name | printf "%q"}}`, `{{printf "%d" 7}}`, `{{printf "%d" .Name}}`,
	`{{print .Name 1 2 true .Namespace}}`, `{{print "a" "b" 1}}`, `{{print}}`, `{{len .Name}}`, `{{.Name | len | printf "%03d"}}`,
	`{{slice .Name 1}}`, `{{slice .Name 0 2}}`, `{{slice .Name}}`, `{{slice .Name 2 2}}`, `{{slice .Name 2 1}}`, `{{slice .Name 0 100}}`,
	`{{if lt (len .Name) 5}}short{{else}}long{{end}}`, `{{if le .Name .Namespace}}a{{end}}`, `{{gt 2 1}}`, `{{ge 1 2}}`, `{{lt "a" "b"}}`,
	`{{eq 1 1}}`, `{{eq 1 "1"}}`, `{{eq true true}}`, `{{ne "a" "b"}}`, `{{not 0}}`, `{{not ""}}`, `{{true}}`, `{{"text"}}`, "{{`raw`}}", `{{12}}`, `{{0x10}}`, `{{'a'}}`,
	`{{lt true false}}`, `{{len 3}}`, `{{eq .Name}}`, `{{eq}}`, `{{not}}`, `{{not 1 2}}`, `{{ne 1}}`, `{{len}}`, `{{printf}}`, `{{printf 1}}`, `{{slice}}`, `{{slice 1 2}}`, `{{slice .Name "a"}}`, `{{slice .Name -1}}`, `{{and}}`,
	`{{if and (gt (len .Name) 5) (eq (slice .Name 0 5) "front")}}a{{else}}b{{end}}`, `{{or (len .Name) (slice .Name 0 100)}}`, `{{and (slice .Name 0 100) false}}`,
	`{{(print .Name)}}`, `{{print (or .Name "x") | len}}`,
}

// What is executed makes what text/template makes of it, or both fail.
func TestLikeTextTemplate(t *testing.T) {
	failed := 0
	for _, text := range texts {
		for _, data := range []template.Data{{"web", "prod"}, {"a-longer-name", "dev"}, {"", ""}} {
			if !same(t, text, data) {
				failed++
			}
		}
	}
	if failed == 0 || failed > len(texts) {
		t.Errorf("%d of %d failed: the texts do not show both", failed, 3*len(texts))
	}
	for _, text := range texts {
		if _, err := template.Parse(text); err != nil {
			t.Errorf("Parse(%q): %v", text, err)
		}
	}
}

// same compares the two, and reports whether there was a result.
func same(t *testing.T, text string, data template.Data) bool {
	t.Helper()
	ours, err := template.Parse(text)
	if err != nil {
		return false // refused is refused
	}
	theirs, err := reference.New("host").Parse(text)
	if err != nil {
		t.Errorf("%q: parsed, and text/template says: %v", text, err)
		return false
	}
	var want strings.Builder
	wantErr := theirs.Execute(&want, data)
	got, gotErr := ours.Execute(data)
	if (gotErr != nil) != (wantErr != nil) || gotErr == nil && got != want.String() {
		t.Errorf("%q of %+v:\n got %q, %v\nwant %q, %v", text, data, got, gotErr, want.String(), wantErr)
	}
	return gotErr == nil
}

func TestWhatParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"{{.}}":                         "cannot have .",
		"{{$x := .Name}}{{$x}}":         "no variables",
		"{{range .Name}}{{end}}":        "cannot have {{range .Name}}",
		"{{with .Name}}x{{end}}":        "cannot have {{with .Name}}",
		`{{define "a"}}x{{end}}`:        "no define",
		`{{template "a"}}`:              `cannot have {{template "a"}}`,
		"{{nil}}":                       "cannot have nil",
		"{{1.5}}":                       "cannot have 1.5",
		"{{.Other}}":                    "can't evaluate field Other",
		"{{.Name.Other}}":               "can't evaluate field Other",
		"{{(print .Name).Other}}":       "cannot have",
		"{{.Name .Namespace}}":          "can't give argument to non-function .Name",
		"{{.Name | .Namespace}}":        "can't give argument to non-function .Namespace",
		"{{html .Name}}":                `function "html" not defined`,
		"{{if .Other}}{{end}}":          "can't evaluate field Other",
		"{{if false}}{{.Other}}{{end}}": "can't evaluate field Other", // also where it is not executed
		"{{.Name":                       "unclosed action",
		"{{99999999999999999999}}":      "",
	} {
		_, err := template.Parse(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q): %v, want %q", text, err, want)
		}
	}
}

func FuzzLikeTextTemplate(f *testing.F) {
	for _, text := range texts {
		f.Add(text, "web", "shop")
	}
	f.Fuzz(func(t *testing.T, text, name, namespace string) {
		same(t, text, template.Data{Name: name, Namespace: namespace})
	})
}
