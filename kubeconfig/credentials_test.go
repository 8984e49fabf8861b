package kubeconfig

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skiff-k8s/skiff/rest"
)

// oneUser is a kubeconfig whose user is given in JSON.
func oneUser(user string) string {
	return `{"current-context":"ctx","contexts":[{"name":"ctx","context":{"cluster":"clu","user":"usr"}}],
		"clusters":[{"name":"clu","cluster":{"server":"https://a.example"}}],"users":[{"name":"usr","user":` + user + `}]}`
}

// Each credential that can be used, beside each that cannot: it is used, and the other left out.
func TestACredentialThatCanBeUsedIsUsed(t *testing.T) {
	w := newWorld(t)
	usable := map[string]map[string]any{
		"token":       {"token": "some-token"},
		"token file":  {"tokenFile": w.file("joe.token", "file-token")},
		"both":        {"token": "some-token", "tokenFile": w.file("joe.token", "file-token")},
		"certificate": {"client-certificate-data": b64("cert"), "client-key-data": b64("key")},
	}
	broken := map[string]map[string]any{
		"nothing":         {},
		"exec":            {"exec": map[string]any{"command": "aws"}},
		"auth-provider":   {"auth-provider": map[string]any{"name": "oidc"}},
		"password":        {"username": "joe", "password": "hunter2"},
		"missing file":    {"tokenFile": "missing.token"},
		"directory":       {"tokenFile": w.dir},
		"lone key":        {"client-key-data": b64("key")},
		"lone key file":   {"client-key": "missing.key"},
		"broken lone key": {"client-key-data": "?"},
		"lone cert":       {"client-certificate": "missing.crt"},
		"all":             {"exec": map[string]any{"command": "aws"}, "auth-provider": map[string]any{"name": "x"}, "username": "joe", "client-key": "missing.key"},
	}
	refused := map[string]string{ // a pair of names, to a part of the error
		"certificate, missing file": "missing.token", "certificate, directory": "directory",
	}
	for good, fields := range usable {
		for bad, others := range broken {
			user := map[string]any{}
			for _, m := range []map[string]any{others, fields} {
				for k, v := range m {
					user[k] = v
				}
			}
			text, _ := json.Marshal(user)
			cfg, err := w.load(w.file("config", oneUser(string(text))))
			if want, no := refused[good+", "+bad]; no {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%s beside %s: %v", good, bad, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s beside %s: %v", good, bad, err)
				continue
			}
			if token, _ := fields["token"].(string); cfg.BearerToken != token {
				t.Errorf("%s beside %s: the token is %q", good, bad, cfg.BearerToken)
			}
			if file, ok := fields["tokenFile"].(string); ok && cfg.BearerTokenFile != file {
				t.Errorf("%s beside %s: the token file is %q", good, bad, cfg.BearerTokenFile)
			}
			if hasCert := len(cfg.TLS.CertData) > 0 && len(cfg.TLS.KeyData) > 0; hasCert != (good == "certificate") || !hasCert && cfg.TLS.KeyFile != "" {
				t.Errorf("%s beside %s: the certificate is %v", good, bad, cfg.TLS)
			}
		}
	}
	for bad, fields := range broken {
		text, _ := json.Marshal(fields)
		if _, err := w.load(w.file("config", oneUser(string(text)))); (err == nil) != (bad == "nothing" || bad == "password") {
			t.Errorf("%s alone: %v", bad, err)
		}
	}
}

// A password is sent by Basic authentication, over TLS only.
func TestAPasswordIsUsedOverTLSOnly(t *testing.T) {
	w := newWorld(t)
	for server, works := range map[string]bool{
		"https://a.example": true, "http://127.0.0.1:8080": true, "http://a.example": false,
	} {
		content := strings.Replace(oneUser(`{"username":"joe","password":"hunter2"}`), "https://a.example", server, 1)
		cfg := w.mustLoad(w.file("config", content))
		if cfg.Username != "joe" || cfg.Password != "hunter2" {
			t.Errorf("%s: %v", server, cfg)
		}
		_, err := rest.NewClient(cfg)
		if (err == nil) != works {
			t.Errorf("%s: %v", server, err)
		}
		if err != nil {
			mustContain(t, err.Error(), "unencrypted", server)
		}
	}
}

