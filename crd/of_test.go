package crd_test

import (
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/skiff-k8s/skiff/crd"
	"github.com/skiff-k8s/skiff/kind"
)

const group = "crd.skiff.test"

// Backup is a custom resource with most of what there is.
type Backup struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              BackupSpec   `json:"spec"`
	Status            BackupStatus `json:"status,omitzero"`
}

type BackupSpec struct {
	Bucket   string                  `json:"bucket" crd:"minLength=3,maxLength=63,pattern='^[a-z0-9.-]+$'"`
	Keep     int32                   `json:"keep,omitempty" crd:"min=1,max=100,default=7"`
	Mode     string                  `json:"mode,omitempty" crd:"enum=Full|Incremental,default=Full"`
	Replicas int32                   `json:"replicas,omitempty"`
	Suspend  bool                    `json:"suspend,omitempty"`
	Template *corev1.PodTemplateSpec `json:"template,omitempty"`
}

type BackupStatus struct {
	Phase      string             `json:"phase,omitempty"`
	Replicas   int32              `json:"replicas,omitempty"`
	Selector   string             `json:"selector,omitempty"`
	LastRun    *metav1.Time       `json:"lastRun,omitempty"`
	Conditions []metav1.Condition `json:"conditions,omitempty" crd:"listType=map,listMapKey=type"`
}

// OldBackup is the same in the version v1beta1.
type OldBackup struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              BackupSpec   `json:"spec"`
	Status            BackupStatus `json:"status,omitzero"`
}

// NewBackup is the version v2, whose bucket is called otherwise.
type NewBackup struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              struct {
		Target string `json:"target"`
	} `json:"spec"`
}

// Elsewhere is of another group.
type Elsewhere struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
}

type unregistered struct {
	metav1.TypeMeta
	metav1.ObjectMeta
}

func init() {
	info := kind.Info{Group: group, Version: "v1", Kind: "Backup", Resource: "backups", Namespaced: true}
	old, next := info, info
	old.Version, next.Version = "v1beta1", "v2"
	for _, err := range []error{kind.Register[Backup](info), kind.Register[OldBackup](old), kind.Register[NewBackup](next),
		kind.Register[Elsewhere](kind.Info{Group: "single", Version: "v1", Kind: "Elsewhere", Resource: "elsewheres"})} {
		if err != nil {
			panic(err)
		}
	}
}

// backups is the definition of Backup with every option.
func backups() []crd.Option {
	columns := crd.Columns(
		crd.Column{Name: "Phase", Path: ".status.phase"},
		crd.Column{Name: "Keep", Path: ".spec.keep", Priority: 1, Description: "How many stay."},
		crd.Column{Name: "Last", Path: ".status.lastRun"},
		crd.Column{Name: "Ready", Path: `.status.conditions[?(@.type=="Ready")].status`, Type: "string"},
		crd.Column{Name: "Age", Path: ".metadata.creationTimestamp"})
	return []crd.Option{
		crd.Status(), crd.Scale(".spec.replicas", ".status.replicas", ".status.selector"), columns,
		crd.SelectableFields(".spec.mode", ".spec.suspend"),
		crd.ShortNames("bk"), crd.Categories("all", "skiff"), crd.Singular("backup"), crd.ListKind("BackupList"),
		crd.Labels(map[string]string{"app": "backups"}), crd.Annotations(map[string]string{"note": "by crd"}),
		crd.Version[OldBackup](crd.Status(), crd.Deprecated("use v1"), columns,
			crd.SelectableFields(".spec.mode", ".spec.suspend")),
	}
}

