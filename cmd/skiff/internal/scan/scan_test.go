package scan_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/skiff-k8s/skiff/cmd/skiff/internal/scan"
)

// value reads a whole document by a Cursor.
func value(c *scan.Cursor, raw []byte) any {
	switch raw[0] {
	case '{':
		m := map[string]any{}
		for key := range c.Members() {
			sub := c.Raw()
			if c.Err() != nil {
				break
			}
			m[scan.Text([]byte(`"`+string(key)+`"`))] = value(scan.New(sub), sub)
		}
		return m
	case '[':
		list := []any{}
		for range c.Elements() {
			sub := c.Raw()
			if c.Err() != nil {
				break
			}
			list = append(list, value(scan.New(sub), sub))
		}
		return list
	case '"':
		return c.Text()
	case 'n':
		return nil
	}
	var v any
	_ = json.Unmarshal(raw, &v)
	return v
}

// What encoding/json accepts is read as encoding/json reads it; nothing makes the cursor fail to end.
func FuzzCursor(f *testing.F) {
	for _, s := range []string{
		`{"a":1,"b":[true,false,null,-1.5e3,"x\"y\\"],"c":{"d":{}}}`, `[]`, `[ [ ] , { } ]`, `"\u00e9\\"`,
		`{"a" : "\\" , "b":"\\\""}`, `{"a`, `[1,2`, `{"a":}`, `{,}`, `nul`, `{"a":1 "b":2}`, ` 7 `, ``,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c := scan.New(data)
		raw := c.Raw()
		if !json.Valid(data) {
			for range scan.New(data).Members() {
			}
			for range scan.New(data).Elements() {
			}
			return
		}
		var want any
		if err := json.Unmarshal(data, &want); err != nil || !utf8.Valid(data) {
			return // a number that is too large; bytes that encoding/json replaces
		}
		if c.Err() != nil {
			t.Fatalf("%q: %v", data, c.Err())
		}
		if got := value(scan.New(raw), raw); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %#v, want %#v", data, got, want)
		}
	})
}

func TestCursorFails(t *testing.T) {
	for in, want := range map[string]string{
		`{"a":1`:    "a comma or the end was expected",
		`{"a" 1}`:   "':' was expected",
		`{"a":}`:    "a value was expected",
		`{"a":"b}`:  "a string has no end",
		`{"a":[1,`:  "an object or array has no end",
		`[1]`:       "'{' was expected",
		``:          "'{' was expected",
		`{"a":1 2}`: "a comma or the end was expected",
	} {
		c := scan.New([]byte(in))
		for range c.Members() {
		}
		if c.Err() == nil || !strings.Contains(c.Err().Error(), want) {
			t.Errorf("%s: %v, want %q", in, c.Err(), want)
		}
	}
}

// A loop that reads a value moves the cursor, and one that does not skips it.
func TestCursorSkips(t *testing.T) {
	c := scan.New([]byte(`{"a":{"x":[1,2,{"y":"}"}]},"b":7,"c":"t"}`))
	var keys []string
	var b int64
	for key := range c.Members() {
		keys = append(keys, string(key))
		if string(key) == "b" {
			b = c.Int()
		}
	}
	if strings.Join(keys, "") != "abc" || b != 7 || c.Err() != nil {
		t.Errorf("keys %q, b %d, error %v", keys, b, c.Err())
	}
}