// What is no kubeconfig, and what kubectl takes for one.
func TestWhatAKubeconfigIs(t *testing.T) {
	body := strings.TrimPrefix(simple("a"), "apiVersion: v1\nkind: Config\n")
	for name, test := range map[string]struct{ content, want string }{
		"a Config":             {simple("a"), ""},
		"neither":              {body, ""},
		"only the kind":        {"kind: Config\n" + body, ""},
		"only the version":     {"apiVersion: v1\n" + body, ""},
		"empty ones":           {"apiVersion: \"\"\nkind: \"\"\n" + body, ""},
		"null ones":            {"apiVersion:\nkind:\n" + body, ""},
		"a Pod":                {"apiVersion: v1\nkind: Pod\n" + body, `it has kind "Pod" and apiVersion "v1"`},
		"a List":               {"apiVersion: v1\nkind: List\nitems: []\n", `kind "List"`},
		"another case":         {"apiVersion: v1\nkind: config\n" + body, `kind "config"`},
		"another version":      {"apiVersion: v2\nkind: Config\n" + body, `it has kind "Config" and apiVersion "v2"`},
		"another group":        {"apiVersion: client.authentication.k8s.io/v1\nkind: ExecConfig\n" + body, `"client.authentication.k8s.io/v1"`},
		"only a wrong kind":    {"kind: Pod\n" + body, `kind "Pod" and apiVersion ""`},
		"only a wrong version": {"apiVersion: v2\n" + body, `kind "" and apiVersion "v2"`},
		"a number as kind":     {"kind: 1\n" + body, "kind is a number"},
		"a list":               {"- a\n", "it is an array at the top"},
		"empty":                {"", "holds no cluster"},
		"a comment":            {"# nothing\n", "holds no cluster"},
		"null":                 {"null\n", "holds no cluster"},
		"one after dashes":     {"---\n" + simple("a"), ""},
		"one with directives":  {"%YAML 1.1\n---\n" + simple("a") + "...\n", ""},
		"one and an end":       {simple("a") + "---\n# no more\n", ""},
		"two":                  {simple("a") + "---\n" + simple("b"), "more than one YAML document"},
		"two, on the line":     {simple("a") + "--- {kind: Config}\n", "more than one YAML document"},
		"two, the first empty": {"# nothing\n---\n" + simple("a"), ""},
		"dashes in a text":     {simple("a") + "x: |\n  ---\n  ---\n", ""},
		"a key twice":          {simple("a") + "current-context: b\n", "a key twice in one mapping (line"},
		"a user's key twice":   {"users:\n- name: a\n  user:\n    token: hunter2\n    token: hunter3\n", "(line 5)"},
		"an entry twice":       {"users: [{name: a}, {name: a}]", `user "a" twice`},
	} {
		w := newWorld(t)
		_, err := w.load(w.file("config", test.content))
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: %v, not %q", name, err, test.want)
		case err != nil && (strings.Contains(err.Error(), "hunter") || strings.Contains(err.Error(), "s3cret")):
			t.Errorf("%s: it shows a secret: %v", name, err)
		}
	}
}

// A kubeconfig of at most 16 MiB is read. Parse has the same limit, for data from elsewhere.
func TestTheSizeOfAKubeconfig(t *testing.T) {
	const limit = 16 << 20
	w := newWorld(t)
	for over := -1; over <= 1; over++ {
		text := simple("a") + "#"
		text += strings.Repeat("x", limit+over-len(text))
		_, err := w.load(w.file("config", text))
		if (err != nil) != (over > 0) {
			t.Errorf("a file, %+d bytes: %v", over, err)
		}
		if over == 0 {
			continue // Parse takes the same way
		}
		if _, err := Parse([]byte(text)); (err != nil) != (over > 0) {
			t.Errorf("Parse, %+d bytes: %v", over, err)
		}
	}
	text := strings.Replace(simple("a"), "{token: a-token}", "{token: "+strings.Repeat("x", 300<<20)+"}", 1)
	if _, err := w.load(w.file("config", text)); err == nil || !strings.Contains(err.Error(), "larger than 16777216 bytes") {
		t.Errorf("a scalar of 300 MB: %v", err)
	}
	if _, err := w.load(filepath.Join(w.dir, ".")); err == nil || !strings.Contains(err.Error(), "directory") {
		t.Errorf("a directory: %v", err)
	}
	if _, err := w.load("/dev/zero"); err == nil || !strings.Contains(err.Error(), "zero") {
		t.Errorf("a device: %v", err)
	}
}
