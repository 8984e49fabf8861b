package compare

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/yaml"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/skiff-k8s/skiff/kubeconfig"
)

// kubeconfigCase is a set of files and what a program asks for.
type kubeconfigCase struct {
	name string
	// files are the texts by name, in a folder of their own. The folder's path replaces DIR.
	files map[string]string
	// explicit is the file that is named; if it is "", $KUBECONFIG names those of list.
	explicit string
	list     []string

	ours   []kubeconfig.Option
	theirs clientcmd.ConfigOverrides
}

// entry is the content of a cluster, a user or a context with its name for the document.
type entry struct {
	name  string
	value map[string]any
}

type m = map[string]any

// PEM of a CA, a client certificate and its key; the tests make them.
const (
	caMark, certMark, keyMark           = "CA-PEM", "CERT-PEM", "KEY-PEM"
	caMark64, certMark64, keyMark64     = "CA-BASE64", "CERT-BASE64", "KEY-BASE64"
	pluginToken                         = `{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"plugin"}}`
	pluginTokenBeta                     = `{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","status":{"token":"plugin"}}`
	server, execV1, execV1Beta, execV1A = "https://s.example:6443", "client.authentication.k8s.io/v1",
		"client.authentication.k8s.io/v1beta1", "client.authentication.k8s.io/v1alpha1"
)

var clusters = []entry{
	{"plain", m{"server": server}},
	{"CA inline", m{"server": server, "certificate-authority-data": caMark64}},
	{"CA file", m{"server": server, "certificate-authority": "DIR/ca.pem"}},
	{"CA file, relative", m{"server": server, "certificate-authority": "ca.pem"}},
	{"CA file in a folder above", m{"server": server, "certificate-authority": "../ca.pem"}},
	{"CA file that is missing", m{"server": server, "certificate-authority": "none.pem"}},
	{"CA file and inline", m{"server": server, "certificate-authority": "none.pem", "certificate-authority-data": caMark64}},
	{"CA file that is no PEM", m{"server": server, "certificate-authority": "config"}},
	{"CA inline that is no base64", m{"server": server, "certificate-authority-data": "%%%"}},
	{"CA inline that is no PEM", m{"server": server, "certificate-authority-data": "bm8gUEVN"}},
	{"insecure", m{"server": server, "insecure-skip-tls-verify": true}},
	{"insecure with a CA", m{"server": server, "insecure-skip-tls-verify": true, "certificate-authority-data": caMark64}},
	{"tls-server-name", m{"server": server, "tls-server-name": "other.example"}},
	{"http", m{"server": "http://s.example"}},
	{"http on this machine", m{"server": "http://127.0.0.1:8080"}},
	{"no scheme", m{"server": "s.example"}},
	{"no scheme, with a port", m{"server": "s.example:6443"}},
	{"an address without a scheme", m{"server": "10.0.0.1"}},
	{"IPv6", m{"server": "https://[::1]:6443"}},
	{"a path", m{"server": server + "/clusters/a"}},
	{"a path with a slash at its end", m{"server": server + "/clusters/a/"}},
	{"a slash at its end", m{"server": server + "/"}},
	{"a query", m{"server": server + "/a?b=c#d"}},
	{"a user in the URL", m{"server": "https://me:secret@s.example"}},
	{"upper case", m{"server": "HTTPS://S.EXAMPLE:6443"}},
	{"spaces around the server", m{"server": " " + server + " "}},
	{"another scheme", m{"server": "ftp://s.example"}},
	{"a server that is no URL", m{"server": "https://a b"}},
	{"no server", m{"certificate-authority-data": caMark64}},
	{"an empty server", m{"server": ""}},
	{"an http proxy", m{"server": server, "proxy-url": "http://proxy.example:3128"}},
	{"an https proxy", m{"server": server, "proxy-url": "https://u:p@proxy.example"}},
	{"a socks5 proxy", m{"server": server, "proxy-url": "socks5://proxy.example:1080"}},
	{"a proxy without a scheme", m{"server": server, "proxy-url": "proxy.example:3128"}},
	{"a proxy of another scheme", m{"server": server, "proxy-url": "ftp://proxy.example"}},
	{"a proxy that is no URL", m{"server": server, "proxy-url": "http://%%"}},
	{"disable-compression", m{"server": server, "disable-compression": true}},
	{"extensions", m{"server": server, "extensions": []m{{"name": "x", "extension": m{"a": "b"}}}}},
	{"api-version, as of old", m{"server": server, "api-version": "v1"}},
	{"a field that nobody knows", m{"server": server, "odd": m{}}},
	{"a number as the server", m{"server": 7}},
	{"a text as a boolean", m{"server": server, "insecure-skip-tls-verify": "true"}},
}