func TestADefinition(t *testing.T) {
	u, err := crd.Of[Backup](backups()...)
	if err != nil {
		t.Fatal(err)
	}
	// The schemas are those of other tests.
	versions, _, _ := unstructured.NestedSlice(u.Object, "spec", "versions")
	for _, v := range versions {
		delete(v.(map[string]any), "schema")
	}
	if err := unstructured.SetNestedSlice(u.Object, versions, "spec", "versions"); err != nil {
		t.Fatal(err)
	}
	got, err := crd.YAML(u)
	if err != nil {
		t.Fatal(err)
	}
	columns := `
    - {name: Phase, jsonPath: .status.phase, type: string}
    - {name: Keep, jsonPath: .spec.keep, type: integer, priority: 1, description: How many stay.}
    - {name: Last, jsonPath: .status.lastRun, type: date}
    - {name: Ready, jsonPath: '.status.conditions[?(@.type=="Ready")].status', type: string}
    - {name: Age, jsonPath: .metadata.creationTimestamp, type: date}`
	same(t, "definition", string(got), `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: backups.crd.skiff.test, labels: {app: backups}, annotations: {note: by crd}}
spec:
  group: crd.skiff.test
  scope: Namespaced
  names: {kind: Backup, listKind: BackupList, plural: backups, singular: backup, shortNames: [bk], categories: [all, skiff]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources:
      status: {}
      scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas, labelSelectorPath: .status.selector}
    selectableFields: [{jsonPath: .spec.mode}, {jsonPath: .spec.suspend}]
    additionalPrinterColumns: `+columns+`
  - name: v1beta1
    served: true
    storage: false
    deprecated: true
    deprecationWarning: use v1
    subresources: {status: {}}
    selectableFields: [{jsonPath: .spec.mode}, {jsonPath: .spec.suspend}]
    additionalPrinterColumns: `+columns)
}

func TestConversionWebhooks(t *testing.T) {
	for want, w := range map[string]crd.Webhook{
		"{service: {namespace: ns, name: hook, path: /convert}}":                       {Namespace: "ns", Service: "hook"},
		"{service: {namespace: ns, name: hook, path: /x, port: 9443}, caBundle: Q0E=}": {Namespace: "ns", Service: "hook", Path: "/x", Port: 9443, CABundle: []byte("CA")},
		"{url: 'https://127.0.0.1:9443/convert'}":                                      {URL: "https://127.0.0.1:9443/convert"},
	} {
		u, err := crd.Of[Backup](crd.Version[NewBackup](crd.Storage()), crd.Convert(w))
		if err != nil {
			t.Error(err)
			continue
		}
		conversion, _, _ := unstructured.NestedMap(u.Object, "spec", "conversion")
		got, _ := crd.YAML(&unstructured.Unstructured{Object: conversion})
		same(t, "conversion", string(got), "{strategy: Webhook, webhook: {conversionReviewVersions: [v1], clientConfig: "+want+"}}")
	}
}

