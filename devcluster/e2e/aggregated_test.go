package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// An aggregated API server believes what X-Remote-User says only from who has the front proxy's
// certificate, and finds the authority of that in a ConfigMap.
func TestAnAggregatedAPIIsServedOnBehalfOfItsUsers(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	_, _, _, ready := m.controlled("--no-controller-manager")
	c := newClient(t, ready.Kubeconfig)

	var config struct{ Data map[string]string }
	answer := c.must(200, "GET", "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication", "")
	if err := json.Unmarshal([]byte(answer), &config); err != nil {
		t.Fatal(err)
	}
	if names := config.Data["requestheader-allowed-names"]; names != `["front-proxy-client"]` {
		t.Errorf("requestheader-allowed-names is %s", names)
	}
	proxies, clients := x509.NewCertPool(), x509.NewCertPool()
	if !proxies.AppendCertsFromPEM([]byte(config.Data["requestheader-client-ca-file"])) ||
		!clients.AppendCertsFromPEM([]byte(config.Data["client-ca-file"])) {
		t.Fatalf("the ConfigMap has no authority: %s", answer)
	}
	if proxies.Equal(clients) {
		t.Error("a client's certificate passes for the front proxy's: both have the same authority")
	}

	aggregated := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(r.URL.Path, "/whoami") {
			fmt.Fprintf(w, `{"proxy":%q,"user":%q,"groups":%q}`, r.TLS.PeerCertificates[0].Subject.CommonName,
				r.Header.Get("X-Remote-User"), strings.Join(r.Header["X-Remote-Group"], ","))
			return
		}
		fmt.Fprint(w, `{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"zoo.example.com/v1","resources":[]}`)
	}))
	aggregated.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: proxies}
	aggregated.StartTLS()
	t.Cleanup(aggregated.Close)

	// A Service with a name in place of a selector: the API server goes to this machine.
	port := aggregated.Listener.Addr().(*net.TCPAddr).Port
	c.must(201, "POST", "/api/v1/namespaces/default/services", `{"apiVersion":"v1","kind":"Service","metadata":{"name":"zoo"},`+
		`"spec":{"type":"ExternalName","externalName":"localhost","ports":[{"port":`+fmt.Sprint(port)+`}]}}`)
	c.must(201, "POST", "/apis/apiregistration.k8s.io/v1/apiservices", `{"apiVersion":"apiregistration.k8s.io/v1","kind":"APIService",`+
		`"metadata":{"name":"v1.zoo.example.com"},"spec":{"group":"zoo.example.com","version":"v1","groupPriorityMinimum":100,`+
		`"versionPriority":100,"insecureSkipTLSVerify":true,"service":{"namespace":"default","name":"zoo","port":`+fmt.Sprint(port)+`}}}`)
	c.await("/apis/apiregistration.k8s.io/v1/apiservices/v1.zoo.example.com", `"type":"Available","status":"True"`)
	c.await("/apis/zoo.example.com/v1/whoami", `{"proxy":"front-proxy-client","user":"devcluster-admin",`+
		`"groups":"system:masters,system:authenticated"}`)
}
