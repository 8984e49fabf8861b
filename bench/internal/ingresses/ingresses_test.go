package ingresses

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/bench/internal/stats"
	"github.com/skiff-k8s/skiff/controlplane"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

// A small run from end to end: every Service gets one Ingress by one write, on both sides.
func TestRun(t *testing.T) {
	controlplane.Binary(t)
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", dir+string(filepath.Separator), "../../cmd/ingress-skiff", "../../cmd/ingress-ctrl")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b := &Bench{Programs: dir, Services: 30, Runs: 1, Progress: t.Output()}
	if err := b.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, side := range []stats.Side{skiff, ctrl} {
		for _, figure := range []string{writes, rss, p50, p99} {
			if s, ok := b.Samples.Summary(figure, side); !ok || s.Median <= 0 && figure != p50 {
				t.Errorf("%s of %s: %+v", figure, side, s)
			}
		}
	}
	text := b.Section("a machine", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	if !strings.Contains(text, "\n| writes a Service | 1 | 1 | 1.000 | at most 1.02 | met |\n") {
		t.Errorf("not one write a Service:\n%s", text)
	}
}

func TestCountWrites(t *testing.T) {
	got := countWrites(`# HELP apiserver_request_total x
apiserver_request_total{code="201",component="apiserver",resource="ingresses",verb="POST"} 3
apiserver_request_total{code="409",component="apiserver",resource="ingresses",verb="POST"} 5
apiserver_request_total{code="200",component="apiserver",resource="ingresses",verb="APPLY"} 20
apiserver_request_total{code="200",component="apiserver",resource="ingresses",verb="WATCH"} 7
apiserver_request_total{code="200",component="apiserver",resource="services",verb="PATCH"} 9
apiserver_request_duration_seconds{code="200",resource="ingresses",verb="POST"} 11
`)
	if got != 23 {
		t.Errorf("%d writes", got)
	}
}

func TestDesired(t *testing.T) {
	svc := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "shop", UID: "u", Annotations: map[string]string{Annotation: "true"}},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
	}
	want := Desired(svc)
	if want == nil || want.Spec.Rules[0].Host != "web.shop.example.com" || !Right(want, want) {
		t.Errorf("%+v", want)
	}
	for name, change := range map[string]func(*networkingv1.Ingress){
		"host":    func(i *networkingv1.Ingress) { i.Spec.Rules[0].Host = "x" },
		"rules":   func(i *networkingv1.Ingress) { i.Spec.Rules = nil },
		"nobody":  func(i *networkingv1.Ingress) { i.OwnerReferences = nil },
		"another": func(i *networkingv1.Ingress) { i.OwnerReferences[0].UID = "v" },
	} {
		have := want.DeepCopy()
		if change(have); Right(have, want) {
			t.Errorf("%s: right", name)
		}
	}
	delete(svc.Annotations, Annotation)
	if Desired(svc) != nil {
		t.Error("it has not asked for one")
	}
}
