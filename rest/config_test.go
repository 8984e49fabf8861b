package rest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

func secretConfig() Config {
	return Config{
		Host:        "https://joe:hunter2-password@server.example:6443/prefix",
		TLS:         TLSConfig{CAData: []byte("ca"), CertData: []byte("cert"), KeyData: []byte("hunter2-key")},
		BearerToken: "hunter2-token",
		Password:    "hunter2-password",
		UserAgent:   "tester",
		Timeout:     time.Second,
		Impersonate: Impersonation{User: "jane", Groups: []string{"dev"}, Extra: map[string][]string{"scope": {"a"}}},
	}
}

func TestAConfigNeverShowsItsSecrets(t *testing.T) {
	c := secretConfig()
	nested := struct{ C Config }{c}
	shown := map[string]string{"String": c.String(), "TLS.String": c.TLS.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%t"} {
		shown["value "+verb] = fmt.Sprintf(verb, c)
		shown["pointer "+verb] = fmt.Sprintf(verb, &c)
		shown["nested "+verb] = fmt.Sprintf(verb, nested)
		shown["tls "+verb] = fmt.Sprintf(verb, c.TLS)
		shown["tls pointer "+verb] = fmt.Sprintf(verb, &c.TLS)
	}
	for name, v := range map[string]any{"config": c, "pointer": &c, "tls": c.TLS, "nested": nested} {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		shown["json "+name] = string(data)
		for kind, handler := range map[string]func(*bytes.Buffer) slog.Handler{
			"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
			"json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
		} {
			var b bytes.Buffer
			slog.New(handler(&b)).Info("made", "config", v)
			shown["slog "+kind+" "+name] = b.String()
		}
	}
	for how, text := range shown {
		if strings.Contains(text, "hunter2") || strings.Contains(text, fmt.Sprintf("%x", "hunter2")) || strings.Contains(text, "104 117 110") {
			t.Errorf("%s shows a secret: %s", how, text)
		}
		if !strings.Contains(text, redacted) {
			t.Errorf("%s does not say that a secret is set: %s", how, text)
		}
	}
	mustContain(t, c.String(), "server.example:6443/prefix", "jane", "tester", "2 bytes")
}

// A field added to Config has to be shown or left out on purpose.
func TestEveryFieldOfAConfigIsShownOrKnowinglyNot(t *testing.T) {
	notShown := map[string]bool{"WrapTransport": true, "Proxy": true, "Metrics": true, "RateLimiter": true, "Dial": true, "Logger": true, "Warnings": true, "health": true, "secrets": true, "Impersonate": true}
	view := reflect.TypeFor[configView]()
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		if _, shown := view.FieldByName(f.Name); !shown && !notShown[f.Name] {
			t.Errorf("Config.%s is neither in configView nor in the list of fields not to show", f.Name)
		}
	}
}

func TestACopySharesNothingThatChanges(t *testing.T) {
	original := secretConfig()
	c := original.Copy()
	if !reflect.DeepEqual(*c, original) {
		t.Fatal("the copy is different")
	}
	c.TLS.KeyData[0], c.TLS.CAData[0], c.TLS.CertData[0] = 'X', 'X', 'X'
	c.Impersonate.Groups[0] = "X"
	c.Impersonate.Extra["scope"][0] = "X"
	c.Impersonate.Extra["more"] = nil
	if !reflect.DeepEqual(original, secretConfig()) {
		t.Error("changing the copy changed the original")
	}
	if (*Config)(nil).Copy() != nil {
		t.Error("the copy of nil is not nil")
	}
}

func TestAClientKeepsTheConfigItWasMadeOf(t *testing.T) {
	cfg := &Config{Host: "http://server.example", UserAgent: "one"}
	c := newClient(t, cfg)
	cfg.UserAgent = "two"
	got := c.Config()
	if got.UserAgent != "one" {
		t.Errorf("UserAgent is %q", got.UserAgent)
	}
	got.UserAgent = "three"
	if c.Config().UserAgent != "one" {
		t.Error("Config does not return a copy")
	}
	if text := fmt.Sprintf("%+v %v", c, *c); strings.Contains(text, "UserAgent") {
		t.Errorf("a client prints its configuration: %s", text)
	}
}

func TestAWrongConfigSaysWhichField(t *testing.T) {
	ca := newAuthority(t, "ca")
	cert, key := ca.issue(t, "joe")
	_, otherKey := ca.issue(t, "jane")
	for name, test := range map[string]struct {
		cfg  Config
		want string
	}{
		"no host":                {Config{}, "Host is empty"},
		"insecure and CA":        {Config{TLS: TLSConfig{Insecure: true, CAData: ca.pem}}, "Insecure contradicts the CA"},
		"insecure and CA file":   {Config{TLS: TLSConfig{Insecure: true, CAFile: "ca.crt"}}, "Insecure contradicts the CA"},
		"no CA in it":            {Config{TLS: TLSConfig{CAData: []byte("hunter2")}}, "no PEM certificate"},
		"no CA file":             {Config{TLS: TLSConfig{CAFile: "missing/ca.crt"}}, "missing/ca.crt"},
		"cert without key":       {Config{TLS: TLSConfig{CertData: cert}}, "needs its key"},
		"key without cert":       {Config{TLS: TLSConfig{KeyData: key}}, "needs its certificate"},
		"key of another":         {Config{TLS: TLSConfig{CertData: cert, KeyData: otherKey}}, "(inline)"},
		"token file":             {Config{BearerTokenFile: "missing/token"}, "missing/token"},
		"token with a line":      {Config{BearerToken: "hunter2\nX-Evil: 1"}, "BearerToken"},
		"burst alone":            {Config{Burst: 5}, "QPS"},
		"QPS that is no number":  {Config{QPS: math.NaN()}, "QPS"},
		"infinite QPS":           {Config{QPS: math.Inf(1)}, "QPS"},
		"groups without user":    {Config{Impersonate: Impersonation{Groups: []string{"dev"}}}, "needs a User"},
		"impersonated line":      {Config{Impersonate: Impersonation{User: "a\r\nX-Evil: 1"}}, "Impersonate-User"},
		"extra without key":      {Config{Impersonate: Impersonation{User: "a", Extra: map[string][]string{"": {"b"}}}}, "Extra"},
		"user agent with a line": {Config{UserAgent: "a\r\nb"}, "UserAgent"},
	} {
		t.Run(name, func(t *testing.T) {
			if name != "no host" {
				test.cfg.Host = "https://server.example"
			}
			_, err := NewClient(&test.cfg)
			if err == nil {
				t.Fatal("no error")
			}
			mustContain(t, err.Error(), test.want)
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
	if _, err := NewClient(nil); err == nil {
		t.Error("a nil Config makes a client")
	}
}

func TestTheDefaultUserAgentIsAUserAgent(t *testing.T) {
	agent := defaultUserAgent()
	mustContain(t, agent, "rest.test/", "(", "skiff/")
	if strings.ContainsAny(agent, "\r\n") {
		t.Error(agent)
	}
	if got := product("évil\nname()"); got != "-vil-name--" {
		t.Errorf("product made %q", got)
	}
	if product("") != "unknown" {
		t.Error("an empty product is not unknown")
	}
}
