package rest

import (
	"net/http"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// BenchmarkGet is what a request costs above the connection: building it, sending it to a function,
// reading and decoding the answer.
func BenchmarkGet(b *testing.B) {
	c, err := NewClient(&Config{Host: "https://server.example", BearerToken: "token",
		WrapTransport: func(http.RoundTripper) http.RoundTripper {
			return roundTripper(func(req *http.Request) (*http.Response, error) { return answer(req, 200, emptyConfigMap), nil })
		}})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		var cm corev1.ConfigMap
		if err := c.Get().Namespace("default").Resource("configmaps").Name("a").Do(b.Context()).Into(&cm); err != nil {
			b.Fatal(err)
		}
	}
}
