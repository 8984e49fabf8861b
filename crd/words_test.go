package crd_test

import (
	"errors"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/skiff-k8s/skiff/crd"
)

type part struct {
	Name string `json:"name"`
	Note string `json:"note,omitempty"`
	Port int32  `json:"port,omitempty" crd:"default=80"`
}

func TestWords(t *testing.T) {
	got, err := specOf[struct {
		N  int                `json:"n" crd:"min=1,max=10,exclusiveMin,exclusiveMax,multipleOf=2"`
		F  float64            `json:"f" crd:"min=0,max=1.5,default=1"`
		S  string             `json:"s" crd:"minLength=1,maxLength=63,pattern='^\\d[a-z,|]{1,2}$',format=date"`
		Q  string             `json:"q" crd:"default='it''s, or isn''t',enum='it''s, or isn''t'|b|'c|d'"`
		I  int                `json:"i" crd:"enum=1|2|3,default=2"`
		B  bool               `json:"b,omitempty" crd:"default=true,title=B,doc='A, or B.'"`
		E  string             `json:"e,omitempty" crd:"default=''"`
		Z  *string            `json:"z,omitempty" crd:"nullable"`
		L  []string           `json:"l" crd:"minItems=1,maxItems=3,listType=set,items:minLength=2,items:enum=aa|bb,default='[\"aa\"]'"`
		LL [][]int            `json:"ll" crd:"items:maxItems=2,items:items:max=9"`
		P  []part             `json:"p" crd:"listType=map,listMapKey=name|port"`
		M  map[string]string  `json:"m" crd:"minProperties=1,maxProperties=5,mapType=atomic,items:maxLength=4"`
		O  struct{}           `json:"o" crd:"preserveUnknownFields,embeddedResource"`
		IS intstr.IntOrString `json:"is" crd:"default=1"`
		IT intstr.IntOrString `json:"it" crd:"default='10%'"`
		QU resource.Quantity  `json:"qu" crd:"default=1Gi"`
		R  int                `json:"r" crd:"rule='self > 0',message='no, it is not',reason=FieldValueInvalid,fieldPath=.x,rule='self >= oldSelf.orValue(0)',messageExpression='\"m\"',optionalOldSelf"`
		T  func()             `json:"t" crd:"type=string,maxLength=3"`
		U  string             "json:\"u\" crd:\"\""
	}](t)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "words", got, `
type: object
required: [f, i, is, it, l, ll, m, 'n', o, p, q, qu, r, s, t, u]
properties:
  'n': {type: integer, minimum: 1, maximum: 10, exclusiveMinimum: true, exclusiveMaximum: true, multipleOf: 2}
  f: {type: number, minimum: 0, maximum: 1.5, default: 1}
  s: {type: string, minLength: 1, maxLength: 63, pattern: '^\d[a-z,|]{1,2}$', format: date}
  q: {type: string, default: "it's, or isn't", enum: ["it's, or isn't", b, c|d]}
  i: {type: integer, enum: [1, 2, 3], default: 2}
  b: {type: boolean, default: true, title: B, description: 'A, or B.'}
  e: {type: string, default: ""}
  z: {type: string, nullable: true}
  l: {type: array, minItems: 1, maxItems: 3, x-kubernetes-list-type: set, items: {type: string, minLength: 2, enum: [aa, bb]}, default: [aa]}
  ll: {type: array, items: {type: array, maxItems: 2, items: {type: integer, maximum: 9}}}
  p: {type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [name, port], items: {type: object, required: [name],
    properties: {name: {type: string}, note: {type: string}, port: {type: integer, format: int32, default: 80}}}}
  m: {type: object, minProperties: 1, maxProperties: 5, x-kubernetes-map-type: atomic, additionalProperties: {type: string, maxLength: 4}}
  o: {type: object, x-kubernetes-preserve-unknown-fields: true, x-kubernetes-embedded-resource: true}
  is: {anyOf: [{type: integer}, {type: string}], x-kubernetes-int-or-string: true, default: 1}
  it: {anyOf: [{type: integer}, {type: string}], x-kubernetes-int-or-string: true, default: 10%}
  qu: `+strings.TrimSuffix(quantityYAML, "}")+`, default: 1Gi}
  r: {type: integer, x-kubernetes-validations: [{rule: self > 0, message: 'no, it is not', reason: FieldValueInvalid, fieldPath: .x},
    {rule: self >= oldSelf.orValue(0), messageExpression: '"m"', optionalOldSelf: true}]}
  t: {type: string, maxLength: 3}
  u: {type: string}
`)
}

