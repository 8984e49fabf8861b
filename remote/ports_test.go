package remote

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func TestPortsAreParsed(t *testing.T) {
	for text, want := range map[string]ports{
		"80": {same: true, remote: "80"}, "8080:80": {local: 8080, remote: "80"}, ":80": {remote: "80"}, "0:80": {remote: "80"},
		"65535": {same: true, remote: "65535"}, "65535:1": {local: 65535, remote: "1"}, "http": {same: true, remote: "http"},
		"1:http": {local: 1, remote: "http"}, ":http": {remote: "http"},
		"": {}, ":": {}, "80:": {}, "0": {}, "65536": {}, "65536:80": {}, "8080:0": {}, "a:80": {}, "1:2:3": {}, "-1": {}, "1:-1": {},
	} {
		got, err := parsePorts(text)
		if want.text = text; (err == nil) != (want.remote != "") || err == nil && got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

func TestPortsByName(t *testing.T) {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: corev1.PodSpec{
			Containers: []corev1.Container{
				{Ports: []corev1.ContainerPort{{ContainerPort: 1}, {Name: "dns", ContainerPort: 53, Protocol: corev1.ProtocolUDP}}},
				{Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080, Protocol: corev1.ProtocolTCP}}},
			},
			InitContainers: []corev1.Container{{Ports: []corev1.ContainerPort{{Name: "proxy", ContainerPort: 15001}}}},
		},
	}
	svc := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "front"},
		Spec: corev1.ServiceSpec{ClusterIP: "10.0.0.1", Ports: []corev1.ServicePort{
			{Name: "web", Port: 80, TargetPort: intstr.FromString("http")},
			{Name: "metrics", Port: 81, TargetPort: intstr.FromInt32(9090)},
			{Name: "same", Port: 82},
			{Name: "lost", Port: 83, TargetPort: intstr.FromString("none")},
			{Name: "dns", Port: 53, Protocol: corev1.ProtocolUDP},
		}},
	}
	headless := svc.DeepCopy()
	headless.Spec.ClusterIP = corev1.ClusterIPNone
	for name, test := range map[string]struct {
		svc         *corev1.Service
		remote      string
		front, back uint16
		err         string
	}{
		"a number":         {nil, "1234", 1234, 1234, ""},
		"a name":           {nil, "http", 8080, 8080, ""},
		"a sidecar's":      {nil, "proxy", 15001, 15001, ""},
		"UDP":              {nil, "dns", 0, 0, `no container of pod web names a TCP port "dns"; there are http, proxy`},
		"a service's name": {svc, "web", 80, 8080, ""},
		"its number":       {svc, "80", 80, 8080, ""},
		"a target number":  {svc, "metrics", 81, 9090, ""},
		"no target":        {svc, "82", 82, 82, ""},
		"a lost target":    {svc, "83", 0, 0, `names a TCP port "none"`},
		"no such port":     {svc, "8080", 0, 0, "service front has no such TCP port; it has 80 web, 81 metrics, 82 same, 83 lost"},
		"a service's UDP":  {svc, "53", 0, 0, "no such TCP port"},
		"headless":         {headless, "web", 80, 80, ""},
	} {
		one, err := parsePorts(":" + test.remote)
		if err != nil {
			t.Fatal(err)
		}
		var front, back uint16
		if test.svc == nil {
			back, err = podPort(pod, one)
			front = back
		} else {
			front, back, err = servicePort(test.svc, pod, one)
		}
		switch {
		case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)):
			t.Errorf("%s: %v", name, err)
		case test.err == "" && (err != nil || front != test.front || back != test.back):
			t.Errorf("%s: %d, %d, %v", name, front, back, err)
		}
	}
}

// One connection at most: the second one waits, says so, and goes on when the first one has ended.
func TestTheLimitOfConnections(t *testing.T) {
	for _, limit := range []int{1, 2, -1} {
		told := make(chan error, 10)
		f, err := Forward(t.Context(), echoKubelet(t), "default", "web", ForwardOptions{
			Ports: []string{":80"}, Addresses: []string{"127.0.0.1"}, MaxConns: limit, OnError: func(err error) { told <- err },
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- f.Run(ctx) }()
		dial := func() net.Conn {
			conn, err := net.Dial("tcp", f.Ports()[0].Local.String())
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(conn, "hello")
			return conn
		}
		echo := func(conn net.Conn) {
			t.Helper()
			if _, err := io.ReadFull(conn, make([]byte, len("hello"))); err != nil {
				t.Errorf("%d: %v", limit, err)
			}
		}
		first := dial()
		echo(first)
		second := dial()
		if limit == 1 {
			if err := <-told; !strings.Contains(err.Error(), "1 connections are open, which is the limit") {
				t.Errorf("told: %v", err)
			}
			first.Close()
			echo(second)
		} else {
			echo(second)
			first.Close()
		}
		if len(told) > 0 {
			t.Errorf("%d: told %v", limit, <-told)
		}
		second.Close()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	// The end of a Forwarder on which a connection waits.
	for _, end := range []string{"ctx", "Close"} {
		told := make(chan error, 10)
		f, err := Forward(t.Context(), echoKubelet(t), "default", "web", ForwardOptions{
			Ports: []string{":80"}, Addresses: []string{"127.0.0.1"}, MaxConns: 1, OnError: func(err error) { told <- err },
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- f.Run(ctx) }()
		for range 2 {
			conn, err := net.Dial("tcp", f.Ports()[0].Local.String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
		}
		<-told
		if end == "ctx" {
			cancel()
		} else {
			f.Close()
		}
		if err := <-ended; err != nil {
			t.Errorf("%s: %v", end, err)
		}
		cancel()
	}
}

func TestMistakesOfServices(t *testing.T) {
	c := apiServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/api/v1/namespaces/default/services/front":
			io.WriteString(w, `{"kind":"Service","apiVersion":"v1","metadata":{"name":"front"},"spec":{"selector":{"app":"web"},"ports":[{"port":80}]}}`)
		case "/api/v1/namespaces/default/services/outside":
			io.WriteString(w, `{"kind":"Service","apiVersion":"v1","metadata":{"name":"outside"},"spec":{"ports":[{"port":80}]}}`)
		case "/api/v1/namespaces/default/pods":
			if r.URL.Query().Get("labelSelector") != "app=web" {
				t.Errorf("the request is %s", r.URL)
			}
			io.WriteString(w, `{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[{"metadata":{"name":"a"},"status":{"phase":"Pending"}}]}`)
		default:
			t.Errorf("the request is %s", r.URL)
		}
	})
	for service, want := range map[string]string{
		"front": "none that it selects runs", "outside": "it has no selector", "": "the name of the pod is missing",
	} {
		_, err := Forward(t.Context(), c, "default", "", ForwardOptions{Service: service, Ports: []string{":80"}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", service, err)
		}
	}
}
