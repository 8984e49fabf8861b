package kubelet

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apiserver/pkg/util/flushwriter"
	"k8s.io/cri-streaming/pkg/streaming/portforward"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/apis/core/install" // how a query becomes PodLogOptions

	"github.com/skiff-k8s/skiff/devcluster/internal/cluster"
)

// The times of a kubelet: streamingConnectionIdleTimeout, and that of package remotecommand.
const (
	idleTimeout           = 4 * time.Hour
	streamCreationTimeout = remotecommand.DefaultStreamCreationTimeout
)

// server is the HTTPS endpoint of the kubelet. Its paths are those of
// k8s.io/kubernetes/pkg/kubelet/server; it serves the API server's certificate only.
type server struct {
	pods     *pods
	listener net.Listener
	http     *http.Server
}

func newServer(p *pods, o options) (*server, error) {
	pair, err := tls.LoadX509KeyPair(o.cert, o.key)
	if err != nil {
		return nil, err
	}
	ca, err := os.ReadFile(o.ca)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("%s holds no certificate", o.ca)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &server{pods: p, listener: l}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", s.logs)
	for _, method := range []string{"GET ", "POST "} {
		mux.HandleFunc(method+"/exec/{namespace}/{pod}/{container}", s.exec)
		mux.HandleFunc(method+"/attach/{namespace}/{pod}/{container}", s.attach)
		mux.HandleFunc(method+"/portForward/{namespace}/{pod}", s.portForward)
	}
	s.http = &http.Server{
		Handler:           onlyAPIServer(mux),
		ReadHeaderTimeout: 10 * time.Second,
		TLSConfig: &tls.Config{
			MinVersion:   tls.VersionTLS12,
			Certificates: []tls.Certificate{pair},
			ClientAuth:   tls.RequireAndVerifyClientCert,
			ClientCAs:    pool,
			NextProtos:   []string{"http/1.1"}, // streams are upgraded connections
		},
	}
	return s, nil
}

// onlyAPIServer refuses every user but the API server: a user that can ask the kubelet can run any
// command in its containers.
func onlyAPIServer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name := r.TLS.PeerCertificates[0].Subject.CommonName; name != cluster.KubeletClient {
			http.Error(w, fmt.Sprintf("Forbidden (user=%s)", name), http.StatusForbidden)
			return
		}
		klog.InfoS("request", "method", r.Method, "path", r.URL.Path, "query", r.URL.RawQuery)
		next.ServeHTTP(w, r)
	})
}

// serve serves until ctx ends.
func (s *server) serve(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { _ = s.http.Close() })()
	if err := s.http.ServeTLS(s.listener, "", ""); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// find returns the container of a request. If there is none, it answers.
func (s *server) find(w http.ResponseWriter, r *http.Request) (*container, bool) {
	q, err := s.pods.find(r.PathValue("namespace"), r.PathValue("pod"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return nil, false
	}
	c, err := q.container(r.PathValue("container"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return nil, false
	}
	return c, true
}

func (s *server) logs(w http.ResponseWriter, r *http.Request) {
	c, ok := s.find(w, r)
	if !ok {
		return
	}
	var opts corev1.PodLogOptions
	if err := legacyscheme.ParameterCodec.DecodeParameters(r.URL.Query(), corev1.SchemeGroupVersion, &opts); err != nil {
		http.Error(w, `{"message": "Unable to decode query."}`, http.StatusBadRequest)
		return
	}
	w.Header().Set("Transfer-Encoding", "chunked")
	out := flushwriter.Wrap(w)
	if err := c.readLogs(r.Context(), &opts, out); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

func (s *server) exec(w http.ResponseWriter, r *http.Request) { s.session(w, r, true) }

func (s *server) attach(w http.ResponseWriter, r *http.Request) { s.session(w, r, false) }

func (s *server) session(w http.ResponseWriter, r *http.Request, exec bool) {
	c, ok := s.find(w, r)
	if !ok {
		return
	}
	opts, err := remotecommand.NewOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if err := c.mayConnect(); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if exec {
		remotecommand.ServeExec(w, r, executor{c}, c.pod.name, string(c.pod.uid), c.spec.Name, r.URL.Query()["command"],
			opts, idleTimeout, streamCreationTimeout, remotecommand.SupportedStreamingProtocols)
		return
	}
	remotecommand.ServeAttach(w, r, executor{c}, c.pod.name, string(c.pod.uid), c.spec.Name,
		opts, idleTimeout, streamCreationTimeout, remotecommand.SupportedStreamingProtocols)
}

func (s *server) portForward(w http.ResponseWriter, r *http.Request) {
	q, err := s.pods.find(r.PathValue("namespace"), r.PathValue("pod"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	opts, err := portforward.NewV4Options(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	portforward.ServePortForward(w, r, forwarder{q}, q.name, string(q.uid), opts,
		idleTimeout, streamCreationTimeout, portforward.SupportedProtocols)
}