// A tag that says nothing that the server would take is refused, at its path and by its word.
func TestWrongWords(t *testing.T) {
	_, err := specOf[struct {
		Unknown   int      `json:"unknown" crd:"minimum=1"`
		Case      int      `json:"case" crd:"Min=1"`
		Type      string   `json:"type" crd:"min=1"`
		Number    int      `json:"number" crd:"min=x"`
		Whole     int      `json:"whole" crd:"min=1.5"`
		Range     int      `json:"range" crd:"min=2,max=1"`
		Exclusive int      `json:"exclusive" crd:"exclusiveMax"`
		Count     string   `json:"count" crd:"maxLength=-1"`
		Pattern   string   `json:"pattern" crd:"pattern='('"`
		Quote     string   `json:"quote" crd:"pattern='a"`
		After     string   `json:"after" crd:"pattern='a'b"`
		Flag      int      `json:"flag" crd:"nullable=true"`
		Value     string   `json:"value" crd:"pattern"`
		Enum      int      `json:"enum" crd:"enum=1|x"`
		Twice     string   `json:"twice" crd:"enum=a|a"`
		Bound     string   `json:"bound" crd:"enum=a|bbb,maxLength=2"`
		Default   int      `json:"default" crd:"default=7,max=6"`
		List      []string `json:"list" crd:"default=a"`
		ListType  []string `json:"listType" crd:"listType=bag"`
		Keys      []part   `json:"keys" crd:"listType=map"`
		NoKey     []part   `json:"noKey" crd:"listType=map,listMapKey=nane"`
		MayKey    []part   `json:"mayKey" crd:"listType=map,listMapKey=note"`
		Items     int      `json:"items" crd:"items:min=1"`
		InItems   []int    `json:"inItems" crd:"items:min=2,items:max=1"`
		Message   int      `json:"message" crd:"message=m"`
		Reason    int      `json:"reason" crd:"rule='self>1',reason=Wrong"`
		Rule      int      `json:"rule" crd:"rule"`
		Types     int      `json:"types" crd:"type=int"`
		Empty     int      `json:"empty" crd:"=1"`
		Said      int      `json:"said" crd:"required=true"`
		Object    part     `json:"object" crd:"default='{\"nane\":\"x\"}'"`
		Lacks     part     `json:"lacks" crd:"default='{\"note\":\"x\"}'"`
	}](t)
	want := map[string]string{
		"unknown": "word minimum: it is unknown", "case": "word Min: it is unknown",
		"type": "word min: it is not said of type string, but of: integer, number", "number": `"x" is no JSON of type integer`,
		"whole": "1.5 is of type number, not integer", "range": "minimum 2 is above maximum 1", "exclusive": "exclusiveMaximum needs maximum",
		"count": `"-1" is no number from 0 on`, "pattern": "missing closing )", "quote": "a single quote is not closed",
		"after": `"b" follows a closed single quote`, "flag": "it takes no value",
		"value": "it has no value", "enum": `"x" is no JSON of type integer`, "twice": `"a" is there twice`,
		"bound": "enum value bbb: it is above maxLength 2", "default": "default 7: it is above maximum 6", "list": `"a" is no JSON of type array`,
		"listType": `"bag" is none of: atomic, set, map`, "keys": "need each other", "noKey": "listMapKey nane is no field",
		"mayKey": "listMapKey note is optional and has no default", "items": "it is no list and no map", "inItems[]": "minimum 2 is above maximum 1",
		"message": "there is no rule before it", "reason": `"Wrong" is none of: FieldValueInvalid`, "rule": "it has no value",
		"types": `"int" is no type`, "empty": "a word is missing", "said": "it takes no value",
		"object": "it has the unknown field nane", "lacks": "it lacks the required field name",
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("%v", err)
	}
	for _, err := range joined.Unwrap() {
		var te *crd.TypeError
		if !errors.As(err, &te) {
			t.Errorf("%v is no TypeError", err)
			continue
		}
		field := strings.TrimPrefix(te.Path, ".spec.")
		if problem, ok := want[field]; !ok || !strings.Contains(te.Problem, problem) {
			t.Errorf("%s: %s; want: %s", field, te.Problem, problem)
		}
		delete(want, field)
	}
	for field, problem := range want {
		t.Errorf("%s: no error about: %s", field, problem)
	}
}