func plugin(more m) m {
	e := m{"apiVersion": execV1, "command": "sh", "args": []string{"-c", "echo '" + pluginToken + "'"}, "interactiveMode": "Never"}
	maps.Copy(e, more)
	return m{"exec": e}
}

func with(of m, more m) m {
	of = maps.Clone(of)
	maps.Copy(of, more)
	return of
}

var users = []entry{
	{"a token", m{"token": "t0ken-of-the-user"}},
	{"nothing", m{}},
	{"a token file", m{"tokenFile": "token"}},
	{"a token file that is missing", m{"tokenFile": "none"}},
	{"a token file with a line end", m{"tokenFile": "token-line"}},
	{"a token file that is empty", m{"tokenFile": "empty"}},
	{"a token and a token file", m{"token": "t0ken-of-the-user", "tokenFile": "token"}},
	{"a token with a space", m{"token": "a b"}},
	{"a token with a line end", m{"token": "a\n"}},
	{"a number as the token", m{"token": 123456}},
	{"a certificate inline", m{"client-certificate-data": certMark64, "client-key-data": keyMark64}},
	{"a certificate in files", m{"client-certificate": "cert.pem", "client-key": "DIR/key.pem"}},
	{"a certificate without a key", m{"client-certificate-data": certMark64}},
	{"a key without a certificate", m{"client-key-data": keyMark64}},
	{"a certificate and another's key", m{"client-certificate-data": certMark64, "client-key-data": caMark64}},
	{"a certificate file that is missing", m{"client-certificate": "none.pem", "client-key": "key.pem"}},
	{"a certificate inline, its key in a file", m{"client-certificate-data": certMark64, "client-key": "key.pem"}},
	{"a certificate inline and in a file", m{"client-certificate-data": certMark64, "client-certificate": "none.pem", "client-key-data": keyMark64}},
	{"a certificate and a token", m{"client-certificate-data": certMark64, "client-key-data": keyMark64, "token": "t0ken-of-the-user"}},
	{"basic", m{"username": "u", "password": "p"}},
	{"basic without a password", m{"username": "u"}},
	{"basic without a name", m{"password": "p"}},
	{"basic with a colon in the name", m{"username": "u:v", "password": "p"}},
	{"basic and a token", m{"username": "u", "password": "p", "token": "t0ken-of-the-user"}},
	{"as", m{"token": "t0ken-of-the-user", "as": "other"}},
	{"as with groups, a uid and extra", m{"token": "t0ken-of-the-user", "as": "other", "as-uid": "7", "as-groups": []string{"a", "b c"},
		"as-user-extra": m{"scopes": []string{"x", "y"}, "Example.com/Ä %": []string{"z"}}}},
	{"as-groups without as", m{"token": "t0ken-of-the-user", "as-groups": []string{"a"}}},
	{"as-uid without as", m{"token": "t0ken-of-the-user", "as-uid": "7"}},
	{"as-user-extra without as", m{"token": "t0ken-of-the-user", "as-user-extra": m{"scopes": []string{"x"}}}},
	{"as without credentials", m{"as": "other"}},
	{"a plugin", plugin(nil)},
	{"a plugin of v1beta1", plugin(m{"apiVersion": execV1Beta, "args": []string{"-c", "echo '" + pluginTokenBeta + "'"}, "interactiveMode": nil})},
	{"a plugin of v1alpha1", plugin(m{"apiVersion": execV1A})},
	{"a plugin without an apiVersion", plugin(m{"apiVersion": ""})},
	{"a plugin of a version that nobody knows", plugin(m{"apiVersion": "client.authentication.k8s.io/v9"})},
	{"a plugin without interactiveMode", plugin(m{"interactiveMode": nil})},
	{"a plugin with an odd interactiveMode", plugin(m{"interactiveMode": "Odd"})},
	{"a plugin, always interactive", plugin(m{"interactiveMode": "Always"})},
	{"a plugin without a command", plugin(m{"command": ""})},
	{"a plugin that does not exist", plugin(m{"command": "skiff-compare-no-such-program", "installHint": "get it"})},
	{"a plugin in the folder", plugin(m{"command": "./plugin.sh", "args": nil})},
	{"a plugin with env", plugin(m{"args": []string{"-c", `echo "{\"apiVersion\":\"` + execV1 + `\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"$TOKEN\"}}"`},
		"env": []m{{"name": "TOKEN", "value": "of-env"}}})},
	{"a plugin that answers in another version", plugin(m{"args": []string{"-c", "echo '" + pluginTokenBeta + "'"}})},
	{"a plugin that answers without a kind", plugin(m{"args": []string{"-c", `echo '{"apiVersion":"` + execV1 + `","status":{"token":"plugin"}}'`}})},
	{"a plugin that answers without a status", plugin(m{"args": []string{"-c", `echo '{"apiVersion":"` + execV1 + `","kind":"ExecCredential"}'`}})},
	{"a plugin that answers with nothing", plugin(m{"args": []string{"-c", "true"}})},
	{"a plugin that answers without credentials", plugin(m{"args": []string{"-c", `echo '{"apiVersion":"` + execV1 + `","kind":"ExecCredential","status":{}}'`}})},
	{"a plugin that answers with half a certificate", plugin(m{"args": []string{"-c", `echo '{"apiVersion":"` + execV1 + `","kind":"ExecCredential","status":{"clientCertificateData":"x"}}'`}})},
	{"a plugin whose token has expired", plugin(m{"args": []string{"-c", `echo '{"apiVersion":"` + execV1 + `","kind":"ExecCredential","status":{"token":"plugin","expirationTimestamp":"2001-01-01T00:00:00Z"}}'`}})},
	{"a plugin that fails", plugin(m{"args": []string{"-c", "exit 3"}})},
	{"a plugin that prints more", plugin(m{"args": []string{"-c", "echo '" + pluginToken + "' more"}})},
	{"a plugin with cluster info", plugin(m{"provideClusterInfo": true, "args": []string{"-c", `case "$KUBERNETES_EXEC_INFO" in *s.example*) echo '` + pluginToken + `';; esac`}})},
	// Each run of it gives the other of two tokens; the server refuses the first.
	{"a plugin whose first token is refused", plugin(m{"args": []string{"-c", "if [ -e used ]; then rm used; token=good; else touch used; token=refused; fi; " +
		`echo '{"apiVersion":"` + execV1 + `","kind":"ExecCredential","status":{"token":"'$token'"}}'`}})},
	{"a plugin and a token", with(plugin(nil), m{"token": "t0ken-of-the-user"})},
	{"a plugin and a token file", with(plugin(nil), m{"tokenFile": "token"})},
	{"a plugin and basic", with(plugin(nil), m{"username": "u", "password": "p"})},
	{"a plugin and a certificate", with(plugin(nil), m{"client-certificate-data": certMark64, "client-key-data": keyMark64})},
	{"a plugin and an auth-provider", with(plugin(nil), m{"auth-provider": m{"name": "oidc"}})},
	{"an auth-provider that nobody knows", m{"auth-provider": m{"name": "gcp", "config": m{"a": "b"}}}},
	{"an auth-provider and a token", m{"token": "t0ken-of-the-user", "auth-provider": m{"name": "azure"}}},
	{"a field that nobody knows", m{"token": "t0ken-of-the-user", "odd": 1}},
}

