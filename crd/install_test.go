package crd_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/crd"
	"github.com/skiff-k8s/skiff/dynamic"
	"github.com/skiff-k8s/skiff/kind"
)

// Lamp is a small kind, of which each test installs one in a group of its own.
type Lamp struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              struct {
		Watts int32  `json:"watts,omitempty" crd:"max=100"`
		Color string `json:"color,omitempty" crd:"enum=red|green"`
	} `json:"spec,omitzero"`
}

func init() {
	if err := kind.Register[Lamp](kind.Info{Group: "lamps.skiff.test", Version: "v1", Kind: "Lamp", Resource: "lamps", Namespaced: true}); err != nil {
		panic(err)
	}
}

// lamps returns the definition of Lamp in another group.
func lamps(t *testing.T, group string) *unstructured.Unstructured {
	t.Helper()
	u := crd.MustOf[Lamp]()
	u.SetName("lamps." + group)
	if err := unstructured.SetNestedField(u.Object, group, "spec", "group"); err != nil {
		t.Fatal(err)
	}
	return u
}

var definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

// changed returns a definition whose schema of the field spec has been changed.
func changed(t *testing.T, u *unstructured.Unstructured, change func(spec map[string]any)) *unstructured.Unstructured {
	t.Helper()
	u = u.DeepCopy()
	versions, _, _ := unstructured.NestedFieldNoCopy(u.Object, "spec", "versions")
	spec, _, _ := unstructured.NestedFieldNoCopy(versions.([]any)[0].(map[string]any), "schema", "openAPIV3Schema", "properties", "spec", "properties")
	change(spec.(map[string]any))
	return u
}

