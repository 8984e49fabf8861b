package faults_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/skiff-k8s/skiff/faults"
	"github.com/skiff-k8s/skiff/kind"
)

var configMaps = kind.Info{Version: "v1", Kind: "ConfigMap", Resource: "configmaps", Namespaced: true}

// A script plays the server, request by request. In a bubble of synctest an hour takes no time.
func Example_script() {
	t := &testing.T{} // the test's own
	synctest.Test(t, func(t *testing.T) {
		script := faults.NewScript(t)
		server := faults.Start(t, script, faults.Options{})
		client := &http.Client{Transport: server.Transport()}
		go func() {
			resp, err := client.Get(server.URL() + "/api/v1/configmaps?limit=500")
			fmt.Println(resp.Status, err)
			_ = resp.Body.Close()
		}()
		script.Expect("page most recent").Status(503, faults.RetryAfter(60))
		synctest.Wait()
	})
	// Output: 503 Service Unavailable <nil>
}