func TestMisuse(t *testing.T) {
	for _, c := range []struct {
		problem string
		options []crd.Option
	}{
		{"an option is nil", []crd.Option{nil}},
		{"an option of Version", []crd.Option{crd.Version[OldBackup](nil)}},
		{`the name "B K"`, []crd.Option{crd.ShortNames("B K")}},
		{`the name "x.y"`, []crd.Option{crd.Categories("x.y")}},
		{"versions of one definition differ in the version only", []crd.Option{crd.Version[Elsewhere]()}},
		{"the version v1 is there twice", []crd.Option{crd.Version[Backup]()}},
		{"2 versions have Storage", []crd.Option{crd.Storage(), crd.Version[OldBackup](crd.Storage())}},
		{"by that one everybody could write the status", []crd.Option{crd.Status(), crd.Version[OldBackup]()}},
		{"longer than 256 bytes", []crd.Option{crd.Deprecated(strings.Repeat("x", 257))}},
		{"has no field status", []crd.Option{crd.Status(), crd.Version[NewBackup](crd.Status())}},
		{"Scale without Status", []crd.Option{crd.Scale(".spec.replicas", ".status.replicas", "")}},
		{`"spec.replicas" does not begin with .spec.`, []crd.Option{crd.Status(), crd.Scale("spec.replicas", ".status.replicas", "")}},
		{"there is no field .status.replica", []crd.Option{crd.Status(), crd.Scale(".spec.replicas", ".status.replica", "")}},
		{".spec.mode is of type string, not integer", []crd.Option{crd.Status(), crd.Scale(".spec.mode", ".status.replicas", "")}},
		{"9 selectable fields", []crd.Option{crd.SelectableFields(strings.Split(strings.Repeat(".spec.mode ", 9), " ")[:9]...)}},
		{"the server selects by name and namespace", []crd.Option{crd.SelectableFields(".metadata.name")}},
		{".spec.template is of type object", []crd.Option{crd.SelectableFields(".spec.template")}},
		{"have the same schema and other SelectableFields", []crd.Option{crd.SelectableFields(".spec.mode"), crd.Version[OldBackup]()}},
		{"version v2 drops .spec.bucket of version v1 (property removed): a webhook has to convert", []crd.Option{crd.Version[NewBackup]()}},
		{"version v1 drops .spec.target of version v2", []crd.Option{crd.Version[NewBackup]()}},
		{"it has no name", []crd.Option{crd.Columns(crd.Column{Path: ".spec.keep"})}},
		{"does not begin with a dot", []crd.Option{crd.Columns(crd.Column{Name: "X", Path: "spec.keep"})}},
		{"its priority is negative", []crd.Option{crd.Columns(crd.Column{Name: "X", Path: ".spec.keep", Priority: -1})}},
		{"its type int is none of", []crd.Option{crd.Columns(crd.Column{Name: "X", Path: ".spec.keep", Type: "int"})}},
		{"there is no field .spec.kep", []crd.Option{crd.Columns(crd.Column{Name: "X", Path: ".spec.kep", Type: "string"})}},
		{".spec.template is of type object", []crd.Option{crd.Columns(crd.Column{Name: "X", Path: ".spec.template"})}},
		{"does not follow from the path", []crd.Option{crd.Columns(crd.Column{Name: "X", Path: ".status.conditions[0].type"})}},
		{"needs a namespace and a Service, or a URL", []crd.Option{crd.Convert(crd.Webhook{Service: "x"})}},
		{"has a URL and a Service", []crd.Option{crd.Convert(crd.Webhook{Service: "x", URL: "https://x"})}},
		{"does not begin with https://", []crd.Option{crd.Convert(crd.Webhook{URL: "http://x"})}},
		{"port 65536 is none", []crd.Option{crd.Convert(crd.Webhook{Namespace: "n", Service: "x", Port: 65536})}},
		{"contradict each other", []crd.Option{crd.Convert(crd.Webhook{URL: "https://x"}), crd.NoConversion()}},
	} {
		_, err := crd.Of[Backup](c.options...)
		var misuse *kind.MisuseError
		if !errors.As(err, &misuse) || !strings.Contains(err.Error(), c.problem) || !strings.HasPrefix(misuse.Error(), "define backups.crd.skiff.test: ") {
			t.Errorf("%v; want: %s", err, c.problem)
		}
	}
	if _, err := crd.Of[Backup](crd.Version[NewBackup](), crd.NoConversion()); err != nil {
		t.Errorf("NoConversion: %v", err)
	}
	if _, err := crd.Of[Elsewhere](); err == nil || !strings.Contains(err.Error(), "is no domain of at least two parts") {
		t.Errorf("a group of one part: %v", err)
	}
	if _, err := crd.Of[corev1.Pod](); err == nil || !strings.Contains(err.Error(), "is built into Kubernetes") {
		t.Errorf("a built-in type: %v", err)
	}
	var unknown *kind.UnknownError
	if _, err := crd.Of[unregistered](); !errors.As(err, &unknown) {
		t.Errorf("an unregistered type: %v", err)
	}
	defer func() {
		if err, _ := recover().(error); !errors.As(err, &unknown) {
			t.Errorf("MustOf panicked with %v", err)
		}
	}()
	crd.MustOf[unregistered]()
}

// Into fills another type, and refuses to leave something out.
func TestInto(t *testing.T) {
	u := crd.MustOf[Backup](crd.Status())
	var theirs struct {
		metav1.TypeMeta   `json:",inline"`
		metav1.ObjectMeta `json:"metadata"`
		Spec              struct {
			Group, Scope    string
			Names, Versions any
		} `json:"spec"`
	}
	if err := crd.Into(u, &theirs); err != nil || theirs.Name != "backups."+group || theirs.Spec.Scope != "Namespaced" {
		t.Errorf("%v, %+v", err, theirs)
	}
	var less struct{ APIVersion, Kind string }
	if err := crd.Into(u, &less); err == nil || !strings.Contains(err.Error(), `unknown field "metadata"`) {
		t.Errorf("into a type without metadata: %v", err)
	}
	if err := crd.Into(nil, &less); err == nil {
		t.Error("into, from nil: no error")
	}
	if _, err := crd.YAML(nil); err == nil {
		t.Error("YAML of nil: no error")
	}
}
