package remote

import (
	"bytes"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/rest"
)

// v4.channel.k8s.io, which older servers speak, against the real API server: it passes the
// connection on to the kubelet, whose handlers are those of the container runtimes.
func TestLiveFourthProtocol(t *testing.T) {
	cluster := controlplane.Start(t, controlplane.WithKubelet())
	c, err := rest.NewClient(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	namespace := cluster.Namespace(t)
	web := &corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "script"}}},
	}
	if err := c.Post().Namespace(namespace).Resource("pods").Body(web).Do(t.Context()).Error(); err != nil {
		t.Fatal(err)
	}
	for begun := time.Now(); web.Status.Phase != corev1.PodRunning; time.Sleep(20 * time.Millisecond) {
		if err := c.Get().Namespace(namespace).Resource("pods").Name("web").Do(t.Context()).Into(web); err != nil {
			t.Fatal(err)
		}
		if time.Since(begun) > time.Minute {
			t.Fatalf("the pod is %+v", web.Status)
		}
	}
	var out, errOut bytes.Buffer
	r := pod{c, namespace, "web"}.get("exec")
	for _, arg := range []string{"sh", "-c", "echo out; echo err >&2; exit 5"} {
		r.Param("command", arg)
	}
	r.Param("stdin", "true").Param("stdout", "true").Param("stderr", "true")
	sock, protocol, err := connect(t.Context(), r, protocolV4)
	if err != nil || protocol != protocolV4 {
		t.Fatalf("the protocol is %q, %v", protocol, err)
	}
	s := &running{Session: Session{Stdin: strings.NewReader("in"), Stdout: &out, Stderr: &errOut}, socket: sock}
	exit, ok := s.carry().(*ExitError)
	if !ok || exit.Code != 5 || out.String() != "out\n" || errOut.String() != "err\n" {
		t.Errorf("the result is %v, output %q, %q", exit, &out, &errOut)
	}
}
