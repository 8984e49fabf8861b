package operator

import (
	"flag"
	"io"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"
)

// own is a struct of a program's own.
type own struct {
	Class   string  `help:"the class"`
	Retries int     `help:"how often"`
	Rate    float64 `help:"how fast"`
	TLSKey  string  `help:"a name with capitals"`
	Nested  struct {
		Deep bool `help:"within a struct"`
	}
	Untagged string
	hidden   string
}

func parse(args []string, env map[string]string, into ...any) error {
	fs := flag.NewFlagSet("test", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	for _, v := range into {
		if err := flagsOf(fs, "WEB_", func(name string) string { return env[name] }, v); err != nil {
			return err
		}
	}
	return fs.Parse(args)
}

func TestFlagsAndEnvironment(t *testing.T) {
	s := Settings{HealthAddress: ":1", GracePeriod: time.Second}
	o := own{Retries: 7, Untagged: "kept", hidden: "kept"}
	err := parse([]string{"--grace-period=5s", "--page", "--log-level", "warn", "--tls-key=k", "--deep"}, map[string]string{
		"WEB_METRICS_ADDRESS": "localhost:2", "WEB_GRACE_PERIOD": "9s", "WEB_CLASS": "nginx", "WEB_RATE": "1.5", "WEB_PPROF": "true",
		"WEB_RETRIES": "", "CLASS": "not ours",
	}, &s, &o)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Settings{MetricsAddress: "localhost:2", HealthAddress: ":1", GracePeriod: 5 * time.Second, Page: true, Pprof: true,
		LogLevel: slog.LevelWarn}); s != want {
		t.Errorf("settings are %+v, want %+v", s, want)
	}
	want := own{Class: "nginx", Retries: 7, Rate: 1.5, TLSKey: "k", Untagged: "kept", hidden: "kept"}
	want.Nested.Deep = true
	if o != want {
		t.Errorf("the program's own are %+v, want %+v", o, want)
	}
}

func TestFlagsThatCannotBe(t *testing.T) {
	for want, err := range map[string]error{
		"is not a pointer to a struct": parse(nil, nil, own{}),
		"int is not a pointer":         parse(nil, nil, 7),
		"there is one already":         parse(nil, nil, &own{}, &own{}),
		"of type []string, which no flag can": parse(nil, nil, &struct {
			A []string `help:"x"`
		}{}),
		"variable WEB_RETRIES: its value is":    parse(nil, map[string]string{"WEB_RETRIES": "s3cret"}, &own{}),
		"flag provided but not defined: -wrong": parse([]string{"--wrong"}, nil, &own{}),
	} {
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("got the error %v, want one with %q", err, want)
		}
	}
}

// Each setting can be set by a flag: a field without a tag would be forgotten.
func TestEachSettingIsAFlag(t *testing.T) {
	fs := flag.NewFlagSet("test", flag.ContinueOnError)
	if err := Flags(fs, "", &Settings{}); err != nil {
		t.Fatal(err)
	}
	n := 0
	fs.VisitAll(func(f *flag.Flag) {
		n++
		if f.Usage == "" || strings.Contains(f.Usage, "$") {
			t.Errorf("--%s: %q", f.Name, f.Usage)
		}
	})
	if want := reflect.TypeFor[Settings]().NumField(); n != want {
		t.Errorf("%d flags of %d settings", n, want)
	}
}

func TestLoopback(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:80": true, "127.9.9.9:0": true, "[::1]:80": true, "localhost:80": true,
		":80": false, "0.0.0.0:80": false, "[::]:80": false, "10.0.0.1:80": false, "example.com:80": false, "127.0.0.1": false, "": false,
	} {
		if loopback(address) != want {
			t.Errorf("loopback(%q) is %v", address, !want)
		}
	}
}
