package rest

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// testProxy is a proxy on a port of its own: CONNECT, and requests to http URLs, or SOCKS 5. If it
// has a user, it asks for the password.
type testProxy struct {
	net.Listener
	user, password string
	answer         int // of CONNECT, if it is not 200

	mu    sync.Mutex
	hosts []string // the hosts as the client named them

	to    string // where each connection goes, if it is set
	conns sync.WaitGroup
}

// newTestProxy starts a proxy; serve is (*testProxy).connect or (*testProxy).socks.
func newTestProxy(t *testing.T, p *testProxy, l net.Listener, serve func(*testProxy, net.Conn) error) *testProxy {
	t.Helper()
	p.Listener = l
	open := map[net.Conn]bool{}
	p.conns.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			p.mu.Lock()
			open[conn] = true
			p.mu.Unlock()
			p.conns.Go(func() {
				defer conn.Close()
				_ = serve(p, conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		p.mu.Lock()
		for conn := range open {
			_ = conn.Close()
		}
		p.mu.Unlock()
		p.conns.Wait()
	})
	return p
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// connect serves a connection by RFC 9110 section 9.3.6.
func (p *testProxy) connect(client net.Conn) error {
	in := bufio.NewReader(client)
	req, err := http.ReadRequest(in)
	if err != nil {
		return err
	}
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte(p.user+":"+p.password))
	if p.user != "" && req.Header.Get("Proxy-Authorization") != want {
		_, err := fmt.Fprint(client, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
		return err
	}
	if p.answer != 0 {
		_, err := fmt.Fprintf(client, "HTTP/1.1 %d %s\r\nContent-Length: 0\r\n\r\n", p.answer, http.StatusText(p.answer))
		return err
	}
	if req.Method != http.MethodConnect {
		server, err := p.dial(req.Host)
		if err != nil {
			return err
		}
		defer server.Close()
		req.Close = true // one answer
		if err := req.Write(server); err != nil {
			return err
		}
		_, err = io.Copy(client, server)
		return err
	}
	server, err := p.dial(req.Host)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprint(client, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return err
	}
	return tunnel(client, server)
}

// socks serves a connection by RFC 1928, with a password by RFC 1929.
func (p *testProxy) socks(client net.Conn) error {
	read := func(n int) []byte {
		b := make([]byte, n)
		_, _ = io.ReadFull(client, b)
		return b
	}
	read(int(read(2)[1])) // version, methods
	if p.user == "" {
		_, _ = client.Write([]byte{5, 0})
	} else {
		_, _ = client.Write([]byte{5, 2})
		user := read(int(read(2)[1]))
		password := read(int(read(1)[0]))
		if string(user) != p.user || string(password) != p.password {
			_, err := client.Write([]byte{1, 1})
			return err
		}
		_, _ = client.Write([]byte{1, 0})
	}
	host := ""
	switch head := read(4); head[3] {
	case 1:
		host = net.IP(read(4)).String()
	case 3:
		host = string(read(int(read(1)[0])))
	}
	port := binary.BigEndian.Uint16(read(2))
	server, err := p.dial(net.JoinHostPort(host, strconv.Itoa(int(port))))
	if err != nil {
		_, _ = client.Write([]byte{5, 5, 0, 1, 0, 0, 0, 0, 0, 0})
		return err
	}
	_, _ = client.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	return tunnel(client, server)
}

func (p *testProxy) dial(addr string) (net.Conn, error) {
	p.mu.Lock()
	p.hosts = append(p.hosts, addr)
	p.mu.Unlock()
	if p.to != "" {
		addr = p.to
	}
	return net.Dial("tcp", addr)
}

func (p *testProxy) asked() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.hosts...)
}

func tunnel(client, server net.Conn) error {
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(server, client); _ = server.Close() })
	both.Go(func() { _, _ = io.Copy(client, server); _ = client.Close() })
	both.Wait()
	return nil
}

// proxies are the kinds of proxy that a proxy-url can name.
var proxies = map[string]func(*testProxy, net.Conn) error{
	"http":    (*testProxy).connect,
	"https":   (*testProxy).connect,
	"socks5":  (*testProxy).socks,
	"socks5h": (*testProxy).socks,
}

