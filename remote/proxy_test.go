package remote

import (
	"errors"
	"net/http"
	"testing"

	"github.com/skiff-k8s/skiff/kind"
)

func TestProxiesOfNothing(t *testing.T) {
	c := apiServer(t, func(w http.ResponseWriter, r *http.Request) { t.Errorf("a request was sent: %s", r.URL) })
	for name, proxy := range map[string]http.RoundTripper{
		"no namespace": ServiceProxy(c, "", "web"),
		"no name":      PodProxy(c, "default", ""),
	} {
		resp, err := (&http.Client{Transport: proxy}).Get("http://web/")
		if err == nil {
			resp.Body.Close()
			t.Errorf("%s: %s", name, resp.Status)
		}
		if name == "no namespace" && !errors.As(err, new(*kind.MisuseError)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
