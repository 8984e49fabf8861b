package crd_test

import (
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/skiff-k8s/skiff/crd"
	"github.com/skiff-k8s/skiff/kind"
)

// definition returns a definition of YAML.
func definition(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	data, err := yaml.YAMLToJSON([]byte(text))
	if err == nil {
		err = u.UnmarshalJSON(data)
	}
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// withSpec returns a definition of one version whose field .spec has a schema.
func withSpec(t *testing.T, spec string) *unstructured.Unstructured {
	t.Helper()
	return definition(t, `{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: xs.example.com},
 spec: {scope: Namespaced, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {spec: `+spec+`}}}}]}}`)
}

func TestLosses(t *testing.T) {
	const any, obj = "x-kubernetes-preserve-unknown-fields: true", "type: object, properties: "
	for _, c := range []struct{ old, next, want string }{
		// Types.
		{"{type: string}", "{type: integer}", ".spec type changed from string to integer"},
		{"{type: integer}", "{type: number}", ""},
		{"{type: number}", "{type: integer}", ".spec type changed from number to integer"},
		{"{type: string}", "{x-kubernetes-int-or-string: true, anyOf: [{type: integer}, {type: string}]}", ""},
		{"{x-kubernetes-int-or-string: true}", "{type: string}", ".spec type changed from int-or-string to string"},
		{"{type: string}", "{" + any + "}", ""},
		{"{" + any + "}", "{type: string}", ".spec type changed from any to string"},
		{"{type: array, items: {type: string}}", "{type: array, items: {type: integer}}", ".spec[] type changed from string to integer"},

		// Fields.
		{"{" + obj + "{a: {type: string}}}", "{type: object}", ".spec.a property removed"},
		{"{" + obj + "{a: {type: string}}}", "{type: object, " + any + "}", ""},
		{"{" + obj + "{a: {type: string}}}", "{type: object, additionalProperties: {type: string}}", ""},
		{"{" + obj + "{a: {type: integer}}}", "{type: object, additionalProperties: {type: string}}", ".spec.a type changed from integer to string"},
		{"{" + obj + "{a: {" + obj + "{b: {type: string}}}}}", "{" + obj + "{a: {" + obj + "{c: {type: string}}}}}", ".spec.a.b property removed"},
		{"{type: object, " + any + "}", "{type: object}", ".spec.* property removed"},
		{"{type: object, " + any + "}", "{type: object, additionalProperties: {type: string}}", ".spec.* type changed from any to string"},
		{"{type: object, additionalProperties: {type: string}}", "{type: object}", ".spec.* property removed"},
		{"{type: object, additionalProperties: {type: string}}", "{type: object, additionalProperties: {type: integer}}", ".spec.* type changed"},
		{"{type: object, additionalProperties: true}", "{type: object}", ".spec.* property removed"},
		{"{type: object}", "{" + obj + "{a: {type: string}}}", ""},
		{"{type: object, " + any + "}", "{" + obj + "{a: {" + obj + "{b: {type: string}}}}, " + any + "}", ".spec.a type changed from any to object"},
		{"{type: object, " + any + "}", "{" + obj + "{a: {" + any + "}}, " + any + "}", ""},
		{"{type: object, additionalProperties: {type: string}}", "{" + obj + "{a: {type: integer}}, " + any + "}", ".spec.a type changed from string to integer"},
		{"{type: object, x-kubernetes-embedded-resource: true}", "{" + obj + "{kind: {type: string}}}",
			".spec.apiVersion property removed; .spec.metadata property removed"},
		{"{type: object, x-kubernetes-embedded-resource: true}", "{type: object, " + any + "}", ""},

		// Required.
		{"{" + obj + "{a: {type: string}}}", "{" + obj + "{a: {type: string}}, required: [a]}", ".spec.a required field added without default"},
		{"{type: object}", "{" + obj + "{a: {type: string}}, required: [a]}", ".spec.a required field added without default"},
		{"{type: object}", "{" + obj + "{a: {type: string, default: x}}, required: [a]}", ""},
		{"{" + obj + "{a: {type: string}}, required: [a]}", "{" + obj + "{a: {type: string}}}", ""},
		{"{" + obj + "{a: {type: string, default: x}}, required: [a]}", "{" + obj + "{a: {type: string}}, required: [a]}",
			".spec.a required field added without default its default is removed"},
		{"{" + obj + "{a: {type: string, default: x}}, required: [a]}", "{" + obj + "{a: {type: string, default: y}}, required: [a]}", ""},
		{"{" + obj + "{a: {type: string, default: x}}}", "{" + obj + "{a: {type: string}}}", ""},

		// Bounds: tighter, as before, and looser.
		{"{type: integer, maximum: 5}", "{type: integer, maximum: 4}", ".spec bound tightened maximum from 5 to 4"},
		{"{type: integer, maximum: 5}", "{type: integer, maximum: 5}", ""},
		{"{type: integer, maximum: 5}", "{type: integer, maximum: 6}", ""},
		{"{type: integer, maximum: 5}", "{type: integer}", ""},
		{"{type: integer}", "{type: integer, maximum: 5}", ".spec bound tightened maximum from none to 5"},
		{"{type: integer, minimum: 1}", "{type: integer, minimum: 2}", ".spec bound tightened minimum from 1 to 2"},
		{"{type: integer, minimum: 1}", "{type: integer, minimum: 1.0}", ""},
		{"{type: integer, minimum: 1}", "{type: integer, minimum: 0}", ""},
		{"{type: integer}", "{type: integer, minimum: 0}", ".spec bound tightened minimum from none to 0"},
		{"{type: integer, minimum: 1}", "{type: integer, minimum: 1, exclusiveMinimum: true}", ".spec bound tightened exclusiveMinimum"},
		{"{type: string}", "{type: string, minLength: 0}", ""},
		{"{type: string}", "{type: string, minLength: 1}", ".spec bound tightened minLength from none to 1"},
		{"{type: string, maxLength: 3}", "{type: string, maxLength: 2}", ".spec bound tightened maxLength from 3 to 2"},
		{"{type: array, minItems: 1, maxItems: 2}", "{type: array, minItems: 2, maxItems: 1}", ".spec bound tightened minItems; .spec bound tightened maxItems"},
		{"{type: object, maxProperties: 2}", "{type: object, maxProperties: 1}", ".spec bound tightened maxProperties"},
		{"{type: integer}", "{type: integer, multipleOf: 2}", ".spec bound tightened multipleOf from none to 2"},
		{"{type: string}", "{type: string, pattern: a}", ".spec bound tightened pattern from none to a"},
		{"{type: string, pattern: a}", "{type: string, pattern: b}", ".spec bound tightened pattern from a to b"},
		{"{type: string, pattern: a}", "{type: string}", ""},
		{"{type: string}", "{type: string, format: date}", ".spec bound tightened format from none to date"},
		{"{type: integer, format: int32}", "{type: integer, format: int64}", ""},
		{"{type: integer}", "{type: integer, format: int64}", ""},
		{"{type: integer}", "{type: integer, format: int32}", ".spec bound tightened format from none to int32"},
		{"{type: integer, format: int64}", "{type: integer, format: int32}", ".spec bound tightened format from int64 to int32"},
		{"{type: string, nullable: true}", "{type: string}", ".spec bound tightened null is not valid any more"},
		{"{type: string}", "{type: string, nullable: true}", ""},
		{"{type: string}", "{type: string, not: {pattern: a}}", ".spec bound tightened not"},
		{"{type: array}", "{type: array, x-kubernetes-list-type: set}", ".spec bound tightened list type from none to set"},
		{"{type: array, x-kubernetes-list-type: set}", "{type: array, x-kubernetes-list-type: atomic}", ""},
		{"{type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [a, b]}",
			"{type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [a]}", ".spec bound tightened list type from map to map"},
		{"{type: string}", "{type: string, x-kubernetes-validations: [{rule: self > 'a'}]}", ".spec bound tightened a new rule: self > 'a'"},
		{"{type: string, x-kubernetes-validations: [{rule: r, message: m}]}", "{type: string, x-kubernetes-validations: [{rule: r}]}", ""},

		// Enums.
		{"{type: string, enum: [a, b]}", "{type: string, enum: [b, c]}", ".spec enum value removed a"},
		{"{type: integer, enum: [1, 2]}", "{type: integer, enum: [1, 2, 3]}", ""},
		{"{type: string}", "{type: string, enum: [a]}", ".spec bound tightened an enum: [a]"},
		{"{type: string, enum: [a]}", "{type: string}", ""},
	} {
		old, next := withSpec(t, c.old), withSpec(t, c.next)
		losses := crd.Losses(old, next)
		var want []string
		if c.want != "" {
			want = strings.Split(c.want, "; ")
		}
		matches := func(l *crd.LossError, want string) bool {
			return l.Version == "v1" && l.Definition == "xs.example.com" && strings.HasPrefix(l.Path+" "+string(l.Loss)+" "+l.Detail, want)
		}
		if !slices.EqualFunc(losses, want, matches) {
			t.Errorf("%s to %s:\n%v\nwant: %s", c.old, c.next, losses, c.want)
		}
		if losses := crd.Losses(next, next); len(losses) > 0 {
			t.Errorf("%s to itself: %v", c.next, losses)
		}
	}
}

// Measure has numbers with a fraction of 0, which servers and files write without it.
type Measure struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              struct {
		Size  float64 `json:"size,omitempty" crd:"enum=1.0|2.5,default=1.0,multipleOf=1.0"`
		Share float64 `json:"share,omitempty" crd:"min=0.0,max=1.0,multipleOf=5e-1"`
	} `json:"spec,omitzero"`
}

