// custom-client connects without a kubeconfig: to an address, with a certificate authority and a
// token of files, through a proxy if there is one. It prints every attempt of a request.
//
//	go run ./examples/custom-client --server URL --ca FILE --token FILE [--proxy URL]
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/rest"
)

func main() {
	server := flag.String("server", "", "the `URL` of the API server")
	ca := flag.String("ca", "", "the `file` of the certificates that the server is trusted by")
	token := flag.String("token", "", "the `file` of the token, which may change")
	proxy := flag.String("proxy", "", "the `URL` of a proxy (default: that of the environment)")
	flag.Parse()
	cfg := &rest.Config{
		Host:            *server,
		TLS:             rest.TLSConfig{CAFile: *ca},
		BearerTokenFile: *token,
		UserAgent:       "custom-client",
		Timeout:         30 * time.Second,
		MaxRetries:      3,
	}
	if *proxy != "" {
		var err error
		cfg.Proxy, err = rest.ProxyURL(*proxy)
		exitOn(err)
	}
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			began := time.Now()
			answer, err := next.RoundTrip(r)
			if err == nil {
				took := time.Since(began).Round(time.Millisecond)
				fmt.Println(r.Method, r.URL.Path, answer.StatusCode, "after", took)
			}
			return answer, err
		})
	})
	c, err := rest.NewClient(cfg)
	exitOn(err)
	for ns, err := range client.Of[corev1.Namespace](c).All(context.Background(),
		metav1.ListOptions{}) {
		exitOn(err)
		fmt.Println(ns.Name, ns.Status.Phase)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func exitOn(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
