package client

import (
	"encoding/json"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func set(t *testing.T, fields string) fieldSet {
	t.Helper()
	s, err := fieldsOf(metav1.ManagedFieldsEntry{FieldsV1: metav1.NewFieldsV1(fields)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func is(t *testing.T, got any, want string) {
	t.Helper()
	data, err := json.Marshal(got)
	if err != nil || string(data) != want {
		t.Errorf("it is %s, %v; want %s", data, err, want)
	}
}

// A member that is a leaf in one set and has members in the other is itself in the union.
func TestUnionOfFields(t *testing.T) {
	for _, c := range [][3]string{
		{`{}`, `{"f:a":{}}`, `{"f:a":{}}`},
		{`{"f:a":{}}`, `{"f:a":{}}`, `{"f:a":{}}`},
		{`{"f:a":{"f:b":{}}}`, `{"f:a":{"f:c":{}}}`, `{"f:a":{"f:b":{},"f:c":{}}}`},
		{`{"f:a":{}}`, `{"f:a":{"f:c":{}}}`, `{"f:a":{".":{},"f:c":{}}}`},
		{`{"f:a":{"k:{\"n\":1}":{".":{}}}}`, `{"f:a":{"k:{\"n\":1}":{"f:x":{}},"v:2":{}}}`, `{"f:a":{"k:{\"n\":1}":{".":{},"f:x":{}},"v:2":{}}}`},
	} {
		a, b := set(t, c[0]), set(t, c[1])
		is(t, a.union(b), c[2])
		is(t, b.union(a), c[2])
		is(t, a, c[0])
		is(t, b, c[1])
	}
	if got := fieldSet(nil).union(nil); got == nil || len(got) > 0 {
		t.Errorf("of nothing: %v", got)
	}
}

func TestFieldsWithoutOne(t *testing.T) {
	for _, c := range [][2]string{
		{`{"f:x":{}}`, `{"f:x":{}}`},
		{`{"f:a":{}}`, `{"f:a":{}}`},
		{`{"f:a":{"f:b":{"f:c":{}}}}`, `{}`},
		{`{"f:a":{"f:b":{".":{},"f:c":{"f:d":{}}}}}`, `{"f:a":{"f:b":{".":{}}}}`},
		{`{"f:a":{"f:b":{"f:c":{}},"f:x":{}}}`, `{"f:a":{"f:x":{}}}`},
	} {
		a := set(t, c[0])
		is(t, a.without("f:a", "f:b", "f:c"), c[1])
		is(t, a, c[0])
	}
}

func TestPartOfADocument(t *testing.T) {
	const object = `{"a":1,"m":{"x":"1","y":"2"},"l":[{"n":1,"p":"T","v":1},{"n":1,"p":"U","v":2}],"s":["a","b","c"],"atomic":[1,2],"z":null}`
	for fields, want := range map[string]string{
		`{"f:a":{}}`:                          `{"a":1}`,
		`{"f:m":{}}`:                          `{"m":{"x":"1","y":"2"}}`,
		`{"f:m":{".":{}}}`:                    `{"m":{}}`,
		`{"f:m":{".":{},"f:y":{}}}`:           `{"m":{"y":"2"}}`,
		`{"f:atomic":{}}`:                     `{"atomic":[1,2]}`,
		`{"f:s":{"v:\"c\"":{},"v:\"a\"":{}}}`: `{"s":["a","c"]}`,
		`{"f:s":{"i:1":{}}}`:                  `{"s":["b"]}`,
		`{"f:l":{"k:{\"n\":1,\"p\":\"U\"}":{".":{},"f:v":{}}}}`: `{"l":[{"n":1,"p":"U","v":2}]}`,
		`{"f:l":{"k:{\"n\":1,\"p\":\"T\"}":{".":{}}}}`:          `{"l":[{"n":1,"p":"T"}]}`,
		`{"f:l":{"k:{\"n\":2,\"p\":\"T\"}":{".":{}}}}`:          `{"l":[]}`,
		`{"f:gone":{"f:x":{}},"f:z":{}}`:                        `{"z":null}`,
		`{"f:s":{"k:{}":{},"q:1":{},"v:{":{}}}`:                 `{"s":[]}`,
	} {
		doc, err := objectOf([]byte(object))
		if err != nil {
			t.Fatal(err)
		}
		data, _ := json.Marshal(set(t, fields).of(doc))
		if string(data) != want {
			t.Errorf("%s: %s, want %s", strings.TrimSpace(fields), data, want)
		}
		is(t, doc, `{"a":1,"atomic":[1,2],"l":[{"n":1,"p":"T","v":1},{"n":1,"p":"U","v":2}],"m":{"x":"1","y":"2"},"s":["a","b","c"],"z":null}`)
	}
}