// A definition that has been written and read is the same.
func TestLossesOfWholeNumbersWithAFraction(t *testing.T) {
	if err := kind.Register[Measure](kind.Info{Group: group, Version: "v1", Kind: "Measure", Resource: "measures", Namespaced: true}); err != nil {
		t.Fatal(err)
	}
	next, err := crd.Of[Measure]()
	if err != nil {
		t.Fatal(err)
	}
	data, err := next.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if losses := crd.Losses(definition(t, string(data)), next); len(losses) > 0 {
		t.Errorf("%v", losses)
	}
}

func withoutStatus(u *unstructured.Unstructured) *unstructured.Unstructured {
	u = u.DeepCopy()
	unstructured.RemoveNestedField(u.Object, "status")
	return u
}

func TestLossesOfVersions(t *testing.T) {
	version := func(name, storage, fields string) string {
		return "{name: " + name + ", served: true, storage: " + storage + ", schema: {openAPIV3Schema: {type: object, properties: " + fields + "}}}"
	}
	of := func(rest string, versions ...string) *unstructured.Unstructured {
		return definition(t, `{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: xs.example.com}, spec: {`+
			rest+`, versions: [`+strings.Join(versions, ", ")+`]}, status: {storedVersions: [v1]}}`)
	}
	const a, ab, webhook = "{a: {type: string}}", "{a: {type: string}, b: {type: string}}", "scope: Cluster, conversion: {strategy: Webhook}"
	one := of("scope: Cluster", version("v1", "true", ab))
	for _, c := range []struct {
		what      string
		old, next *unstructured.Unstructured
		want      string
	}{
		{"scope", one, of("scope: Namespaced", version("v1", "true", ab)), "xs.example.com: scope changed: from Cluster to Namespaced"},
		{"stored version", one, of("scope: Cluster", version("v2", "true", ab)), "xs.example.com v1: stored version removed: "},
		{"stored version, by a file without a status", withoutStatus(one), of("scope: Cluster", version("v2", "true", ab)),
			"xs.example.com v1: stored version removed: "},
		{"storage moves to a version that knows less", of("scope: Cluster", version("v1", "true", ab), version("v2", "false", a)),
			of("scope: Cluster", version("v1", "false", ab), version("v2", "true", a)),
			"xs.example.com v2 .b: property removed: the server drops it from stored objects (compared with v1,"},
		{"storage moves to a version that knows as much", of("scope: Cluster", version("v1", "true", ab), version("v2", "false", ab)),
			of("scope: Cluster", version("v1", "false", ab), version("v2", "true", ab)), ""},
		{"storage moves with a webhook", of(webhook, version("v1", "true", ab), version("v2", "false", a)),
			of(webhook, version("v1", "false", ab), version("v2", "true", a)), ""},
		{"a new version that knows less", one, of("scope: Cluster", version("v1", "true", ab), version("v2", "false", a)),
			"xs.example.com v2 .b: property removed: the server drops it from stored objects (compared with v1,"},
		{"a new version with a webhook", one, of(webhook, version("v1", "true", ab), version("v2", "false", a)), ""},
		{"the end of a webhook", of(webhook, version("v1", "true", ab), version("v2", "false", ab)),
			of("scope: Cluster", version("v1", "true", ab), version("v2", "false", ab)), "xs.example.com: conversion removed: "},
		{"the end of a webhook and of the other version", of(webhook, version("v1", "true", ab), version("v2", "false", ab)),
			of("scope: Cluster", version("v1", "true", ab)), ""},
		{"the end of a version that is not stored", of("scope: Cluster", version("v1", "true", ab), version("v2", "false", ab)), one, ""},
	} {
		losses := crd.Losses(c.old, c.next)
		if c.want == "" && len(losses) == 0 {
			continue
		}
		if len(losses) != 1 || !strings.HasPrefix(losses[0].Error(), c.want) {
			t.Errorf("%s: %v; want: %s", c.what, losses, c.want)
		}
	}
}