func setProxy(t *testing.T, cfg *Config, address string) {
	t.Helper()
	proxy, err := ProxyURL(address)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Proxy = proxy
}

// A server is reached through each kind of proxy, with and without a password, over HTTP/2, by the
// name that the Config has: the proxy resolves it.
func TestProxies(t *testing.T) {
	for scheme, serve := range proxies {
		for _, user := range []string{"", "joe"} {
			t.Run(scheme+"/"+user, func(t *testing.T) {
				ca := newAuthority(t, "ca")
				s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					fmt.Fprint(w, r.Proto, r.Header["Proxy-Authorization"])
				}))
				s.EnableHTTP2 = true
				s.TLS = serverTLS(ca.pair(t, "server.example"))
				s.StartTLS()
				t.Cleanup(s.Close)
				l := listen(t)
				if scheme == "https" {
					l = tlsListener(l, ca.pair(t, "proxy"))
				}
				p := newTestProxy(t, &testProxy{user: user, password: "p@ss/word", to: s.Listener.Addr().String()}, l, serve)
				cfg := &Config{Host: "https://server.example", TLS: TLSConfig{CAData: ca.pem}, BearerToken: "a-token", Logger: quiet()}
				u := url.URL{Scheme: scheme, Host: p.Addr().String()}
				if user != "" {
					u.User = url.UserPassword(user, "p@ss/word")
				}
				setProxy(t, cfg, u.String())
				c := newClient(t, cfg)
				defer c.CloseIdleConnections()
				got, err := c.Get().AbsPath("/").DoRaw(t.Context())
				if err != nil || string(got) != "HTTP/2.0[]" {
					t.Errorf("%s, %v", got, err)
				}
				if asked := p.asked(); len(asked) != 1 || asked[0] != "server.example:443" {
					t.Errorf("the proxy was asked for %q", asked)
				}
			})
		}
	}
}

// A loopback Host is reached through the proxy that the Config names, unlike that of the
// environment. Credentials are not sent to it unencrypted unless the proxy is this machine's, too.
func TestProxyForPlainHTTP(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hi") }))
	t.Cleanup(s.Close)
	p := newTestProxy(t, &testProxy{}, listen(t), (*testProxy).connect)
	cfg := &Config{Host: s.URL, BearerToken: "a-token", Logger: quiet()}
	setProxy(t, cfg, "http://"+p.Addr().String())
	c := newClient(t, cfg)
	defer c.CloseIdleConnections()
	if got, err := c.Get().AbsPath("/").DoRaw(t.Context()); err != nil || string(got) != "hi" || len(p.asked()) != 1 {
		t.Errorf("%q, %v, %q", got, err, p.asked())
	}
	setProxy(t, cfg, "http://proxy.example")
	dials := 0
	cfg.Dial = failingDial(&dials)
	err := newClient(t, cfg).Get().AbsPath("/").Do(t.Context()).Error()
	if !errors.Is(err, errPlaintext) || dials != 0 {
		t.Errorf("%d connections, %v", dials, err)
	}
	cfg.PlaintextCredentials = true
	if err := newClient(t, cfg).Get().AbsPath("/").Do(t.Context()).Error(); errors.Is(err, errPlaintext) || dials == 0 {
		t.Errorf("permitted: %d connections, %v", dials, err)
	}
}