var contexts = []entry{
	{"plain", m{"cluster": "c", "user": "u"}},
	{"a namespace", m{"cluster": "c", "user": "u", "namespace": "ns"}},
	{"an empty namespace", m{"cluster": "c", "user": "u", "namespace": ""}},
	{"a namespace that is none", m{"cluster": "c", "user": "u", "namespace": "A b"}},
	{"no user", m{"cluster": "c"}},
	{"no cluster", m{"user": "u"}},
	{"a user that does not exist", m{"cluster": "c", "user": "none"}},
	{"a cluster that does not exist", m{"cluster": "none", "user": "u"}},
	{"nothing", m{}},
	{"extensions", m{"cluster": "c", "user": "u", "extensions": []m{{"name": "x", "extension": m{"a": "b"}}}}},
}

// config returns the text of a file.
func config(cluster, user, context map[string]any, more m) string {
	c := m{"apiVersion": "v1", "kind": "Config", "current-context": "x",
		"clusters": []m{{"name": "c", "cluster": cluster}},
		"users":    []m{{"name": "u", "user": user}},
		"contexts": []m{{"name": "x", "context": context}}}
	maps.Copy(c, more)
	text, err := yaml.Marshal(c)
	if err != nil {
		panic(err) // maps
	}
	return string(text)
}

