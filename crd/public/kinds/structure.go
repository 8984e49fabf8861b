package kinds

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Structure returns what the comparison looks at in a schema, a line for each field: its path, its
// type or what stands for one, its format, whether it is required, and whether it keeps unknown
// fields.
func Structure(s map[string]any) []string {
	var lines []string
	walk(s, "", false, &lines)
	slices.Sort(lines)
	return lines
}

func walk(s map[string]any, path string, required bool, lines *[]string) {
	typ, _ := s["type"].(string)
	if s["x-kubernetes-int-or-string"] == true {
		typ = "int-or-string"
	}
	line := cmp.Or(path, ".") + " " + cmp.Or(typ, "any")
	if format, ok := s["format"].(string); ok && format != "" {
		line += " " + format
	}
	if required {
		line += " required"
	}
	if s["x-kubernetes-preserve-unknown-fields"] == true {
		line += " preserve-unknown"
	}
	*lines = append(*lines, line)
	if items, ok := s["items"].(map[string]any); ok {
		walk(items, path+"[]", false, lines)
	}
	switch values := s["additionalProperties"].(type) {
	case map[string]any:
		walk(values, path+".*", false, lines)
	case bool:
		*lines = append(*lines, fmt.Sprintf("%s.* %t", path, values))
	}
	must, _ := s["required"].([]any)
	properties, _ := s["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		property, _ := properties[name].(map[string]any)
		walk(property, path+"."+strings.ReplaceAll(name, " ", "_"), slices.Contains(must, any(name)), lines)
	}
}
