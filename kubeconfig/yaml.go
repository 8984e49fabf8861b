package kubeconfig

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v2"
)

// yamlToJSON converts a text of one YAML document to JSON, which is YAML, too. Its errors name a
// line and repeat nothing of the text.
func yamlToJSON(text []byte) ([]byte, error) {
	if documents(text) > 1 {
		return nil, errors.New("it holds more than one YAML document: a kubeconfig is one, " +
			"remove the others or put them into files of their own")
	}
	var content any
	err := yaml.UnmarshalStrict(text, &content)
	if twice, ok := err.(*yaml.TypeError); ok && len(twice.Errors) > 0 {
		return nil, errors.New("it has a key twice in one mapping" +
			position(twice.Errors[0]) + ": remove one of the two")
	}
	if err != nil {
		return nil, errors.New("not valid YAML" +
			position(strings.TrimPrefix(err.Error(), "yaml: ")) + ": correct it there or just above")
	}
	out, err := json.Marshal(jsonable(content))
	if err != nil {
		return nil, errors.New("valid YAML, but no kubeconfig: it holds a value that JSON has not")
	}
	return out, nil
}

// documents counts the YAML documents of a text that have content. A line that begins with three
// dashes begins one, wherever it stands (YAML 1.2, section 9.1.2).
func documents(text []byte) int {
	count, empty := 0, true
	for len(text) > 0 {
		var line []byte
		line, text, _ = bytes.Cut(text, []byte("\n"))
		if content, ok := bytes.CutPrefix(line, []byte("---")); ok &&
			(len(content) == 0 || bytes.IndexByte([]byte(" \t\r\n"), content[0]) >= 0) {
			line, empty = content, true
		}
		line = bytes.TrimSpace(line)
		if empty && len(line) > 0 && line[0] != '#' && line[0] != '%' && string(line) != "..." {
			count, empty = count+1, false
		}
	}
	return count
}

// position returns the line that an error of the YAML parser begins with, the only part of it that
// never repeats the text.
func position(message string) string {
	number, ok := strings.CutPrefix(message, "line ")
	number, _, found := strings.Cut(number, ":")
	if !ok || !found || strings.Trim(number, "0123456789") != "" {
		return ""
	}
	return " (line " + number + ")"
}

// jsonable makes the keys of all mappings strings.
func jsonable(value any) any {
	switch v := value.(type) {
	case map[any]any:
		out := make(map[string]any, len(v))
		for key, value := range v {
			out[fmt.Sprint(key)] = jsonable(value)
		}
		return out
	case []any:
		for i := range v {
			v[i] = jsonable(v[i])
		}
	}
	return value
}