// An error names the proxy and what to do, and shows no password; what another attempt would meet
// again is not repeated.
func TestErrorsOfAProxy(t *testing.T) {
	const password = "pr0xy-password"
	for name, test := range map[string]struct {
		scheme string
		proxy  *testProxy // nil: nothing listens there
		user   *url.Userinfo
		tries  int
		want   []string
	}{
		"refused":                 {"http", &testProxy{answer: 403}, nil, 1, []string{"the proxy at http://127.0.0.1:", "403 Forbidden"}},
		"no password":             {"http", &testProxy{user: "joe", password: password}, nil, 1, []string{"407", "set a user and a password"}},
		"a wrong password":        {"http", &testProxy{user: "joe", password: "x"}, url.UserPassword("joe", password), 1, []string{"407", "check the user and the password"}},
		"overload":                {"http", &testProxy{answer: 502}, nil, 1 + maxBroken, []string{"502 Bad Gateway", "sent 4 times"}},
		"nothing":                 {"http", nil, url.UserPassword("joe", password), 1 + maxBroken, []string{"proxyconnect", "check the address of the proxy"}},
		"socks, nothing":          {"socks5", nil, url.UserPassword("joe", password), 1 + maxBroken, []string{"proxyconnect", "check the address of the proxy"}},
		"socks, a wrong password": {"socks5", &testProxy{user: "joe", password: "x"}, url.UserPassword("joe", password), 1 + maxBroken, []string{"socks connect", "check the address of the proxy"}},
		"socks, no way":           {"socks5", &testProxy{to: "127.0.0.1:1"}, nil, 1 + maxBroken, []string{"socks connect", "connection refused"}},
	} {
		t.Run(name, func(t *testing.T) {
			l := listen(t)
			address := l.Addr().String()
			if test.proxy == nil {
				_ = l.Close()
			} else {
				newTestProxy(t, test.proxy, l, proxies[test.scheme])
			}
			var log logBuffer
			cfg := &Config{Host: "https://server.example", Logger: log.logger()}
			setProxy(t, cfg, (&url.URL{Scheme: test.scheme, User: test.user, Host: address}).String())
			tries := 0
			cfg.Dial = countDials(&tries)
			err := newClient(t, cfg).Get().Resource("pods").Do(t.Context()).Error()
			if err == nil || tries != test.tries {
				t.Fatalf("after %d connections: %v", tries, err)
			}
			mustContain(t, err.Error(), append(test.want, "list pods at https://server.example")...)
			if strings.Contains(err.Error(), "is the API server running there") {
				t.Error(err)
			}
			for _, text := range append(printed(err), log.String()) {
				if as, yes := shows(text, password); yes {
					t.Errorf("it shows the password, %s: %s", as, text)
				}
			}
		})
	}
}

// A proxy may repeat the password in its answer.
func TestAProxyThatRepeatsThePassword(t *testing.T) {
	const password = "pr0xy-password"
	for encoding, encode := range encodings {
		l := listen(t)
		p := &testProxy{}
		newTestProxy(t, p, l, func(_ *testProxy, conn net.Conn) error {
			if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
				return err
			}
			_, err := fmt.Fprintf(conn, "HTTP/1.1 407 no: %s\r\n\r\n", encode(password))
			return err
		})
		cfg := &Config{Host: "https://server.example", Logger: quiet()}
		setProxy(t, cfg, "http://joe:"+password+"@"+l.Addr().String())
		err := newClient(t, cfg).Get().Resource("pods").Do(t.Context()).Error()
		for _, text := range printed(err) {
			if as, yes := shows(text, password); yes {
				t.Errorf("%s: it shows the password, %s: %s", encoding, as, text)
			}
		}
		mustContain(t, err.Error(), "407", redacted)
	}
}

// The address of a proxy is checked before it is used, and none of it that may be a secret is
// repeated.
func TestTheAddressOfAProxy(t *testing.T) {
	for address, want := range map[string]string{
		"":                                 "scheme",
		"proxy.example:3128":               "scheme",
		"ftp://proxy.example":              "scheme",
		"//joe:hunter2@proxy":              "scheme",
		"http://":                          "names no host",
		"http://joe:hunter2@":              "names no host",
		"http://joe:hunter2@proxy:port":    "not a URL",
		"http://joe:hunter2%zz@proxy":      "not a URL",
		"http://joe:hunter2 @proxy":        "not a URL",
		"http://joe:hun/ter2@proxy":        "not a URL",
		"http://[::1":                      "not a URL",
		"http://proxy.example":             "",
		"https://joe:hunter2@proxy:8443":   "",
		"socks5://[2001:db8::1]:1080":      "",
		"socks5h://joe:hunter2@proxy:1080": "",
	} {
		proxy, err := ProxyURL(address)
		if (proxy != nil) != (err == nil) || (err == nil) != (want == "") {
			t.Errorf("%s: %v", address, err)
		}
		if err != nil {
			mustContain(t, err.Error(), "rest: parse the address of a proxy: ", want)
			if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "ter2") {
				t.Errorf("%s: %v", address, err)
			}
		}
	}
}

