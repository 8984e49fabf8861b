package edit

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v2"

	"github.com/skiff-k8s/skiff/internal/files"
)

// ViewOptions say what View returns.
type ViewOptions struct {
	// Raw leaves secrets in. Without it "REDACTED" stands for them, and "DATA+OMITTED" for
	// certificates, as kubectl shows them.
	Raw bool
	// Flatten puts the content of certificate and key files in place of their paths, so that the
	// result can be copied to another machine. A tokenFile stays a path.
	Flatten bool
	// Minify leaves out everything that the context does not use.
	Minify bool
	// Context is the context for Minify. "" means the current one.
	Context string
}

// View returns the kubeconfig that the files at path make together ("" means the default ones), as
// YAML. Of each name, the entry of the first file counts, and the first current-context. Relative
// paths are made absolute. Default files that do not exist are skipped; if none exists, the result has
// no entries. View takes no lock, because files are replaced whole.
func View(path string, o ViewOptions) ([]byte, error) {
	data, err := view(path, o)
	if err != nil {
		return nil, fmt.Errorf("view the kubeconfig: %w", err)
	}
	return data, nil
}

func view(path string, o ViewOptions) ([]byte, error) {
	names, fresh, err := locate(path)
	if err != nil {
		return nil, err
	}
	c, err := read(names, fresh)
	if err != nil {
		return nil, err
	}
	if path != "" && !c.fresh.there {
		return nil, fmt.Errorf("read %q: %w", path, fs.ErrNotExist)
	}
	out := yaml.MapSlice{{Key: "apiVersion", Value: "v1"}, {Key: "kind", Value: "Config"}}
	for _, f := range c.files { // fields that are not known
		for _, item := range f.content {
			key := item.Key.(string)
			if _, there := field(out, key); there {
				continue
			}
			if !o.Raw && !slices.Contains(shownAtTop, key) {
				item.Value = hide(item.Value)
			}
			out = append(out, item)
		}
	}
	current := c.Current()
	keep := func(Kind, string) bool { return true }
	if o.Minify {
		if o.Context != "" {
			current = o.Context
		}
		_, e, found := c.find(Context, current)
		if !found {
			return nil, fmt.Errorf("minify to the context %q: %w", current, ErrNotFound)
		}
		keep = func(k Kind, name string) bool {
			return name == map[Kind]string{
				Cluster: text(e.body, "cluster"), User: text(e.body, "user"), Context: current,
			}[k]
		}
	}
	for _, k := range []Kind{Cluster, User, Context} {
		list := []any{}
		for _, name := range c.Names(k) {
			if !keep(k, name) {
				continue
			}
			whole, err := c.shown(k, name, o)
			if err != nil {
				return nil, fmt.Errorf("the %s %q: %w", k, name, err)
			}
			list = append(list, whole)
		}
		out = setField(out, k.list(), list)
	}
	out = setField(out, "current-context", current)
	return yaml.Marshal(out)
}

// shown returns an entry as View shows it.
func (c *Config) shown(k Kind, name string, o ViewOptions) (yaml.MapSlice, error) {
	f, e, _ := c.find(k, name)
	body, err := absolute(k, e.body, filepath.Dir(f.path))
	if err != nil {
		return nil, err
	}
	if o.Flatten {
		if body, err = flatten(body); err != nil {
			return nil, err
		}
	}
	if !o.Raw {
		body = redact(k, body)
	}
	if body == nil {
		body = yaml.MapSlice{}
	}
	whole := slices.Clone(e.whole)
	for i := range whole {
		if !o.Raw && whole[i].Key != "name" && whole[i].Key != k.String() {
			whole[i].Value = hide(whole[i].Value)
		}
	}
	return setField(whole, k.String(), body), nil
}

