package rest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/wire"
)

// hungServers are servers that stop at some point of the answer. A pause of 0 is for ever.
var hungServers = map[string]func(pause time.Duration) http.HandlerFunc{
	"never answers": func(pause time.Duration) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { stall(r, pause) }
	},
	"sends a header only": func(pause time.Duration) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { send(w, ""); stall(r, pause) }
	},
	"stalls in the middle": func(pause time.Duration) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { send(w, listHead+emptyConfigMap); stall(r, pause) }
	},
	"trickles": func(time.Duration) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			for send(w, listHead); r.Context().Err() == nil; stall(r, time.Second) {
				send(w, emptyConfigMap+",")
			}
		}
	},
}

func send(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", jsonOnly)
	fmt.Fprint(w, text)
	_ = http.NewResponseController(w).Flush()
}

func stall(r *http.Request, d time.Duration) {
	if d == 0 {
		<-r.Context().Done()
		return
	}
	select {
	case <-r.Context().Done():
	case <-time.After(d):
	}
}

// against calls use with a client of a server on synctest's clock, and returns how long it takes.
func against(t *testing.T, handler http.HandlerFunc, change func(*Config), use func(*Client) error) (took time.Duration, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		network := newPipeNet()
		cfg, stop := network.serve(t, true, handler)
		change(cfg)
		c := newClient(t, cfg)
		began := time.Now()
		err = use(c)
		took = time.Since(began)
		c.CloseIdleConnections()
		stop()
	})
	return took, err
}

func readList(ctx context.Context, r *Request) error {
	s, err := r.List(ctx, wire.Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	for {
		if _, err := s.Next(); err != nil {
			return err
		}
	}
}

// A hung server is bounded by what the caller set, whatever it is that hangs; and by two minutes of
// silence if nothing is set.
func TestAHungServerIsBounded(t *testing.T) {
	two := int64(2)
	options := &metav1.ListOptions{TimeoutSeconds: &two}
	none := func(*Config) {}
	twoSeconds := func(cfg *Config) { cfg.Timeout = 2 * time.Second }
	for server, handler := range hungServers {
		for name, test := range map[string]struct {
			change func(*Config)
			use    func(*Client) error
			want   time.Duration
		}{
			"Config.Timeout, List": {twoSeconds, func(c *Client) error { return readList(context.Background(), c.Get().Resource("configmaps")) }, 2 * time.Second},
			"Config.Timeout, Do":   {twoSeconds, func(c *Client) error { return c.Get().Resource("configmaps").Do(context.Background()).Error() }, 2 * time.Second},
			"Config.Timeout, Post": {twoSeconds, func(c *Client) error {
				return c.Post().Resource("configmaps").Body([]byte("{}")).Do(context.Background()).Error()
			}, 2 * time.Second},
			"Request.Timeout, List": {none, func(c *Client) error {
				return readList(context.Background(), c.Get().Resource("configmaps").Timeout(2*time.Second))
			}, 2 * time.Second},
			"TimeoutSeconds, List": {none, func(c *Client) error {
				return readList(context.Background(), c.Get().Resource("configmaps").VersionedParams(options))
			}, 2 * time.Second},
			"TimeoutSeconds, Do": {none, func(c *Client) error {
				return c.Get().Resource("configmaps").VersionedParams(options).Do(context.Background()).Error()
			}, 2 * time.Second},
			"TimeoutSeconds, delete all": {none, func(c *Client) error {
				return c.Delete().Resource("configmaps").VersionedParams(options).Do(context.Background()).Error()
			}, 2 * time.Second},
			"the shorter one": {func(cfg *Config) { cfg.Timeout = time.Hour }, func(c *Client) error {
				return readList(context.Background(), c.Get().Resource("configmaps").VersionedParams(options))
			}, 2 * time.Second},
			"nothing, List": {none, func(c *Client) error { return readList(context.Background(), c.Get().Resource("configmaps")) }, 2 * time.Minute},
			"nothing, Do":   {none, func(c *Client) error { return c.Get().Resource("configmaps").Do(context.Background()).Error() }, 2 * time.Minute},
			"nothing, Put": {none, func(c *Client) error {
				return c.Put().Resource("configmaps").Name("a").Body([]byte("{}")).Do(context.Background()).Error()
			}, 2 * time.Minute},
			"Config.SilenceTimeout, List":     {func(cfg *Config) { cfg.SilenceTimeout = 7 * time.Second }, func(c *Client) error { return readList(context.Background(), c.Get().Resource("configmaps")) }, 7 * time.Second},
			"Config.Timeout of 5 minutes, Do": {func(cfg *Config) { cfg.Timeout = 5 * time.Minute }, func(c *Client) error { return c.Get().Resource("configmaps").Do(context.Background()).Error() }, 5 * time.Minute},
		} {
			if server == "trickles" && (strings.HasPrefix(name, "nothing") || strings.Contains(name, "Silence")) {
				continue // it is not silent
			}
			t.Run(server+"/"+name, func(t *testing.T) {
				took, err := against(t, handler(0), test.change, test.use)
				if server == "trickles" && strings.HasSuffix(name, "List") {
					if err == nil || took > test.want {
						t.Errorf("after %v: %v", took, err)
					}
					return
				}
				if !errors.Is(err, context.DeadlineExceeded) || took != test.want {
					t.Fatalf("after %v, not %v: %v", took, test.want, err)
				}
				mustContain(t, err.Error(), "configmaps", "https://server.example")
			})
		}
	}
}

// A silence of the limit is over, one that is shorter is not.
func TestTheLimitOfSilence(t *testing.T) {
	for pause, good := range map[time.Duration]bool{DefaultSilenceTimeout - time.Millisecond: true, DefaultSilenceTimeout + time.Millisecond: false} {
		for server, handler := range map[string]http.HandlerFunc{
			"header": func(w http.ResponseWriter, r *http.Request) { stall(r, pause); send(w, listHead+"]}") },
			"body":   func(w http.ResponseWriter, r *http.Request) { send(w, listHead); stall(r, pause); send(w, "]}") },
		} {
			for name, use := range map[string]func(*Client) error{
				"Do":   func(c *Client) error { return c.Get().Resource("configmaps").Do(context.Background()).Error() },
				"List": func(c *Client) error { return readList(context.Background(), c.Get().Resource("configmaps")) },
			} {
				_, err := against(t, handler, func(*Config) {}, use)
				if err == io.EOF {
					err = nil
				}
				if (err == nil) != good || !good && !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%s, %s, %v of silence: %v", server, name, pause, err)
				}
			}
		}
	}
}