// A Config.Proxy of the caller's own may return what net/http cannot use, and errors.
func TestAProxyFunction(t *testing.T) {
	_, unparsed := url.Parse(fmt.Sprint("http://joe:hunter22@proxy:", "port"))
	for name, test := range map[string]struct {
		proxy func(*http.Request) (*url.URL, error)
		want  string
	}{
		"an error":       {func(*http.Request) (*url.URL, error) { return nil, errors.New("none today") }, "use the proxy of Config.Proxy: none today"},
		"a url.Error":    {func(*http.Request) (*url.URL, error) { return nil, fmt.Errorf("x: %w", unparsed) }, "its address is not a URL"},
		"another scheme": {func(*http.Request) (*url.URL, error) { return &url.URL{Scheme: "ftp", Host: "x"}, nil }, "its scheme is not"},
	} {
		dials := 0
		c := newClient(t, &Config{Host: "https://server.example", Logger: quiet(), Proxy: test.proxy, Dial: failingDial(&dials)})
		err := c.Get().Resource("pods").Do(t.Context()).Error()
		if err == nil || dials != 0 || strings.Contains(err.Error(), "hunter22") || strings.Contains(err.Error(), "sent") {
			t.Errorf("%s: %d connections, %v", name, dials, err)
		}
		mustContain(t, err.Error(), test.want)
	}
	dials := 0
	c := newClient(t, &Config{Host: "https://server.example", Logger: quiet(), Dial: failingDial(&dials),
		Proxy: func(*http.Request) (*url.URL, error) { return nil, nil }})
	if err := c.Get().Resource("pods").Do(t.Context()).Error(); dials == 0 || strings.Contains(err.Error(), "proxy") {
		t.Errorf("no proxy: %v", err)
	}
}

// The environment's proxy is used if the Config names none, in a process of its own because
// net/http reads the environment once.
func TestTheProxyOfTheEnvironment(t *testing.T) {
	if os.Getenv("SKIFF_PROXY_HOST") != "" {
		cfg := &Config{Host: os.Getenv("SKIFF_PROXY_HOST"), Logger: quiet()}
		cfg.TLS.CAFile = os.Getenv("SKIFF_PROXY_CA")
		cfg.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			if strings.HasSuffix(addr, ":443") {
				return nil, errors.New("it goes directly")
			}
			return (&net.Dialer{}).DialContext(ctx, network, addr)
		}
		got, err := newClient(t, cfg).Get().AbsPath("/").DoRaw(t.Context())
		fmt.Printf("the answer is %q, %v\n", got, err)
		return
	}
	ca := newAuthority(t, "ca")
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hi") }))
	s.TLS = serverTLS(ca.pair(t, "server.example"))
	s.StartTLS()
	t.Cleanup(s.Close)
	file := writeFile(t, "ca.crt", ca.pem)
	for name, test := range map[string]struct {
		host, no, variable string
		used               bool
		want               string
	}{
		"HTTPS_PROXY":    {"https://server.example", "", "HTTPS_PROXY", true, `"hi", <nil>`},
		"lower case":     {"https://server.example", "", "https_proxy", true, `"hi", <nil>`},
		"NO_PROXY":       {"https://server.example", ".example", "HTTPS_PROXY", false, "it goes directly"},
		"NO_PROXY, CIDR": {"https://192.0.2.7", "192.0.2.0/24,10.96.0.1", "HTTPS_PROXY", false, "it goes directly"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newTestProxy(t, &testProxy{to: s.Listener.Addr().String()}, listen(t), (*testProxy).connect)
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTheProxyOfTheEnvironment$", "-test.timeout=1m")
			for _, kv := range os.Environ() {
				if name, _, _ := strings.Cut(kv, "="); !strings.HasSuffix(strings.ToUpper(name), "_PROXY") {
					cmd.Env = append(cmd.Env, kv)
				}
			}
			cmd.Env = append(cmd.Env, "SKIFF_PROXY_HOST="+test.host, "SKIFF_PROXY_CA="+file, "NO_PROXY="+test.no, test.variable+"=http://"+p.Addr().String())
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			mustContain(t, string(out), test.want)
			if used := len(p.asked()) > 0; used != test.used {
				t.Errorf("the proxy is used: %v; %s", used, out)
			}
		})
	}
}
