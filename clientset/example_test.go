package clientset_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/clientset"
	"github.com/skiff-k8s/skiff/rest"
)

// The deployments of a namespace. The server of the example stands in for a cluster: programs make c
// by rest.NewClient(cfg), with the cfg of kubeconfig.Load.
func Example() {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"kind": "DeploymentList", "apiVersion": "apps/v1", "metadata": {"resourceVersion": "9"},
			"items": [{"metadata": {"name": "dns"}, "status": {"availableReplicas": 2}}]}`)
	}))
	defer s.Close()
	c, err := rest.NewClient(&rest.Config{Host: s.URL})
	if err != nil {
		fmt.Println(err)
		return
	}

	list, err := clientset.New(c).AppsV1().Deployments("kube-system").List(context.Background(), metav1.ListOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, d := range list.Items {
		fmt.Println(d.Name, d.Status.AvailableReplicas)
	}
	// Output: dns 2
}
