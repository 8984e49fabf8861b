package addingress

import (
	"strings"
	"testing"
)

func TestHostTemplateMakesHosts(t *testing.T) {
	for _, tt := range []struct{ template, name, namespace, want string }{
		{DefaultHostTemplate, "web", "shop", "web.shop.example.com"},
		{"{{.Name}}.apps.example.org", "web", "shop", "web.apps.example.org"},
		{"{{ .Name }}-{{ .Namespace }}.example.org", "web", "shop", "web-shop.example.org"},
		{"*.{{.Name}}.example.org", "web", "shop", "*.web.example.org"},
		{`{{if eq .Namespace "prod"}}{{.Name}}.example.org{{else}}{{.Name}}.{{.Namespace}}.test{{end}}`, "web", "prod", "web.example.org"},
		{`{{if eq .Namespace "prod"}}{{.Name}}.example.org{{else}}{{.Name}}.{{.Namespace}}.test{{end}}`, "web", "dev", "web.dev.test"},
	} {
		hosts, err := ParseHostTemplate(tt.template)
		if err != nil {
			t.Errorf("ParseHostTemplate(%q): %v", tt.template, err)
			continue
		}
		got, err := hosts.Host(tt.name, tt.namespace)
		if err != nil || got != tt.want {
			t.Errorf("%q for %s/%s: got %q, %v; want %q", tt.template, tt.namespace, tt.name, got, err, tt.want)
		}
	}
}

// A template that can make no good host of any Service is refused at the start,
// with a message that shows the template, what is wrong, and a good one.
func TestBadHostTemplateIsRefusedAtTheStart(t *testing.T) {
	for _, tt := range []struct{ template, says string }{
		{"", "the host is empty"},
		{"{{.Name}", "bad character"},
		{"{{.Name", "unclosed action"},
		{"{{.Service}}.example.com", "can't evaluate field Service"},
		{"{{.Name.Foo}}.example.com", "can't evaluate field Foo"},
		{"{{nope .Name}}.example.com", `function "nope" not defined`},
		{"{{.Name}}_x.example.com", `"web_x.example.com" is invalid`},
		{"{{.Name}}.example.com/", `"web.example.com/" is invalid`},
		{"{{.Name}}.EXAMPLE.com", "is invalid"},
		{"{{.Name}}..example.com", "is invalid"},
		{"{{.Name}}.example.com.", "is invalid"},
		{" {{.Name}}.example.com", "is invalid"},
		{"a.*.{{.Name}}", "is invalid"},
		{"10.0.0.1", "is an IP address"},
		{"::1", "is an IP address"},
		{"{{.Name}}." + strings.Repeat("a", 64) + ".com", "DNS allows 63"},
		{"{{.Name}}." + strings.Repeat("abc.", 70) + "com", "is invalid"},
	} {
		_, err := ParseHostTemplate(tt.template)
		if err == nil {
			t.Errorf("ParseHostTemplate(%q): no error", tt.template)
			continue
		}
		for _, part := range []string{tt.says, DefaultHostTemplate} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("ParseHostTemplate(%q) = %q: does not say %q", tt.template, err, part)
			}
		}
	}
}

// A template may be right and one Service's name wrong for it.
func TestHostOfAServiceMayBeInvalid(t *testing.T) {
	hosts, err := ParseHostTemplate("{{.Name}}-{{.Namespace}}.example.com")
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("n", 40)
	if host, err := hosts.Host(long, long); err == nil {
		t.Errorf("a label of 81 characters passes: %s", host)
	} else if !strings.Contains(err.Error(), "81 characters, DNS allows 63") {
		t.Errorf("error does not say what is wrong: %v", err)
	}
	if _, err := hosts.Host("web", "shop"); err != nil {
		t.Errorf("an ordinary name after it: %v", err)
	}
}

// FuzzHostTemplate: no template panics, and whatever passes makes only hosts that
// pass the same check.
func FuzzHostTemplate(f *testing.F) {
	for _, seed := range []string{DefaultHostTemplate, "{{.Name}}", "{{range .Name}}{{end}}", "*.{{.Namespace}}", "{{printf `%s` .Name}}.x", "{{.Name | len}}"} {
		f.Add(seed, "web", "default")
	}
	f.Fuzz(func(t *testing.T, text, name, namespace string) {
		hosts, err := ParseHostTemplate(text)
		if err != nil {
			return
		}
		host, err := hosts.Host(name, namespace)
		if err == nil && (host == "" || len(host) > 253 || strings.ContainsAny(host, "/ _\n")) {
			t.Errorf("template %q makes host %q", text, host)
		}
	})
}
