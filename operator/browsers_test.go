package operator_test

import (
	"net/http"
	"testing"

	"github.com/skiff-k8s/skiff/operator"
)

// What the web pages of other sites ask for in the browser of somebody who forwards a port is refused.
func TestRequestsOfOtherSites(t *testing.T) {
	settings := anyPort
	settings.Page, settings.Pprof = true, true
	r := start(t, operator.New(operator.Options{Settings: settings, Logger: logger(t)}))
	const page, state, profile = "/debug/skiff/", "/debug/skiff/state", "/debug/pprof/cmdline"
	for _, tt := range []struct {
		path, site, mode string
		want             int
	}{
		{page, "", "", 200},
		{state, "", "", 200},
		{profile, "", "", 200},
		{page, "none", "navigate", 200},
		{profile, "none", "navigate", 200},
		{state, "same-origin", "cors", 200},
		{profile, "same-origin", "navigate", 200},
		{page, "cross-site", "navigate", 200},
		{page, "same-site", "navigate", 200}, // another port of localhost
		{page, "cross-site", "no-cors", 403},
		{page, "same-site", "cors", 403},
		{state, "cross-site", "navigate", 403},
		{state, "cross-site", "no-cors", 403},
		{state, "same-site", "cors", 403},
		{profile, "cross-site", "navigate", 403},
		{profile, "cross-site", "no-cors", 403},
		{profile, "same-site", "no-cors", 403},
		{profile, "new", "no-cors", 403},
		{"/debug/skiff/events", "cross-site", "no-cors", 403},
	} {
		var header []string
		if tt.site != "" {
			header = append(header, "Sec-Fetch-Site", tt.site, "Sec-Fetch-Mode", tt.mode)
		}
		if code, body := r.get(2, tt.path, header...); code != tt.want {
			t.Errorf("%s from %q to %q: %d %.80s, want %d", tt.path, tt.site, tt.mode, code, body, tt.want)
		}
	}
	if err := r.ends(); err != nil {
		t.Error(err)
	}
}

// By another name, as after DNS rebinding, this machine's metrics are refused. Where others reach
// them they have names, and with authorization they need none.
func TestMetricsByAnotherName(t *testing.T) {
	for address, want := range map[string]int{"127.0.0.1:0": 403, "0.0.0.0:0": 200} {
		settings := anyPort
		settings.MetricsAddress = address
		r := start(t, operator.New(operator.Options{Settings: settings, Logger: logger(t)}))
		for host, want := range map[string]int{"evil.example.com": want, "localhost:1": 200, "127.0.0.1:1": 200, "[::1]:1": 200} {
			req, err := http.NewRequestWithContext(r.ctx, http.MethodGet, "http://"+r.Addresses().Metrics.String()+"/metrics", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Host = host
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != want {
				t.Errorf("/metrics of %s as %s: %d, want %d", address, host, resp.StatusCode, want)
			}
		}
		if err := r.ends(); err != nil {
			t.Error(err)
		}
	}
}
