package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/skiff-k8s/skiff/addingress/internal/addingress"
)

func TestWrongFlagsAreToldAndExitWith2(t *testing.T) {
	for _, tt := range []struct {
		args []string
		says []string
	}{
		{[]string{"--no-such-flag"}, []string{"no-such-flag"}},
		{[]string{"extra"}, []string{"unexpected arguments: extra"}},
		{[]string{"--workers", "0"}, []string{"--workers is 0", "at least 1"}},
		{[]string{"--workers", "many"}, []string{`invalid value "many"`, "workers"}},
		{[]string{"--resync", "-1s"}, []string{"--resync is -1s", "must not be negative"}},
		{[]string{"--resync", "1ms"}, []string{"--resync is 1ms", "at least 1s"}},
		{[]string{"--drain-timeout", "-1s"}, []string{"--drain-timeout is -1s"}},
		{[]string{"--log-format", "xml"}, []string{`--log-format is "xml"`, "text or json"}},
		{[]string{"--log-level", "loud"}, []string{`"loud"`, "log-level"}},
		{[]string{"--namespace", "No_Such"}, []string{`--namespace "No_Such" is invalid`}},
		{[]string{"--ingress-class", "a/b"}, []string{`--ingress-class "a/b" is invalid`}},
		{[]string{"--host-template", "{{.Nmae}}.example.com"}, []string{"--host-template", "{{.Nmae}}", "can't evaluate field Nmae", addingress.DefaultHostTemplate}},
		{[]string{"--host-template", "{{.Name}}_{{.Namespace}}"}, []string{`"web_default" is invalid`}},
		{[]string{"--workers", "0", "--log-format", "xml"}, []string{"--workers", "--log-format"}}, // all at once
	} {
		var stdout, stderr bytes.Buffer
		if code := run(tt.args, &stdout, &stderr); code != exitUsage {
			t.Errorf("%q exits with %d", tt.args, code)
		}
		for _, part := range append(tt.says, "--help") {
			if !strings.Contains(stderr.String(), part) {
				t.Errorf("%q: %q does not say %q", tt.args, &stderr, part)
			}
		}
		if stdout.Len() > 0 {
			t.Errorf("%q writes to stdout: %s", tt.args, &stdout)
		}
	}
}

func TestHelpNamesEveryFlagAndExitsWith0(t *testing.T) {
	for _, flag := range []string{"-h", "--help"} {
		var stdout, stderr bytes.Buffer
		if code := run([]string{flag}, &stdout, &stderr); code != exitOK {
			t.Errorf("%s exits with %d", flag, code)
		}
		for _, part := range []string{"kubeconfig", "context", "namespace", "host-template", addingress.DefaultHostTemplate, "ingress-class",
			"workers", "(default 5)", "max-retries", "(default 10)", "resync", "drain-timeout", "log-level", "log-format", "version", "Usage:"} {
			if !strings.Contains(stderr.String(), part) {
				t.Errorf("%s does not say %q:\n%s", flag, part, &stderr)
			}
		}
	}
}

func TestVersion(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run([]string{"--version"}, &stdout, &stderr); code != exitOK || strings.TrimSpace(stdout.String()) == "" || stderr.Len() > 0 {
		t.Errorf("exits with %d, says %q and %q", code, &stdout, &stderr)
	}
}

func TestFlagsReachTheOperator(t *testing.T) {
	o, err := parse([]string{"--namespace", "shop", "--ingress-class", "nginx", "--workers", "7", "--max-retries=-1",
		"--resync", "1h", "--host-template", "{{.Name}}.test", "--kubeconfig", "f", "--context", "c"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg := o.operator
	if cfg.Namespace != "shop" || cfg.IngressClass != "nginx" || cfg.Workers != 7 || cfg.MaxRetries != -1 ||
		cfg.Resync.Hours() != 1 || cfg.Hosts.String() != "{{.Name}}.test" || o.kubeconfig != "f" || o.context != "c" {
		t.Errorf("%+v", o)
	}
}

func TestUnreadableKubeconfigIsToldAndExitsWith1(t *testing.T) {
	var stdout, stderr bytes.Buffer
	path := t.TempDir() + "/none"
	if code := run([]string{"--kubeconfig", path}, &stdout, &stderr); code != exitError {
		t.Errorf("exits with %d", code)
	}
	if !strings.Contains(stderr.String(), path) {
		t.Errorf("%q does not name the file", &stderr)
	}
}
