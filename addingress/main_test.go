package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/skiff-k8s/skiff/addingress/internal/addingress"
	"github.com/skiff-k8s/skiff/controller"
)

func TestWrongFlagsAreToldAndExitWith2(t *testing.T) {
	for _, tt := range []struct {
		args []string
		says []string
	}{
		{[]string{"--no-such-flag"}, []string{"no-such-flag"}},
		{[]string{"extra"}, []string{"unexpected arguments: extra"}},
		{[]string{"--workers", "-1"}, []string{"--workers is -1", "at least 1"}},
		{[]string{"--workers", "many"}, []string{`invalid value "many"`, "workers"}},
		{[]string{"--resync", "1ms"}, []string{"--resync is 1ms", "at least 1s"}},
		{[]string{"--max-retries", "never"}, []string{`invalid value "never"`, "max-retries", "neither a number nor forever"}},
		{[]string{"--instance", strings.Repeat("i", 118)}, []string{"--instance has 118 bytes, and may have 117"}},
		{[]string{"--instance", "a\tb"}, []string{`--instance "a\tb" is invalid`}},
		{[]string{"--instance", "a\xff"}, []string{`--instance "a\xff" is invalid`}},
		{[]string{"--log-format", "xml"}, []string{`log format is "xml"`, "text or json"}},
		{[]string{"--page", "--debug-address", ":6060"}, []string{"not served to other machines without authorization"}},
		{[]string{"--pprof", "--debug-address", "off"}, []string{"the debug address, which is off"}},
		{[]string{"--authorize"}, []string{"the metrics address, which is off"}},
		{[]string{"--cert-file", "x"}, []string{"a certificate needs both files"}},
		{[]string{"--log-level", "loud"}, []string{`"loud"`, "log-level"}},
		{[]string{"--namespace", "No_Such"}, []string{`--namespace "No_Such" is invalid`}},
		{[]string{"--ingress-class", "a/b"}, []string{`--ingress-class "a/b" is invalid`}},
		{[]string{"--host-template", "{{.Nmae}}.example.com"}, []string{"--host-template", "{{.Nmae}}", "can't evaluate field Nmae", addingress.DefaultHostTemplate}},
		{[]string{"--host-template", "{{.Name}}_{{.Namespace}}"}, []string{`"web_default" is invalid`}},
		{[]string{"--leader-elect", "--instance", "Blue One"}, []string{`--instance "Blue One" names a Lease`}},
		{[]string{"--workers", "-2", "--log-format", "xml"}, []string{"--workers", "log format"}}, // all at once
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
			"instance", `(default "default")`, "workers", "(default 5)", "max-retries", "(default forever)", "resync", "(default 10m0s)", "drain-timeout", "log-level", "log-format", "version", "Usage:", "leader-elect", `(default "off")`} {
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
	o, err := parse([]string{"--namespace", "shop", "--ingress-class", "nginx", "--workers", "7", "--max-retries=3",
		"--resync", "1h", "--instance", "blue", "--host-template", "{{.Name}}.test", "--kubeconfig", "f", "--context", "c"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg := o.operator
	if cfg.Namespace != "shop" || cfg.IngressClass != "nginx" || cfg.Workers != 7 || cfg.MaxRetries != 3 ||
		cfg.Resync.Hours() != 1 || cfg.Instance != "blue" || cfg.Hosts.String() != "{{.Name}}.test" || o.kubeconfig != "f" || o.context != "c" {
		t.Errorf("%+v", o)
	}
}

// The grace period has room for the drain timeout.
func TestGracePeriod(t *testing.T) {
	for args, want := range map[string]time.Duration{
		"":                               45 * time.Second,
		"--drain-timeout=1m":             90 * time.Second,
		"--drain-timeout=100ms":          1600 * time.Millisecond * 10 / 7,
		"--drain-timeout=12500ms":        20 * time.Second,
		"--drain-timeout=29986ms":        44980 * time.Millisecond,
		"--drain-timeout=30s":            45 * time.Second,
		"--drain-timeout=30002ms":        45003 * time.Millisecond,
		"--drain-timeout=-1s":            -1500 * time.Millisecond, // no limit
		"--grace-period=5s":              5 * time.Second,
		"--grace-period=-1s":             -time.Second,
		"--drain-timeout=0":              45 * time.Second,
		"--drain-timeout=2540400h10m10s": -1, // more than half of the longest duration
	} {
		o, err := parse(strings.Fields(args), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := o.settings().GracePeriod; got != want && !(want == -1 && got < 0) {
			t.Errorf("%q: %s, want %s", args, got, want)
		}
	}
}

// 0 means the default, negative means off, and what is neither has a name.
func TestNumbersAmongTheFlags(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want func(addingress.Config) bool
	}{
		{nil, func(c addingress.Config) bool { return c.MaxRetries == controller.RetryForever }},
		{[]string{"--max-retries", "forever"}, func(c addingress.Config) bool { return c.MaxRetries == controller.RetryForever }},
		{[]string{"--max-retries", "0"}, func(c addingress.Config) bool { return c.MaxRetries == 0 }},
		{[]string{"--max-retries", "-1"}, func(c addingress.Config) bool { return c.MaxRetries == -1 }},
		{[]string{"--max-retries", "7"}, func(c addingress.Config) bool { return c.MaxRetries == 7 }},
		{[]string{"--resync", "0"}, func(c addingress.Config) bool { return c.Resync == 0 }},
		{[]string{"--resync", "-1s"}, func(c addingress.Config) bool { return c.Resync == -time.Second }},
		{[]string{"--resync", "1s"}, func(c addingress.Config) bool { return c.Resync == time.Second }},
		{[]string{"--drain-timeout", "0"}, func(c addingress.Config) bool { return c.DrainTimeout == 0 }},
		{[]string{"--drain-timeout", "-1s"}, func(c addingress.Config) bool { return c.DrainTimeout < 0 }},
		{[]string{"--workers", "0"}, func(c addingress.Config) bool { return c.Workers == 0 }},
		{[]string{"--workers", "1"}, func(c addingress.Config) bool { return c.Workers == 1 }},
		{[]string{"--instance", ""}, func(c addingress.Config) bool { return c.Instance == "" }},
		{[]string{"--instance", strings.Repeat("i", 117)}, func(c addingress.Config) bool { return len(c.Instance) == 117 }},
	} {
		o, err := parse(tt.args, nil)
		if err != nil || !tt.want(o.operator) {
			t.Errorf("%q: %v, %+v", tt.args, err, o)
		}
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
