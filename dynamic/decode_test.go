package dynamic_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/skiff-k8s/skiff/dynamic"
)

// decodeAll returns the objects of a stream before its end or its error.
func decodeAll(text string, opts ...dynamic.DecodeOption) ([]*unstructured.Unstructured, error) {
	var all []*unstructured.Unstructured
	for u, err := range dynamic.Decode(iotest.HalfReader(strings.NewReader(text)), opts...) {
		if err != nil {
			return all, err
		}
		all = append(all, u)
	}
	return all, nil
}

func obj(name string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: %s\n", name)
}

func objJSON(name string) string {
	return fmt.Sprintf(`{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": %q}}`, name)
}

func TestDecodeFindsEveryObject(t *testing.T) {
	long := "# " + strings.Repeat("comment --- ", 20000) + "\n"
	for name, c := range map[string]struct{ text, want string }{
		"nothing":                      {"", ""},
		"spaces":                       {" \n\t\n\r\n", ""},
		"comments and markers":         {"# a\n---\n# b\n--- # c\n...\n---", ""},
		"null":                         {"---\nnull\n---\n~\n", ""},
		"one":                          {obj("a"), "a"},
		"no line end":                  {strings.TrimSuffix(obj("a"), "\n"), "a"},
		"two":                          {obj("a") + "---\n" + obj("b"), "a b"},
		"empty ones between":           {"---\n" + obj("a") + "---\n---\n# x\n---\n" + obj("b") + "---\n", "a b"},
		"document end":                 {obj("a") + "...\n" + obj("b") + "...\n", "a b"},
		"directive":                    {"%YAML 1.2\n---\n" + obj("a"), "a"},
		"comment after marker":         {"--- # first\n" + obj("a") + "---   \n" + obj("b"), "a b"},
		"CRLF":                         {strings.ReplaceAll("---\n"+obj("a")+"---\n"+obj("b"), "\n", "\r\n"), "a b"},
		"CR alone":                     {strings.ReplaceAll(obj("a")+"---\n"+obj("b"), "\n", "\r"), "a b"},
		"byte order marks":             {"\ufeff" + obj("a") + "\ufeff---\n" + "\ufeff" + obj("b"), "a b"},
		"JSON":                         {objJSON("a"), "a"},
		"JSON after a mark":            {"\ufeff" + objJSON("a"), "a"},
		"concatenated JSON":            {objJSON("a") + objJSON("b") + "\n\n " + objJSON("c"), "a b c"},
		"JSON and YAML":                {objJSON("a") + "\n---\n" + obj("b") + "---\n" + objJSON("c") + "\n# x\n" + objJSON("d"), "a b c d"},
		"braces of YAML":               {"{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n---\n" + obj("b"), "a b"},
		"braces on the marker":         {"--- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n---\n" + obj("b"), "a b"},
		"braces in strings":            {`{"x": "}\"{", "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}` + objJSON("b"), "a b"},
		"marker in a block":            {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  x: |\n    ---\n    y\n---\n" + obj("b"), "a b"},
		"dashes that separate nothing": {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---x: 1\n", "a"},
		"a long comment":               {long + obj("a") + long + "---\n" + long + obj("b") + long, "a b"},
		"an anchor":                    {"apiVersion: &v v1\nkind: ConfigMap\nmetadata: {name: a, labels: {x: *v}}\n", "a"},
		"a List":                       {"apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: a}}\n- {apiVersion: v1, kind: Pod, metadata: {name: b}}\n---\n" + obj("c"), "a b c"},
		"a List of Lists":              {"apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: List\n  items: [{apiVersion: v1, kind: Pod, metadata: {name: a}}]\n", "a"},
		"an empty List":                {"apiVersion: v1\nkind: List\nitems: []\n---\napiVersion: v1\nkind: List\n---\n" + obj("a"), "a"},
		"a PodList":                    {`{"apiVersion": "v1", "kind": "PodList", "items": [{"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}]}`, "a b"},
		"a kind that is called so":     {"apiVersion: example.com/v1\nkind: AllowList\nmetadata: {name: a}\nitems: []\n---\napiVersion: example.com/v1\nkind: DenyList\nmetadata: {generateName: a}\nspec: {}\n", "a "},
	} {
		t.Run(name, func(t *testing.T) {
			all, err := decodeAll(c.text)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, u := range all {
				if u.GetAPIVersion() == "" || u.GetKind() == "" {
					t.Errorf("%v has no apiVersion and kind", u.Object)
				}
				names = append(names, u.GetName())
			}
			if got := strings.Join(names, " "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestDecodeGivesItemsTheKindOfTheirList(t *testing.T) {
	all, err := decodeAll(`{"apiVersion": "apps/v1", "kind": "DeploymentList", "items": [{"metadata": {"name": "a"}}]}`)
	if err != nil || len(all) != 1 || all[0].GetAPIVersion() != "apps/v1" || all[0].GetKind() != "Deployment" {
		t.Errorf("got %v, %v", all, err)
	}
}

// Every error names the document and the line, and no value.
func TestDecodeErrorsNameDocumentAndLine(t *testing.T) {
	const secret = "hunter2"
	first := obj("a") + "---\n" // lines 1 to 5
	for _, c := range []struct {
		text           string
		document, line int
		message        string
	}{
		{first + "kind: X\nmetadata: {}\n", 2, 6, "the document has no apiVersion"},
		{first + "apiVersion: v1\nmetadata: {}\n", 2, 6, "the document has no kind"},
		{first + "apiVersion: v1\nkind: 7\n", 2, 6, "the kind of the document is a number and not a string"},
		{first + "apiVersion: v1\nkind: X\nmetadata: []\n", 2, 6, "the metadata of the document are a list"},
		{first + "apiVersion: v1\nkind: X\nmetadata: {name: n}\n", 2, 6, "the metadata.name of the document is a boolean and not a string"},
		{first + "- a\n- b\n", 2, 6, "the document is a list and not an object"},
		{first + secret + "\n", 2, 6, "the document is a string and not an object"},
		{first + "\n\n# x\n" + obj("b") + "metadata: {password: " + secret + "}\n", 2, 13, `the key "metadata" is there twice`},
		{first + "a: 1\nb: 2\n c: 3\n", 2, 8, "mapping values are not allowed"},
		{first + "a: 1\n\tb: 2\n", 2, 7, "tab"},
		{first + "- a\nb: c\n", 2, 7, "did not find expected '-' indicator"},
		{first + "a: {x: 1\nb: 2\n", 2, 7, "did not find expected ',' or '}'"},
		{first + "a: 1\nb: *x\n", 2, 7, "unknown anchor 'x'"},
		{first + "a: 1\nb: {{ x }}\n", 2, 6, "a template that was not rendered"},
		{first + "a: !!int " + secret + "\n", 2, 6, "a value is not what its tag says"},
		{first + "a: 1\nb: \x00\n", 2, 7, "control character U+0000"},
		{first + "a: 1\nb: \xff\n", 2, 7, "not UTF-8"},
		{first + "a:\n  b:\n  - y: 1\n", 2, 6, "a key of a.b[0] is the boolean true"},
		{first + "a: {1.10: x}\n", 2, 6, "a key of a is 1.1, and not a string"},
		{first + "a: {~: x}\n", 2, 6, "a key of a is <nil>, and not a string"},
		{first + "a: {1: x, '1': y}\n", 2, 6, `the key "1" is there twice in a`},
		{first + "a: .inf\n", 2, 6, "a is a number that JSON does not have"},
		{first + "a: 9223372036854775808\n", 2, 6, "a is a number that is too large for int64"},
		{first + "a: 99999999999999999999999\n", 2, 6, "a is a number that is too large for int64"},
		{first + "a: &x {p: 1}\nb:\n  <<: *x\n  p: 2\n", 2, 9, `the key "p" is there twice`},
		{first + "apiVersion: v1\nkind: List\nitems:\n- {kind: X}\n", 2, 6, "items[0] has no apiVersion"},
		{first + "apiVersion: v1\nkind: List\nitems: {}\n", 2, 6, "the items of the document are an object and not a list"},
		{first + "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: List, items: [3]}\n", 2, 6, "items[0].items[0] is a number and not an object"},
		{first + "{\n\"a\": 1,\n\"b\": ]}\n", 2, 8, "invalid character ']'"},
		{first + "{\n\"a\": 1,\n", 2, 7, "has no end"},
		{first + "{\n\"a\": 1,\n---\n", 2, 7, "has no end"},
		{first + "{\"a\": 1,\n\n\"a\": 1}", 2, 8, `the key "a" is there twice`},
		{first + "{\"a\":\n9223372036854775808}", 2, 7, "too large for int64"},
		{first + "{\"a\":\n1e999}", 2, 7, "too large for int64, or for float64"},
		{first + "{\"a\": \"\xff\"}", 2, 6, "not UTF-8"},
		{first + objJSON("b") + "\n\nfoo: bar\n", 3, 8, "text after a JSON object"},
		{first + objJSON("b") + ",\n", 3, 6, "text after a JSON object"},
		{first + objJSON("b") + "\n{a: b}\n", 3, 7, "invalid character 'a'"},
		{"[" + objJSON("a") + "]", 1, 1, "the document is a list and not an object"},
		{"\xff\xfea\x00", 1, 1, "UTF-16"},
		{strings.Repeat("{\"a\":", 10002) + "1" + strings.Repeat("}", 10002), 1, 1, "nested more than 10000 deep"},
	} {
		all, err := decodeAll(c.text)
		var at *dynamic.DecodeError
		if !errors.As(err, &at) {
			t.Errorf("%.80q: got %v and %d objects", c.text, err, len(all))
			continue
		}
		if at.Document != c.document || at.Line != c.line || !strings.Contains(at.Err.Error(), c.message) {
			t.Errorf("%.80q: got %q, want document %d, line %d and %q", c.text, err, c.document, c.line, c.message)
		}
		if want := fmt.Sprintf("decode document %d, line %d: ", c.document, c.line); !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.80q: the error is %q", c.text, err)
		}
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%.80q: the error repeats a value: %v", c.text, err)
		}
		if want := c.document - 1; len(all) != want {
			t.Errorf("%.80q: %d objects came before the error, want %d", c.text, len(all), want)
		}
	}
}

func TestDecodeKeepsValuesExactly(t *testing.T) {
	yaml := `apiVersion: v1
kind: X
i: 9007199254740993
max: 9223372036854775807
min: -9223372036854775808
f: 1.5
whole: 2.0
octal: 0777
"on": yes
s: "1"
date: 2001-02-03
none: null
8080: port
text: |
  a
  b
`
	all, err := decodeAll(yaml)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"apiVersion": "v1", "kind": "X", "i": int64(9007199254740993), "max": int64(math.MaxInt64),
		"min": int64(math.MinInt64), "f": 1.5, "whole": 2.0, "octal": int64(0o777), "on": true, "s": "1", "date": "2001-02-03",
		"none": nil, "8080": "port", "text": "a\nb\n"}
	if !reflect.DeepEqual(all[0].Object, want) {
		t.Errorf("YAML: got %#v", all[0].Object)
	}
	all, err = decodeAll(`{"apiVersion": "v1", "kind": "X", "i": 9007199254740993, "max": 9223372036854775807,
		"min": -9223372036854775808, "f": 1.5, "whole": 2.0, "e": 1e3, "zero": -0, "on": true, "s": "1\ud83d\ude00\/", "none": null, "l": [], "o": {}}`)
	if err != nil {
		t.Fatal(err)
	}
	want = map[string]any{"apiVersion": "v1", "kind": "X", "i": int64(9007199254740993), "max": int64(math.MaxInt64),
		"min": int64(math.MinInt64), "f": 1.5, "whole": 2.0, "e": 1000.0, "zero": int64(0), "on": true, "s": "1😀/", "none": nil,
		"l": []any{}, "o": map[string]any{}}
	if !reflect.DeepEqual(all[0].Object, want) {
		t.Errorf("JSON: got %#v", all[0].Object)
	}
	all[0].DeepCopy() // panics for a type that JSON does not have
}

// The bound of a document counts its own bytes, however long the stream, its lines and its comments.
func TestDecodeBoundsADocument(t *testing.T) {
	const max = 100000 // longer than the buffer
	pad := func(size int, text string) string {
		return strings.Replace(text, "PAD", strings.Repeat("x", size-len(text)+3), 1)
	}
	comment := "#" + strings.Repeat("x", 2*max) + "\n---\n"
	for _, c := range []struct{ document, end string }{
		{obj("PAD"), "---\n"},
		{"{apiVersion: v1, kind: X, metadata: {name: PAD}}\n", "---\n"},
		{objJSON("PAD"), ""},
	} {
		below, at, above := pad(max-1, c.document)+c.end, pad(max, c.document)+c.end, pad(max+1, c.document)+c.end
		if all, err := decodeAll(comment+below+at+comment+at+below, dynamic.MaxDocument(max)); err != nil || len(all) != 4 {
			t.Errorf("%.20q: at the bound: %v, %d objects", c.document, err, len(all))
		}
		for i, bad := range []string{above, comment + above + below, below + above} {
			all, err := decodeAll(bad, dynamic.MaxDocument(max))
			if err == nil || !strings.Contains(err.Error(), "more than 100000 bytes") || len(all) != i/2 {
				t.Errorf("%.20q: above the bound: %v, %d objects", c.document, err, len(all))
			}
			if all, err = decodeAll(bad, dynamic.MaxDocument(-1)); err != nil || len(all) != 1+(i+1)/2 {
				t.Errorf("%.20q: without a bound: %v, %d objects", c.document, err, len(all))
			}
		}
	}
}

// The text is not UTF-8, so that nobody parses 64 MiB in this test.
func TestDecodeHasABoundByDefault(t *testing.T) {
	for size, want := range map[int]string{64<<20 - 1: "UTF-8", 64 << 20: "UTF-8", 64<<20 + 1: "more than 67108864 bytes"} {
		text := "\xff" + strings.Repeat("x", size-1)
		for _, err := range dynamic.Decode(strings.NewReader(text)) {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("a document of %d bytes: %v", size, err)
			}
		}
	}
}

// A caller that stops reading gets nothing more, and a fault of the reader is an error of its place.
func TestDecodeEndsWithItsCallerAndItsReader(t *testing.T) {
	n := 0
	for range dynamic.Decode(strings.NewReader("apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: X}, {apiVersion: v1, kind: X}]\n---\n[")) {
		n++
		break
	}
	if n != 1 {
		t.Errorf("%d objects", n)
	}
	broken := errors.New("broken")
	var got error
	for u, err := range dynamic.Decode(io.MultiReader(strings.NewReader(obj("a")+"---\n"+obj("b")), iotest.ErrReader(broken))) {
		if got = err; err != nil && u != nil {
			t.Error("an object comes with the error")
		}
	}
	var at *dynamic.DecodeError
	if !errors.As(got, &at) || !errors.Is(got, broken) || at.Document != 2 || at.Line != 9 {
		t.Errorf("got %v", got)
	}
}

// Whatever the stream, Decode ends, yields objects with a kind that JSON can carry, and nothing after
// an error; and what it yields, written one after the other as JSON, is decoded to the same.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{"", obj("a") + "---\n" + obj("b"), objJSON("a") + objJSON("b"), "---\n{a: b}\n", "\ufeff# x\r\n---\r\na: &x [*x]\n",
		"apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: X, n: 1.5}\n", "{\"a\": \"}\n---\n", "a: 1\r---\rb: 2", "%YAML 1.1\n---\n...\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		all, err := decodeAll(text, dynamic.MaxDocument(1<<16))
		var at *dynamic.DecodeError
		if err != nil && (!errors.As(err, &at) || at.Document < 1 || at.Line < 1 || at.Line > 1+strings.Count(text, "\n")) {
			t.Fatalf("the error is %v", err)
		}
		var again strings.Builder
		for _, u := range all {
			if u.GetKind() == "" || u.GetAPIVersion() == "" {
				t.Fatalf("an object without a kind: %v", u.Object)
			}
			data, err := json.Marshal(u.DeepCopy().Object)
			if err != nil {
				t.Fatal(err)
			}
			again.Write(data)
		}
		back, err := decodeAll(again.String())
		if err != nil || len(back) != len(all) {
			t.Fatalf("again: %d objects and %v, not %d", len(back), err, len(all))
		}
	})
}