// kubeconfigCases makes the cases: each entry of each table beside plain ones, combinations that the
// seed chooses, files, and options.
func kubeconfigCases() []kubeconfigCase {
	var all []kubeconfigCase
	add := func(name, text string) {
		all = append(all, kubeconfigCase{name: name, files: map[string]string{"config": text}, explicit: "config"})
	}
	for _, c := range clusters {
		add("cluster: "+c.name, config(c.value, users[0].value, contexts[0].value, nil))
	}
	for _, u := range users {
		add("user: "+u.name, config(clusters[0].value, u.value, contexts[0].value, nil))
	}
	for _, c := range contexts {
		add("context: "+c.name, config(clusters[0].value, users[0].value, c.value, nil))
	}
	r := rand.New(rand.NewPCG(seed, 2))
	for range 100 {
		c, u, x := pick(r, clusters), pick(r, users), pick(r, contexts)
		add(fmt.Sprintf("cluster: %s; user: %s; context: %s", c.name, u.name, x.name), config(c.value, u.value, x.value, nil))
	}
	return slices.Concat(all, textCases(), mergeCases(), overrideCases())
}

// textCases are files that are odd as files.
func textCases() []kubeconfigCase {
	var all []kubeconfigCase
	good := config(clusters[0].value, users[0].value, contexts[0].value, nil)
	for _, f := range []struct{ name, text string }{
		{"nothing", ""}, {"a comment", "# nothing\n"}, {"three dashes", "---\n" + good}, {"two documents", good + "---\n" + good},
		{"a second document that is empty", good + "---\n"}, {"JSON", string(must(yaml.YAMLToJSON([]byte(good))))},
		{"no YAML", "a: [\n"}, {"tabs", "\tapiVersion: v1\n"}, {"a list", "- a\n"}, {"a text", "hello"}, {"null", "null\n"},
		{"a byte order mark", "\ufeff" + good}, {"line ends of Windows", strings.ReplaceAll(good, "\n", "\r\n")},
		{"no kind", strings.Replace(good, "kind: Config\n", "", 1)}, {"no apiVersion", strings.Replace(good, "apiVersion: v1\n", "", 1)},
		{"neither kind nor apiVersion", strings.NewReplacer("kind: Config\n", "", "apiVersion: v1\n", "").Replace(good)},
		{"another kind", strings.Replace(good, "kind: Config", "kind: Secret", 1)},
		{"another apiVersion", strings.Replace(good, "apiVersion: v1", "apiVersion: v2", 1)},
		{"a field that nobody knows", good + "odd: 1\n"}, {"a key twice", good + "current-context: x\n"},
		{"keys in another case", strings.Replace(good, "current-context", "Current-Context", 1)},
		{"preferences", good + "preferences: {colors: true}\n"}, {"an anchor", "x-a: &a {cluster: c, user: u}\n" + strings.Replace(good, "current-context: x", "current-context: x", 1)},
	} {
		all = append(all, kubeconfigCase{name: "file: " + f.name, files: map[string]string{"config": f.text}, explicit: "config"})
	}
	for name, more := range map[string]m{
		"no current-context":                              {"current-context": nil},
		"an empty current-context":                        {"current-context": ""},
		"a current-context that does not exist":           {"current-context": "none"},
		"no clusters":                                     {"clusters": nil},
		"no users":                                        {"users": nil},
		"no contexts":                                     {"contexts": nil},
		"a cluster twice":                                 {"clusters": []m{{"name": "c", "cluster": clusters[0].value}, {"name": "c", "cluster": clusters[10].value}}},
		"a user twice":                                    {"users": []m{{"name": "u", "user": users[0].value}, {"name": "u", "user": m{"token": "second"}}}},
		"a context twice":                                 {"contexts": []m{{"name": "x", "context": contexts[0].value}, {"name": "x", "context": contexts[1].value}}},
		"a cluster without a name":                        {"clusters": []m{{"cluster": clusters[0].value}, {"name": "c", "cluster": clusters[0].value}}},
		"a context without a name":                        {"contexts": []m{{"context": contexts[1].value}}, "current-context": ""},
		"clusters that are a mapping":                     {"clusters": m{"c": clusters[0].value}},
		"only a current-context":                          {"clusters": nil, "users": nil, "contexts": nil},
		"a broken cluster that is not used":               {"clusters": []m{{"name": "c", "cluster": clusters[0].value}, {"name": "d", "cluster": m{"server": "https://a b", "certificate-authority": "none"}}}},
		"a cluster with a broken base64 that is not used": {"clusters": []m{{"name": "c", "cluster": clusters[0].value}, {"name": "d", "cluster": m{"server": server, "certificate-authority-data": "%%%"}}}},
		"a name with special characters":                  {"contexts": []m{{"name": "a@b/c:d", "context": contexts[1].value}}, "current-context": "a@b/c:d"},
	} {
		all = append(all, kubeconfigCase{name: "file: " + name, explicit: "config",
			files: map[string]string{"config": config(clusters[0].value, users[0].value, contexts[0].value, more)}})
	}
	slices.SortStableFunc(all, func(a, b kubeconfigCase) int { return strings.Compare(a.name, b.name) })
	return append(all, kubeconfigCase{name: "file: one that does not exist", explicit: "none"})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err) // the tables are wrong
	}
	return v
}

