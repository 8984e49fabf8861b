package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"
)

// answer is what the server answered. Its methods that check something note a failure in the scene.
type answer struct {
	s      *scene
	what   string // the request
	code   int
	header http.Header
	body   []byte

	object any // the body's JSON, decoded when it is first looked at
}

// is fails the case unless the answer has the code.
func (a *answer) is(code int) *answer {
	if a.code != code {
		a.s.fatalf("%s: status %d, want %d: %s", a.what, a.code, code, short(a.body))
	}
	return a
}

// refused checks that the answer is a Status of a failure with the code and the reason, whose message
// contains each text.
func (a *answer) refused(code int, reason string, texts ...string) *answer {
	if a.code != code {
		a.s.fatalf("%s: status %d, want %d %s: %s", a.what, a.code, code, reason, short(a.body))
	}
	a.has("kind", "Status").has("apiVersion", "v1").has("status", "Failure").has("code", code)
	if reason != "" {
		a.has("reason", reason)
	} else {
		a.lacks("reason")
	}
	return a.says(texts...)
}

// says checks that the message of a Status contains each text.
func (a *answer) says(texts ...string) *answer {
	message, _ := a.at("message").(string)
	for _, text := range texts {
		if !strings.Contains(message, text) {
			a.s.errorf("%s: the message is %q, want it to contain %q", a.what, message, text)
		}
	}
	return a
}

// value returns the body as decoded JSON.
func (a *answer) value() any {
	if a.object == nil {
		decoder := json.NewDecoder(bytes.NewReader(a.body))
		decoder.UseNumber()
		if err := decoder.Decode(&a.object); err != nil {
			a.s.fatalf("%s: status %d, the body is no JSON: %v: %s", a.what, a.code, err, short(a.body))
		}
	}
	return a.object
}

// at returns the value at a path, or nil: "items.0.metadata.annotations[example.com/a]".
func (a *answer) at(path string) any {
	v := a.value()
	for _, step := range steps(path) {
		switch x := v.(type) {
		case map[string]any:
			v = x[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

// steps splits a path at its dots; what stands in brackets is one step.
func steps(path string) (out []string) {
	for path != "" {
		switch i := strings.IndexAny(path, ".["); {
		case i < 0:
			return append(out, path)
		case i > 0:
			out, path = append(out, path[:i]), path[i:]
		case path[0] == '[':
			end := strings.IndexByte(path, ']')
			out, path = append(out, path[1:end]), path[end+1:]
		default:
			path = path[1:]
		}
	}
	return out
}

// text returns the string at a path and fails the case if there is none.
func (a *answer) text(path string) string {
	v, _ := a.at(path).(string)
	if v == "" {
		a.s.fatalf("%s: no %s in %s", a.what, path, short(a.body))
	}
	return v
}

// version returns the resourceVersion of an object or a list.
func (a *answer) version() string { return a.text("metadata.resourceVersion") }

// has checks the value at a path. Numbers may be of any type; want may be YAML of a map or list, if it
// begins with a bracket.
func (a *answer) has(path string, want any) *answer {
	if got, want := canonical(a.at(path)), canonical(flow(want)); got != want {
		a.s.errorf("%s: %s is %s, want %s", a.what, path, got, want)
	}
	return a
}

// lacks checks that there is nothing at the paths.
func (a *answer) lacks(paths ...string) *answer {
	for _, path := range paths {
		if got := a.at(path); got != nil {
			a.s.errorf("%s: %s is %s, want none", a.what, path, canonical(got))
		}
	}
	return a
}

// set checks that there is something at the paths, which is not empty.
func (a *answer) set(paths ...string) *answer {
	for _, path := range paths {
		if got := a.at(path); got == nil || got == "" {
			a.s.errorf("%s: %s is not set: %s", a.what, path, short(a.body))
		}
	}
	return a
}

// differs checks that the values of two answers at a path are not the same.
func (a *answer) differs(path string, from *answer) *answer {
	if got := canonical(a.at(path)); got == canonical(from.at(path)) {
		a.s.errorf("%s: %s is still %s", a.what, path, got)
	}
	return a
}

// same checks that the values of two answers at a path are the same.
func (a *answer) same(path string, as *answer) *answer { return a.has(path, as.at(path)) }

// names checks the names of the items of a list, in order.
func (a *answer) names(want ...string) *answer {
	a.is(200)
	if got := a.itemNames(); !slices.Equal(got, want) {
		a.s.errorf("%s: the items are %v, want %v", a.what, got, want)
	}
	return a
}

func (a *answer) itemNames() (names []string) {
	items, _ := a.at("items").([]any)
	for i := range items {
		name, _ := a.at(fmt.Sprintf("items.%d.metadata.name", i)).(string)
		names = append(names, name)
	}
	return names
}

// headerIs checks a header of the answer.
func (a *answer) headerIs(name, want string) *answer {
	if got := a.header.Get(name); got != want {
		a.s.errorf("%s: %s is %q, want %q", a.what, name, got, want)
	}
	return a
}

// changed returns the object as a body, with fields changed: path, value, … A nil removes the field.
func (a *answer) changed(fields ...any) string {
	object := copyOf(a.value())
	for i := 0; i < len(fields); i += 2 {
		setAt(object, steps(fields[i].(string)), flow(fields[i+1]))
	}
	data, err := json.Marshal(object)
	if err != nil {
		panic(err)
	}
	return string(data)
}

func setAt(v any, path []string, to any) {
	for len(path) > 1 {
		switch x := v.(type) {
		case map[string]any:
			if x[path[0]] == nil {
				x[path[0]] = map[string]any{}
			}
			v = x[path[0]]
		case []any:
			i, _ := strconv.Atoi(path[0])
			v = x[i]
		}
		path = path[1:]
	}
	if m := v.(map[string]any); to == nil {
		delete(m, path[0])
	} else {
		m[path[0]] = to
	}
}

func copyOf(v any) any {
	switch x := v.(type) {
	case map[string]any:
		m := maps.Clone(x)
		for k := range m {
			m[k] = copyOf(m[k])
		}
		return m
	case []any:
		l := slices.Clone(x)
		for i := range l {
			l[i] = copyOf(l[i])
		}
		return l
	}
	return v
}

// flow returns the value of a string that is YAML of a map or a list, and any other value as it is.
func flow(v any) any {
	text, ok := v.(string)
	if !ok || !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "[") {
		return v
	}
	var out any
	if err := yaml.Unmarshal([]byte(text), &out); err != nil {
		panic(fmt.Sprintf("%v: %s", err, text))
	}
	return out
}

// canonical returns a value's JSON, so that values of different Go types can be compared.
func canonical(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(data)
}

// short returns the beginning of a body, for a message.
func short(body []byte) string {
	if len(body) > 600 {
		return string(body[:600]) + "…"
	}
	return string(body)
}