// After Install the first request for the kind succeeds, several may install at once, and a second
// Install changes nothing.
func TestInstall(t *testing.T) {
	c := connect(t)
	ctx, d := soon(t), dynamic.New(c)
	u := crd.MustOf[Lamp]()
	var wait sync.WaitGroup
	for range 5 {
		wait.Go(func() {
			if err := crd.Install(ctx, c, u); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	namespace := controlplane.Start(t).Namespace(t)
	lamp := &Lamp{ObjectMeta: metav1.ObjectMeta{Name: "desk", Namespace: namespace}}
	if _, err := client.Of[Lamp](c).In(namespace).Create(ctx, lamp, metav1.CreateOptions{}); err != nil {
		t.Error(err)
	}
	before, err := d.Resource(definitions).Get(ctx, u.GetName(), metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := crd.Install(ctx, c, u); err != nil {
		t.Error(err)
	}
	after, err := d.Resource(definitions).Get(ctx, u.GetName(), metav1.GetOptions{})
	if err != nil || after.GetResourceVersion() != before.GetResourceVersion() {
		t.Errorf("the second Install has changed the definition: %v", err)
	}
	isOurs := func(m metav1.ManagedFieldsEntry) bool { return m.Manager == "crd" }
	if !slices.ContainsFunc(after.GetManagedFields(), isOurs) {
		t.Errorf("it belongs to %v", after.GetManagedFields())
	}
	if err := crd.Install(ctx, c); err != nil {
		t.Errorf("nothing to install: %v", err)
	}
}

// What would lose something is refused with all its losses, and nothing is applied, not even what is
// right; what Allow accepts is applied.
func TestInstallRefuses(t *testing.T) {
	c := connect(t)
	ctx, d := soon(t), dynamic.New(c)
	old := lamps(t, "refused.skiff.test")
	if err := crd.Install(ctx, c, old); err != nil {
		t.Fatal(err)
	}
	next := changed(t, old, func(spec map[string]any) {
		spec["watts"].(map[string]any)["maximum"] = int64(60)
		delete(spec, "color")
	})
	other := lamps(t, "other.skiff.test")
	for what, install := range map[string]func() error{
		"Install": func() error { return crd.Install(ctx, c, other, next) },
		"Check":   func() error { return crd.Installer{}.Check(ctx, c, other, next) },
	} {
		err := install()
		var refused *crd.RefusedError
		var loss *crd.LossError
		if !errors.As(err, &refused) || !errors.As(err, &loss) || len(refused.Losses) != 2 {
			t.Fatalf("%s: %v", what, err)
		}
		for i, want := range []crd.LossError{
			{Definition: old.GetName(), Version: "v1", Path: ".spec.color", Loss: crd.PropertyRemoved, Detail: refused.Losses[0].Detail},
			{Definition: old.GetName(), Version: "v1", Path: ".spec.watts", Loss: crd.BoundTightened, Detail: "maximum from 100 to 60"},
		} {
			if *refused.Losses[i] != want || !strings.Contains(err.Error(), want.Error()) {
				t.Errorf("%s: %v, want %v", what, refused.Losses[i], &want)
			}
		}
	}
	if _, err := d.Resource(definitions).Get(ctx, other.GetName(), metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the other definition was applied: %v", err)
	}
	onlyBounds := crd.Installer{Allow: func(l *crd.LossError) bool { return l.Loss == crd.BoundTightened }}
	if err := onlyBounds.Install(ctx, c, next); err == nil || strings.Contains(err.Error(), "maximum") {
		t.Errorf("with bounds allowed: %v", err)
	}
	all := crd.Installer{Allow: func(*crd.LossError) bool { return true }}
	if err := all.Install(ctx, c, next); err != nil {
		t.Error(err)
	}
	if err := all.Check(ctx, c, next); err != nil {
		t.Error(err)
	}
}

// A definition that others have applied is theirs until Force, and what a webhook's authority has
// added stays.
func TestInstallBesideOthers(t *testing.T) {
	c := connect(t)
	ctx, d := soon(t), dynamic.New(c)
	old := lamps(t, "beside.skiff.test")
	old.Object["spec"].(map[string]any)["conversion"] = map[string]any{"strategy": "Webhook", "webhook": map[string]any{
		"conversionReviewVersions": []any{"v1"}, "clientConfig": map[string]any{"url": "https://127.0.0.1:1/convert"}}}
	theirs := metav1.ApplyOptions{FieldManager: "helm"}
	if _, err := d.Resource(definitions).Apply(ctx, old, theirs); err != nil {
		t.Fatal(err)
	}
	caBundle := newCABundle(t)
	patch := []byte(`{"spec":{"conversion":{"webhook":{"clientConfig":{"caBundle":"` + caBundle + `"}}}}}`)
	if _, err := d.Resource(definitions).Patch(ctx, old.GetName(), types.MergePatchType, patch, metav1.PatchOptions{FieldManager: "authority"}); err != nil {
		t.Fatal(err)
	}
	next := changed(t, old, func(spec map[string]any) { spec["watts"].(map[string]any)["maximum"] = int64(200) })
	err := crd.Install(ctx, c, next)
	if conflicts := dynamic.Conflicts(err); !apierrors.IsConflict(err) || len(conflicts) == 0 || conflicts[0].Manager != "helm" {
		t.Errorf("%v", err)
	}
	if err := (crd.Installer{Force: true, FieldManager: "lamps"}).Install(ctx, c, next); err != nil {
		t.Fatal(err)
	}
	u, err := d.Resource(definitions).Get(ctx, old.GetName(), metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if bundle, _, _ := unstructured.NestedString(u.Object, "spec", "conversion", "webhook", "clientConfig", "caBundle"); bundle != caBundle {
		t.Errorf("the CA bundle is %q", bundle)
	}
	if losses := crd.Losses(u, next); len(losses) > 0 {
		t.Errorf("it was not applied: %v", losses)
	}
}

// Install does not wait for what cannot come, and not for ever.
func TestInstallEnds(t *testing.T) {
	c := connect(t)
	first := lamps(t, "ends.skiff.test")
	if err := crd.Install(soon(t), c, first); err != nil {
		t.Fatal(err)
	}
	second := first.DeepCopy()
	second.SetName("bulbs.ends.skiff.test")
	if err := unstructured.SetNestedField(second.Object, "bulbs", "spec", "names", "plural"); err != nil {
		t.Fatal(err)
	}
	if err := (crd.Installer{Wait: -1}).Install(soon(t), c, second); err != nil {
		t.Errorf("without a wait: %v", err)
	}
	if err := crd.Install(soon(t), c, second); err == nil || !strings.Contains(err.Error(), "bulbs.ends.skiff.test: its names are not accepted") {
		t.Errorf("names that are taken: %v", err)
	}
	if err := (crd.Installer{Wait: time.Nanosecond}).Install(soon(t), c, first); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "the bound of the wait, 1ns, is over") {
		t.Errorf("a wait that is over: %v", err)
	}
	var misuse *kind.MisuseError
	pod := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "Pod"}}
	for _, wrong := range [][]*unstructured.Unstructured{{nil}, {pod}, {first, first}} {
		if err := crd.Install(soon(t), c, wrong...); !errors.As(err, &misuse) {
			t.Errorf("%v: %v", wrong, err)
		}
	}
	// A wrong rule in CEL is found by the server, and Install says where.
	wrong := changed(t, lamps(t, "cel.skiff.test"), func(spec map[string]any) {
		spec["watts"].(map[string]any)["x-kubernetes-validations"] = []any{map[string]any{"rule": "self >"}}
	})
	if err := crd.Install(soon(t), c, wrong); !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "lamps.cel.skiff.test") {
		t.Errorf("a wrong rule: %v", err)
	}
}

// newCABundle returns a certificate that belongs to nobody, as a webhook's caBundle.
func newCABundle(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