// mergeCases are several files, by $KUBECONFIG.
func mergeCases() []kubeconfigCase {
	first := config(clusters[0].value, users[0].value, contexts[0].value, nil)
	only := func(what string, value any) string {
		return config(nil, nil, nil, with(m{"clusters": nil, "users": nil, "contexts": nil, "current-context": nil}, m{what: value}))
	}
	other := config(m{"server": "https://other.example"}, m{"token": "other"}, contexts[1].value, m{"current-context": "y", "contexts": []m{{"name": "y", "context": contexts[1].value}}})
	return []kubeconfigCase{
		{name: "merge: no file", list: []string{"none"}},
		{name: "merge: an empty list", list: nil},
		{name: "merge: one", files: map[string]string{"a": first}, list: []string{"a"}},
		{name: "merge: the first that has an entry", files: map[string]string{"a": first, "b": other}, list: []string{"a", "b"}},
		{name: "merge: the other way round", files: map[string]string{"a": first, "b": other}, list: []string{"b", "a"}},
		{name: "merge: one is missing", files: map[string]string{"b": first}, list: []string{"a", "b"}},
		{name: "merge: one is empty", files: map[string]string{"a": "", "b": first}, list: []string{"a", "b"}},
		{name: "merge: one twice", files: map[string]string{"a": first}, list: []string{"a", "a"}},
		{name: "merge: one is no YAML", files: map[string]string{"a": "a: [", "b": first}, list: []string{"a", "b"}},
		{name: "merge: a folder among them", files: map[string]string{"b": first, "folder/x": ""}, list: []string{"folder", "b"}},
		{name: "merge: a file for each", list: []string{"c", "u", "x", "current"}, files: map[string]string{
			"c": only("clusters", []m{{"name": "c", "cluster": clusters[3].value}}), "u": only("users", []m{{"name": "u", "user": users[2].value}}),
			"x": only("contexts", []m{{"name": "x", "context": contexts[1].value}}), "current": only("current-context", "x")}},
		{name: "merge: relative paths in two folders", list: []string{"one/config", "two/config"}, files: map[string]string{
			"one/config": only("clusters", []m{{"name": "c", "cluster": m{"server": server, "certificate-authority": "../ca.pem"}}}),
			"two/config": config(nil, m{"tokenFile": "../token"}, contexts[0].value, m{"clusters": nil})}},
		{name: "merge: parts of one entry in two files", list: []string{"a", "b"}, files: map[string]string{
			"a": config(m{"server": server}, m{"as": "other"}, m{"cluster": "c", "user": "u"}, nil),
			"b": config(m{"certificate-authority-data": caMark64, "tls-server-name": "n"}, m{"token": "second", "as-groups": []string{"g"}}, m{"namespace": "second"}, nil)}},
		{name: "merge: lists of one entry in two files", list: []string{"a", "b"}, files: map[string]string{
			"a": config(clusters[0].value, m{"token": "t", "as": "o", "as-groups": []string{"a"}, "as-user-extra": m{"a": []string{"1"}}}, contexts[0].value, nil),
			"b": config(clusters[0].value, m{"token": "t", "as": "o", "as-groups": []string{"b"}, "as-user-extra": m{"b": []string{"2"}}}, contexts[0].value, nil)}},
		{name: "merge: an empty element in the list", files: map[string]string{"a": first}, list: []string{"", "a", ""}},
	}
}

