package conformance

import (
	"bytes"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/wire"
)

// protobufOf checks that the body is protobuf with its prefix, and returns the envelope.
func (a *answer) protobufOf() *runtime.Unknown {
	body, ok := bytes.CutPrefix(a.body, []byte("k8s\x00"))
	if !ok {
		a.s.fatalf("%s: the body has no prefix of protobuf: %q", a.what, short(a.body))
	}
	var u runtime.Unknown
	if err := u.Unmarshal(body); err != nil {
		a.s.fatalf("%s: %v", a.what, err)
	}
	return &u
}

var formatCases = []testCase{
	{"an object in protobuf", func(s *scene) {
		s.make("a", "1")
		a := s.get("configmaps/a", asProtobuf).is(200).headerIs("Content-Type", "application/vnd.kubernetes.protobuf")
		u := a.protobufOf()
		var cm corev1.ConfigMap
		if err := cm.Unmarshal(u.Raw); err != nil || u.Kind != "ConfigMap" || u.APIVersion != "v1" || cm.Data["a"] != "1" || cm.Namespace != s.ns {
			s.errorf("%v: %s %s: %v", err, u.APIVersion, u.Kind, cm)
		}
	}},
	{"a list in protobuf", func(s *scene) {
		s.some(2)
		u := s.get("configmaps", asProtobuf).is(200).protobufOf()
		var list corev1.ConfigMapList
		if err := list.Unmarshal(u.Raw); err != nil || u.Kind != "ConfigMapList" || len(list.Items) != 2 || list.Items[1].Name != "b" || list.ResourceVersion == "" {
			s.errorf("%v: %s %s: %v", err, u.APIVersion, u.Kind, list)
		}
	}},
	{"an error in protobuf", func(s *scene) {
		u := s.get("configmaps/a", asProtobuf).is(404).protobufOf()
		var status metav1.Status
		if err := status.Unmarshal(u.Raw); err != nil || u.Kind != "Status" || status.Reason != "NotFound" || status.Details.Name != "a" {
			s.errorf("%v: %s %s: %v", err, u.APIVersion, u.Kind, status)
		}
	}},
	{"a body in protobuf, with an answer in JSON", func(s *scene) {
		cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Data: map[string]string{"a": "1"}}
		raw, _ := cm.Marshal()
		u := &runtime.Unknown{TypeMeta: runtime.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}, Raw: raw}
		body, _ := u.Marshal()
		s.post("configmaps", "k8s\x00"+string(body), "Content-Type: application/vnd.kubernetes.protobuf").is(201).has("data", "{a: '1'}")
	}},
	{"the typed client writes and reads in protobuf", func(s *scene) {
		c := client.Of[corev1.ConfigMap](s.client).In(s.namespace())
		made, err := c.Create(s.ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Data: map[string]string{"a": "1"}}, metav1.CreateOptions{})
		if err != nil {
			s.fatalf("%v", err)
		}
		made.Data["a"] = "2"
		if _, err := c.Update(s.ctx, made, metav1.UpdateOptions{}); err != nil {
			s.fatalf("%v", err)
		}
		if got, err := c.Get(s.ctx, "a", metav1.GetOptions{}); err != nil || got.Data["a"] != "2" || got.UID != made.UID {
			s.errorf("%v: %v", err, got)
		}
	}},
	{"a watch in protobuf", func(s *scene) {
		s.make("a", "1")
		r, err := s.request("GET", s.path("configmaps")).Format(wire.Protobuf).SetHeader("Accept").Watch(s.ctx, wire.Options{})
		if err != nil {
			s.fatalf("%v", err)
		}
		defer r.Close()
		event, err := r.Next()
		if err != nil || event.Type != wire.Added || event.Object.Meta.Name != "a" {
			s.errorf("%v: %v", err, event)
		}
	}},
	{"YAML as body and answer", func(s *scene) {
		a := s.post("configmaps", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  a: '1'\n", "Content-Type: application/yaml", "Accept: application/yaml").is(201).
			headerIs("Content-Type", "application/yaml")
		if !strings.Contains(string(a.body), "kind: ConfigMap\n") {
			s.errorf("the body is %s", a.body)
		}
	}},
	{"the first acceptable format is chosen", func(s *scene) {
		s.make("a", "1")
		s.get("configmaps/a", "Accept: application/nothing, application/json").is(200).headerIs("Content-Type", "application/json")
		s.get("configmaps/a", "Accept: application/vnd.kubernetes.protobuf,application/json").is(200).headerIs("Content-Type", "application/vnd.kubernetes.protobuf")
		s.get("configmaps/a", "Accept: */*").is(200).headerIs("Content-Type", "application/json")
	}},
	{"no acceptable format is refused", func(s *scene) {
		s.make("a", "1")
		s.get("configmaps/a", "Accept: image/png").refused(406, "NotAcceptable", "Available representations: application/json, application/yaml, application/vnd.kubernetes.protobuf")
	}},
	{"an unknown format of a body is refused", func(s *scene) {
		s.post("configmaps", "x", "Content-Type: image/png").refused(415, "UnsupportedMediaType")
	}},
	{"a long answer may be compressed, and a pretty one is readable", func(s *scene) {
		s.make("a", "1")
		if a := s.get("configmaps/a?pretty=true").is(200); !strings.HasPrefix(string(a.body), "{\n  \"") {
			s.errorf("the body is %s", a.body)
		}
	}},
}

var metadataCases = []testCase{
	{"an object", func(s *scene) {
		s.labelled("a", "k: v")
		s.get("configmaps/a", asMetadata).is(200).has("kind", "PartialObjectMetadata").has("apiVersion", "meta.k8s.io/v1").lacks("data").
			has("metadata", s.get("configmaps/a").at("metadata"))
	}},
	{"a list", func(s *scene) {
		s.some(2)
		s.get("configmaps", asMetadataList).is(200).has("kind", "PartialObjectMetadataList").has("apiVersion", "meta.k8s.io/v1").names("a", "b").
			lacks("items.0.data").set("metadata.resourceVersion")
	}},
	{"a list in pages with a selector", func(s *scene) {
		for _, name := range []string{"a", "b", "c"} {
			s.labelled(name, "k: v")
		}
		s.get("configmaps?limit=2&labelSelector=k", asMetadataList).is(200).names("a", "b").set("metadata.continue")
	}},
	{"a delete and a patch are answered with it", func(s *scene) {
		s.make("a", "1")
		s.patch("configmaps/a", "{metadata: {labels: {k: v}}}", mergePatch, asMetadata).is(200).has("kind", "PartialObjectMetadata").has("metadata.labels", "{k: v}").lacks("data")
	}},
	{"the client for metadata reads, lists and watches", func(s *scene) {
		s.labelled("a", "k: v")
		c := client.Metadata(s.client, kind.Info{Version: "v1", Kind: "ConfigMap", Resource: "configmaps", Namespaced: true}).In(s.namespace())
		got, err := c.Get(s.ctx, "a", metav1.GetOptions{})
		if err != nil || got.Name != "a" || got.Labels["k"] != "v" {
			s.fatalf("%v: %v", err, got)
		}
		list, err := c.List(s.ctx, metav1.ListOptions{})
		if err != nil || len(list.Items) != 1 {
			s.fatalf("%v: %v", err, list)
		}
	}},
	{"an error is a Status", func(s *scene) {
		s.get("configmaps/a", asMetadata).refused(404, "NotFound", `configmaps "a" not found`)
	}},
}
