package dynamic

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v2"
)

// maxDepth is how deep JSON may be nested, as in encoding/json and the YAML parser.
const maxDepth = 10000

// syntaxError is the error of text that is not JSON.
type syntaxError struct{ err error }

func (e *syntaxError) Error() string { return e.err.Error() }

// parseJSON returns the content of a JSON object. Its error is a lineError.
func parseJSON(text []byte) (any, error) {
	if err := validText(text); err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	content, err := jsonValue(d, 0)
	if err == nil {
		return content, nil
	}
	at := d.InputOffset()
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		at, err = syntax.Offset, &syntaxError{err}
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		at, err = int64(len(text)), &syntaxError{errors.New("the JSON object has no end")}
	}
	at = min(at, int64(len(bytes.TrimRight(text, " \t\r\n"))))
	return nil, &lineError{1 + bytes.Count(text[:at], []byte("\n")), err}
}

// jsonValue reads the value that comes next.
func jsonValue(d *json.Decoder, depth int) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("the document is nested more than %d deep", maxDepth)
	}
	switch t := token.(type) {
	case json.Number:
		return number(string(t))
	case json.Delim:
		if t == '[' {
			list := []any{}
			for d.More() {
				item, err := jsonValue(d, depth+1)
				if err != nil {
					return nil, err
				}
				list = append(list, item)
			}
			_, err = d.Token()
			return list, err
		}
		object := map[string]any{}
		for d.More() {
			token, err := d.Token()
			if err != nil {
				return nil, err
			}
			key, _ := token.(string)
			if _, ok := object[key]; ok {
				return nil, twice(key)
			}
			if object[key], err = jsonValue(d, depth+1); err != nil {
				return nil, err
			}
		}
		_, err = d.Token()
		return object, err
	}
	return token, nil
}

func twice(key string) error { return fmt.Errorf("the key %q is there twice", key) }

// number returns a number of JSON as int64 or float64.
func number(text string) (any, error) {
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return i, nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || !strings.ContainsAny(text, ".eE") && text != "-0" {
		return nil, errors.New("a number is too large for int64, or for float64")
	}
	return f, nil
}

// parseYAML returns the contents of the YAML documents of a text, nil for one without content. There
// is more than one if they are separated by line ends that stream does not know, such as a CR alone.
// Its error is a lineError.
func parseYAML(text []byte) ([]any, error) {
	if err := validText(text); err != nil {
		return nil, err
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.SetStrict(true)
	var all []any
	for {
		var content any
		err := d.Decode(&content)
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, yamlError(err, text)
		}
		if content, err = jsonable(content, ""); err != nil {
			return nil, &lineError{1, err}
		}
		all = append(all, content)
	}
}

var (
	yamlLine   = regexp.MustCompile(`^line (\d+): `)
	yamlTwice  = regexp.MustCompile(`^key (.*) already set in map$`)
	yamlAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
)

// yamlError returns an error of the YAML parser with its line, and without values of the text.
func yamlError(err error, text []byte) error {
	cause := strings.TrimPrefix(err.Error(), "yaml: ")
	if t, ok := err.(*yaml.TypeError); ok && len(t.Errors) > 0 {
		cause = t.Errors[0]
	}
	line := 1
	if m := yamlLine.FindStringSubmatch(cause); m != nil {
		line, _ = strconv.Atoi(m[1])
		cause = cause[len(m[0]):]
		if strings.HasPrefix(cause, "did not find expected") {
			line++ // the parser counts from 0, and the scanner from 1
		}
	}
	if m := yamlTwice.FindStringSubmatch(cause); m != nil {
		cause = "the key " + m[1] + " is there twice"
	}
	if m := yamlAnchor.FindStringSubmatch(cause); m != nil {
		before, _, _ := bytes.Cut(text, []byte("*"+m[1]))
		line = 1 + bytes.Count(before, []byte("\n"))
	}
	switch {
	case strings.HasPrefix(cause, "invalid map key"):
		cause = "a key is a mapping or a list, as in a template that was not rendered: {{ … }}"
	case strings.HasPrefix(cause, "cannot decode"):
		cause = "a value is not what its tag says"
	}
	return &lineError{line, errors.New(cause)}
}

// jsonable returns a value of the YAML parser as JSON has it. path is where it stands.
func jsonable(content any, path string) (any, error) {
	at := func() string {
		if path == "" {
			return "the document"
		}
		return path[1:]
	}
	switch v := content.(type) {
	case map[any]any:
		object := make(map[string]any, len(v))
		for k, item := range v {
			var key string
			switch k := k.(type) {
			case string:
				key = k
			case int:
				key = strconv.Itoa(k)
			case bool:
				return nil, fmt.Errorf("a key of %s is the boolean %t, as y, yes, on, n, no and "+
					"off are in YAML 1.1: write it in quotes", at(), k)
			default:
				return nil, fmt.Errorf("a key of %s is %v, and not a string: write it in quotes",
					at(), k)
			}
			if _, ok := object[key]; ok {
				return nil, fmt.Errorf("%w in %s", twice(key), at())
			}
			item, err := jsonable(item, path+"."+key)
			if err != nil {
				return nil, err
			}
			object[key] = item
		}
		return object, nil
	case []any:
		for i := range v {
			item, err := jsonable(v[i], fmt.Sprintf("%s[%d]", path, i))
			if err != nil {
				return nil, err
			}
			v[i] = item
		}
	case int:
		return int64(v), nil
	case uint64:
		return nil, fmt.Errorf("%s is a number that is too large for int64", at())
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("%s is a number that JSON does not have: .inf or .nan", at())
		}
		if v == math.Trunc(v) && math.Abs(v) >= 1<<63 {
			return nil, fmt.Errorf("%s is a number that is too large for int64", at())
		}
	}
	return content, nil
}

// validText returns an error for text that is not UTF-8, or that has control characters.
func validText(text []byte) error {
	isControl := func(r rune) bool {
		return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0x7f
	}
	if utf8.Valid(text) && !bytes.ContainsFunc(text, isControl) {
		return nil
	}
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRune(text[at:])
		problem := ""
		switch {
		case r == utf8.RuneError && size <= 1:
			problem = "the text is not UTF-8"
		case isControl(r):
			problem = fmt.Sprintf("the text has the control character %U", r)
		}
		if problem != "" {
			return &lineError{1 + bytes.Count(text[:at], []byte("\n")), errors.New(problem)}
		}
		at += size
	}
	return nil
}