// overrideCases are the options that replace what the files say.
func overrideCases() []kubeconfigCase {
	cert := m{"client-certificate-data": certMark64, "client-key-data": keyMark64}
	text := config(m{"server": server, "tls-server-name": "n", "certificate-authority-data": caMark64}, users[0].value, contexts[1].value, m{
		"clusters": []m{{"name": "c", "cluster": m{"server": server, "tls-server-name": "n", "certificate-authority-data": caMark64}},
			{"name": "d", "cluster": m{"server": "https://d.example", "insecure-skip-tls-verify": true}}},
		"users":    []m{{"name": "u", "user": users[0].value}, {"name": "v", "user": cert}, {"name": "w", "user": plugin(nil)}, {"name": "b", "user": m{"username": "u", "password": "p"}}},
		"contexts": []m{{"name": "x", "context": contexts[1].value}, {"name": "y", "context": m{"cluster": "d", "user": "v"}}},
	})
	var all []kubeconfigCase
	add := func(name string, theirs clientcmd.ConfigOverrides, ours ...kubeconfig.Option) {
		all = append(all, kubeconfigCase{name: "option: " + name, files: map[string]string{"config": text}, explicit: "config", ours: ours, theirs: theirs})
	}
	context := func(c clientcmdapi.Context) clientcmd.ConfigOverrides { return clientcmd.ConfigOverrides{Context: c} }
	cluster := func(c clientcmdapi.Cluster) clientcmd.ConfigOverrides {
		return clientcmd.ConfigOverrides{ClusterInfo: c}
	}
	user := func(u clientcmdapi.AuthInfo) clientcmd.ConfigOverrides { return clientcmd.ConfigOverrides{AuthInfo: u} }
	add("none", clientcmd.ConfigOverrides{})
	add("context", clientcmd.ConfigOverrides{CurrentContext: "y"}, kubeconfig.WithContext("y"))
	add("context that does not exist", clientcmd.ConfigOverrides{CurrentContext: "z"}, kubeconfig.WithContext("z"))
	add("cluster", context(clientcmdapi.Context{Cluster: "d"}), kubeconfig.WithCluster("d"))
	add("cluster that does not exist", context(clientcmdapi.Context{Cluster: "z"}), kubeconfig.WithCluster("z"))
	add("user", context(clientcmdapi.Context{AuthInfo: "v"}), kubeconfig.WithUser("v"))
	add("user that does not exist", context(clientcmdapi.Context{AuthInfo: "z"}), kubeconfig.WithUser("z"))
	add("namespace", context(clientcmdapi.Context{Namespace: "o"}), kubeconfig.WithNamespace("o"))
	add("server", cluster(clientcmdapi.Cluster{Server: "https://o.example"}), kubeconfig.WithServer("https://o.example"))
	add("server without a scheme", cluster(clientcmdapi.Cluster{Server: "o.example"}), kubeconfig.WithServer("o.example"))
	add("server over http", cluster(clientcmdapi.Cluster{Server: "http://o.example"}), kubeconfig.WithServer("http://o.example"))
	add("tls-server-name", cluster(clientcmdapi.Cluster{TLSServerName: "o"}), kubeconfig.WithTLSServerName("o"))
	add("server and tls-server-name", cluster(clientcmdapi.Cluster{Server: "https://o.example", TLSServerName: "o"}),
		kubeconfig.WithServer("https://o.example"), kubeconfig.WithTLSServerName("o"))
	add("certificate-authority", cluster(clientcmdapi.Cluster{CertificateAuthority: "DIR/ca2.pem"}), kubeconfig.WithCertificateAuthority("DIR/ca2.pem"))
	add("insecure-skip-tls-verify", cluster(clientcmdapi.Cluster{InsecureSkipTLSVerify: true}), kubeconfig.WithInsecureSkipTLSVerify(true))
	add("insecure and a CA", cluster(clientcmdapi.Cluster{InsecureSkipTLSVerify: true, CertificateAuthority: "DIR/ca2.pem"}),
		kubeconfig.WithInsecureSkipTLSVerify(true), kubeconfig.WithCertificateAuthority("DIR/ca2.pem"))
	add("token", user(clientcmdapi.AuthInfo{Token: "o"}), kubeconfig.WithToken("o"))
	for _, u := range []string{"v", "w", "b"} {
		add("token over the user "+u, clientcmd.ConfigOverrides{AuthInfo: clientcmdapi.AuthInfo{Token: "o"}, Context: clientcmdapi.Context{AuthInfo: u}},
			kubeconfig.WithToken("o"), kubeconfig.WithUser(u))
	}
	for _, c := range slices.Clone(all) {
		if slices.Contains([]string{"option: server", "option: token", "option: namespace", "option: context"}, c.name) {
			c.name, c.files, c.explicit, c.list = c.name+", without a file", nil, "", []string{"none"}
			all = append(all, c)
		}
	}
	return all
}
