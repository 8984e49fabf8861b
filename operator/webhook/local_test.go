package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/operator/webhook"
	"github.com/skiff-k8s/skiff/rest"
)

var _ controlplane.Webhooks = (*webhook.Server)(nil)

// localHooks returns a server without a certificate: Widgets without a color are refused, and get a
// size of 7.
func localHooks(further ...*webhook.Hook) *webhook.Server {
	validate := webhook.Validate(func(_ context.Context, r *webhook.Request[Widget]) ([]string, error) {
		if r.Object.Spec.Color == "" {
			return nil, webhook.Deny("it has no color")
		}
		return nil, nil
	})
	set := webhook.Default(func(_ context.Context, r *webhook.Request[Widget]) error {
		if r.Object.Spec.Size == nil {
			r.Object.Spec.Size = new(int32)
			*r.Object.Spec.Size = 7
		}
		return nil
	})
	return webhook.NewServer(webhook.Options{}, append(further, validate, set)...)
}

// A control plane, of envtest's two binaries here, starts with definitions and webhooks, which are
// called from the first request on.
func TestAControlPlaneThatStartsWithWebhooks(t *testing.T) {
	devcluster, err := filepath.Abs(controlplane.Binary(t))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"etcd", "kube-apiserver"} {
		if err := os.Symlink(devcluster, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	definitions := filepath.Join(t.TempDir(), "crd.yaml")
	if err := os.WriteFile(definitions, []byte(crd), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir) // outside of the repository, whose own binary would come first
	t.Setenv(controlplane.EnvBinary, "")
	t.Setenv(controlplane.EnvAssets, dir)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cluster := controlplane.New(t, controlplane.WithCRDs(definitions),
		controlplane.WithWebhooks(localHooks(webhook.Convert(webhook.From(toHub, fromHub)))))
	c, err := rest.NewClient(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseIdleConnections()
	news, olds := client.Of[Widget](c).In("default"), client.Of[OldWidget](c).In("default")
	if _, err := news.Create(ctx, &Widget{ObjectMeta: metav1.ObjectMeta{Name: "none"}}, metav1.CreateOptions{}); !apierrors.IsForbidden(err) ||
		!strings.Contains(err.Error(), "it has no color") {
		t.Errorf("without a color: %v", err)
	}
	made, err := news.Create(ctx, &Widget{ObjectMeta: metav1.ObjectMeta{Name: "w"}, Spec: WidgetSpec{Color: "red"}}, metav1.CreateOptions{})
	if err != nil || made.Spec.Size == nil || *made.Spec.Size != 7 {
		t.Errorf("made %+v, %v", made, err)
	}
	if old, err := olds.Get(ctx, "w", metav1.GetOptions{}); err != nil || old.Colour != "red" || old.Size != 7 {
		t.Errorf("the old version is %+v, %v", old, err)
	}
	if err := cluster.Stop(); err != nil {
		t.Error(err)
	}
}

// On a control plane that tests share, webhooks are limited to namespaces, two tests may have the same
// ones at a time, and they are gone after their test.
func TestWebhooksOnASharedControlPlane(t *testing.T) {
	c := start(t)
	c.apply(crd)
	other := c.Namespace(t)
	create := func(namespace string) error {
		_, err := client.Of[Widget](c.c).In(namespace).Create(c.ctx, &Widget{ObjectMeta: metav1.ObjectMeta{Name: "none"}},
			metav1.CreateOptions{DryRun: []string{"All"}})
		return err
	}
	c.until("Widgets are served", func() bool { return create(c.ns) == nil })
	server := localHooks()
	t.Run("with them", func(t *testing.T) {
		c.InstallWebhooks(t, server, c.ns)
		c.InstallWebhooks(t, server, c.ns) // a further one has names of its own
		if err := create(c.ns); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "it has no color") {
			t.Errorf("in the namespace: %v", err)
		}
		if err := create(other); err != nil {
			t.Errorf("in another namespace: %v", err)
		}
	})
	c.until("the webhooks are gone", func() bool { return create(c.ns) == nil })
	for _, resource := range []string{"validatingwebhookconfigurations", "mutatingwebhookconfigurations"} {
		data, err := c.c.Get().AbsPath("apis", "admissionregistration.k8s.io", "v1", resource).DoRaw(c.ctx)
		if err != nil || strings.Contains(string(data), `"controlplane-`) {
			t.Errorf("%s are left: %v", resource, err)
		}
	}
}

// fatal is a *testing.T whose failures are noted.
type fatal struct {
	*testing.T
	with string
}

func (f *fatal) Fatalf(format string, args ...any) { f.with = fmt.Sprintf(format, args...) }

func TestWebhooksThatCannotBeInstalled(t *testing.T) {
	c := start(t)
	noKind := webhook.NewServer(webhook.Options{}, webhook.Validate(func(context.Context, *webhook.Request[Unregistered]) ([]string, error) { return nil, nil }))
	boats := webhook.NewServer(webhook.Options{}, webhook.Convert(webhook.From(func(*OldBoat, *Boat) error { return nil }, func(*Boat, *OldBoat) error { return nil })))
	for want, server := range map[string]controlplane.Webhooks{
		"make webhook": noKind,
		"set the conversion of boats.webhook.skiff.test, which WithCRDs or InstallCRDs installs": boats,
		"mine": notServed{},
	} {
		f := &fatal{T: t}
		c.InstallWebhooks(f, server)
		if !strings.Contains(f.with, want) || !strings.Contains(f.with, "controlplane: install webhooks: ") {
			t.Errorf("got %q, want %q", f.with, want)
		}
	}
}

// Boat has no definition on the server.
type Boat struct {
	metav1.TypeMeta
	metav1.ObjectMeta
}

type OldBoat struct{ Boat }

func init() {
	_ = kind.Register[Boat](kind.Info{Group: group, Version: "v1", Kind: "Boat", Resource: "boats"})
	_ = kind.Register[OldBoat](kind.Info{Group: group, Version: "v1beta1", Kind: "Boat", Resource: "boats"})
}

// Unregistered is a type whose kind is not registered.
type Unregistered struct {
	metav1.TypeMeta
	metav1.ObjectMeta
}

type notServed struct{}

func (notServed) ServeLocal(context.Context, string) (string, func() error, error) {
	return "", nil, errors.New("mine")
}