// A watch is bounded up to its header, and by its own timeoutSeconds; a healthy one is not cut.
func TestTheBoundsOfAWatch(t *testing.T) {
	ten := int64(10)
	open := func(c *Client, o *metav1.ListOptions) error {
		s, err := c.Get().Resource("configmaps").VersionedParams(o).Watch(context.Background(), wire.Options{})
		for err == nil {
			_, err = s.Next()
		}
		return err
	}
	hour := func(w http.ResponseWriter, r *http.Request) { // an event each 20 minutes, and the end
		for range 3 {
			send(w, watched)
			stall(r, 20*time.Minute)
		}
	}
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		change  func(*Config)
		options metav1.ListOptions
		want    time.Duration
		good    bool
	}{
		"a healthy one":                 {hour, func(cfg *Config) { cfg.Timeout = time.Second; cfg.SilenceTimeout = time.Second }, metav1.ListOptions{}, time.Hour, true},
		"one that ends in time":         {func(w http.ResponseWriter, r *http.Request) { send(w, watched); stall(r, 10*time.Second+watchGrace-1) }, func(*Config) {}, metav1.ListOptions{TimeoutSeconds: &ten}, 10*time.Second + watchGrace - 1, true},
		"one that does not end in time": {hour, func(*Config) {}, metav1.ListOptions{TimeoutSeconds: &ten}, 10*time.Second + watchGrace, false},
		"no header, Config.Timeout":     {hungServers["never answers"](0), func(cfg *Config) { cfg.Timeout = 2 * time.Second }, metav1.ListOptions{}, 2 * time.Second, false},
		"no header":                     {hungServers["never answers"](0), func(*Config) {}, metav1.ListOptions{}, 2 * time.Minute, false},
	} {
		took, err := against(t, test.handler, test.change, func(c *Client) error { return open(c, &test.options) })
		if took != test.want || (err == io.EOF) != test.good || !test.good && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: after %v, not %v: %v", name, took, test.want, err)
		}
	}
}

// What the caller takes between two objects does not count against the timeout.
func TestTheCallersTimeDoesNotCount(t *testing.T) {
	slow := func(w http.ResponseWriter, r *http.Request) {
		send(w, listHead+emptyConfigMap)
		send(w, ","+emptyConfigMap+"]}")
	}
	_, err := against(t, slow, func(cfg *Config) { cfg.Timeout, cfg.SilenceTimeout = time.Second, time.Second }, func(c *Client) error {
		s, err := c.Get().Resource("configmaps").List(context.Background(), wire.Options{})
		for err == nil {
			_, err = s.Next()
			time.Sleep(time.Minute)
		}
		return err
	})
	if err != io.EOF {
		t.Errorf("ends with %v", err)
	}
}

// The request has the timeout as a parameter where the server understands it.
func TestTheTimeoutIsSent(t *testing.T) {
	two := int64(2)
	c, s := recorder(t, func(cfg *Config) { cfg.Timeout = 90 * time.Second })
	for _, test := range []struct {
		r    *Request
		want string
	}{
		{c.Get().Resource("pods"), "timeout=1m30s"},
		{c.Get().Resource("pods").Timeout(1500 * time.Millisecond), "timeout=1.5s"},
		{c.Get().Resource("pods").Timeout(-1), ""},
		{c.Get().Resource("pods").Param("timeout", "7s"), "timeout=7s"},
		{c.Post().Resource("pods").Body([]byte("{}")), "timeout=1m30s"},
		{c.Delete().Resource("pods").VersionedParams(&metav1.ListOptions{TimeoutSeconds: &two}), "timeout=2s&timeoutSeconds=2"},
		{c.Get().Resource("services").Name("a").SubResource("proxy", "metrics"), ""},
		{c.Get().AbsPath("/version"), ""},
	} {
		if err := test.r.Do(t.Context()).Error(); err != nil {
			t.Errorf("%s: %v", test.want, err)
		}
		if _, query, _ := strings.Cut(s.url, "?"); query != test.want {
			t.Errorf("the query is %q, not %q", query, test.want)
		}
	}
}