// flatten puts the content of files in place of their paths. Data that is there takes precedence.
func flatten(body yaml.MapSlice) (yaml.MapSlice, error) {
	for _, key := range paths {
		data, ok := inlined[key]
		path := text(body, key)
		if !ok || path == "" {
			continue
		}
		if text(body, data) == "" {
			content, err := files.Read(path, files.MaxPEM)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
			body = setField(body, data, base64.StdEncoding.EncodeToString(content))
		}
		body = setField(body, key, nil)
	}
	return body, nil
}

const (
	redacted = "REDACTED"
	omitted  = "DATA+OMITTED"
)

// shownOfUsers are the fields of a user that hold no secret. Of others, which may be of a later
// version, no value is shown.
var shownOfUsers = []string{
	"client-certificate", "client-key", "tokenFile", "as", "as-uid", "as-groups", "as-user-extra",
	"username",
}

// shownAtTop are the fields beside the entries that hold no secret.
var shownAtTop = []string{
	"clusters", "users", "contexts", "current-context", "preferences", "extensions",
}

// redact hides the secrets of an entry.
func redact(k Kind, body yaml.MapSlice) yaml.MapSlice {
	body = slices.Clone(body)
	for i, item := range body {
		key, _ := item.Key.(string)
		switch {
		case key == "certificate-authority-data", key == "client-certificate-data":
			body[i].Value = omitted
		case key == "proxy-url", key == "server":
			body[i].Value = redactURL(item.Value)
		case k != User, slices.Contains(shownOfUsers, key):
		case key == "exec":
			body[i].Value = redactPlugin(item.Value)
		case key == "auth-provider":
			if provider, ok := item.Value.(yaml.MapSlice); ok {
				provider = slices.Clone(provider)
				for j := range provider {
					if provider[j].Key != "name" {
						provider[j].Value = hide(provider[j].Value)
					}
				}
				body[i].Value = provider
			}
		default:
			body[i].Value = hide(item.Value)
		}
	}
	return body
}

// hide returns a value with each scalar replaced.
func hide(value any) any {
	switch v := value.(type) {
	case yaml.MapSlice:
		out := slices.Clone(v)
		for i := range out {
			out[i].Value = hide(out[i].Value)
		}
		return out
	case []any:
		out := slices.Clone(v)
		for i := range out {
			out[i] = hide(out[i])
		}
		return out
	case nil:
		return nil
	}
	return redacted
}

// redactPlugin shows of a credential plugin its command and how it is called, but neither the values
// of its environment nor those of arguments that name a secret.
func redactPlugin(value any) any {
	plugin, ok := value.(yaml.MapSlice)
	if !ok {
		return hide(value)
	}
	plugin = slices.Clone(plugin)
	for i, item := range plugin {
		switch item.Key {
		case "apiVersion", "command", "installHint", "interactiveMode", "provideClusterInfo":
		case "args":
			args, _ := item.Value.([]any)
			args = slices.Clone(args)
			secret := false
			for j := range args {
				arg, _ := args[j].(string)
				name, _, assigned := strings.Cut(arg, "=")
				switch {
				case secret:
					args[j], secret = redacted, false
				case namesSecret(name) && assigned:
					args[j] = name + "=" + redacted
				case namesSecret(name) && strings.HasPrefix(name, "-"):
					secret = true // the next one
				}
			}
			plugin[i].Value = args
		case "env":
			list, _ := item.Value.([]any)
			list = slices.Clone(list)
			for j := range list {
				variable, _ := list[j].(yaml.MapSlice)
				if _, there := field(variable, "value"); there {
					list[j] = setField(slices.Clone(variable), "value", redacted)
				}
			}
			plugin[i].Value = list
		default:
			plugin[i].Value = hide(item.Value)
		}
	}
	return plugin
}

func namesSecret(name string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{"secret", "token", "password", "passwd", "key", "credential"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

// redactURL hides the password of a URL, and all of what is not one and may hold one.
func redactURL(value any) any {
	address, ok := value.(string)
	if !ok || !strings.Contains(address, "@") {
		return value
	}
	u, err := url.Parse(address)
	if err != nil || u.User == nil {
		return redacted
	}
	u.User = url.User(redacted)
	return u.String()
}
