package output

import (
	"bufio"
	"bytes"
	"fmt"
	"strings"

	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/client-go/util/jsonpath"

	"github.com/skiff-k8s/skiff/cmd/skiff/internal/cli"
	"github.com/skiff-k8s/skiff/cmd/skiff/internal/columns"
)

// templatePrinter prints by a JSONPath template. That of a list is about the whole List, so all
// objects are in memory.
type templatePrinter struct {
	out   *bufio.Writer
	path  *jsonpath.JSONPath
	list  bool
	items []any
}

func newTemplate(out *bufio.Writer, f Format, list bool) (Printer, error) {
	path := jsonpath.New("output").AllowMissingKeys(true)
	path.EnableJSONOutput(f.name == "jsonpath-as-json")
	if err := path.Parse(f.argument); err != nil {
		return nil, cli.Usagef("--output: the template %q: %w", f.argument, err)
	}
	return &templatePrinter{out: out, path: path, list: list, items: []any{}}, nil
}

func (p *templatePrinter) Print(o Object) error {
	v, err := decode(o)
	if err != nil {
		return err
	}
	if p.list {
		p.items = append(p.items, v)
		return nil
	}
	return p.execute(v)
}

func (p *templatePrinter) execute(v any) error {
	if err := p.path.Execute(p.out, v); err != nil {
		return fmt.Errorf("apply the template of --output: %w", err)
	}
	return nil
}

func (p *templatePrinter) Flush() error { return p.out.Flush() }

func (p *templatePrinter) Close() error {
	if p.list {
		err := p.execute(map[string]any{"apiVersion": "v1", "kind": "List", "items": p.items,
			"metadata": map[string]any{"resourceVersion": ""}})
		if err != nil {
			return err
		}
	}
	return p.out.Flush()
}

func decode(o Object) (map[string]any, error) {
	v := map[string]any{}
	if err := utiljson.Unmarshal(o.JSON, &v); err != nil {
		return nil, fmt.Errorf("decode %s: %w", o.Display, err)
	}
	return v, nil
}

// A Path reads values of objects: of --sort-by and custom-columns.
type Path struct{ path *jsonpath.JSONPath }

// ParsePath returns the path of a field: "{.metadata.name}", ".metadata.name" or "metadata.name".
func ParsePath(text string) (*Path, error) {
	expression := strings.TrimSpace(text)
	if inner, ok := strings.CutPrefix(expression, "{"); ok {
		inner, ok = strings.CutSuffix(inner, "}")
		if !ok {
			return nil, fmt.Errorf("path %q: a brace is missing", text)
		}
		expression = inner
	}
	if strings.ContainsAny(expression, "{}") || expression == "" {
		return nil, fmt.Errorf("path %q: want a path such as .metadata.name", text)
	}
	expression = "." + strings.TrimPrefix(expression, ".")
	path := jsonpath.New("path").AllowMissingKeys(true)
	if err := path.Parse("{" + expression + "}"); err != nil {
		return nil, fmt.Errorf("path %q: %w", text, err)
	}
	return &Path{path}, nil
}

// Values returns the values at the path in an object, as JSON decodes them.
func (p *Path) Values(object any) ([]any, error) {
	found, err := p.path.FindResults(object)
	if err != nil {
		return nil, err
	}
	var values []any
	for _, list := range found {
		for _, v := range list {
			if v.IsValid() && v.CanInterface() {
				values = append(values, v.Interface())
			}
		}
	}
	return values, nil
}

// Text returns the values at the path as kubectl shows them: with commas between them, and
// "<none>" for none.
func (p *Path) Text(object any) (string, error) {
	values, err := p.Values(object)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	for i, v := range values {
		if i > 0 {
			b.WriteByte(',')
		}
		if v == nil {
			b.WriteString("<none>")
			continue
		}
		fmt.Fprint(&b, v)
	}
	if b.Len() == 0 {
		return "<none>", nil
	}
	return b.String(), nil
}

// columnsPrinter prints the columns that the user has named.
type columnsPrinter struct {
	out   *bufio.Writer
	table *columns.Writer
	paths []*Path
}

// newColumns takes HEADER:PATH,HEADER:PATH, or two lines of headers and paths, as a file has them.
func newColumns(out *bufio.Writer, spec string, noHeaders bool) (Printer, error) {
	p := &columnsPrinter{out: out, table: columns.New(out)}
	var headers, paths []string
	if lines := strings.Split(strings.TrimSpace(spec), "\n"); len(lines) > 1 {
		headers, paths = strings.Fields(lines[0]), strings.Fields(lines[1])
		if len(lines) != 2 || len(headers) != len(paths) {
			return nil, cli.Usagef("--output: custom columns: want a line of headers and a line of as " +
				"many paths")
		}
	} else {
		for _, column := range splitColumns(spec) {
			header, path, ok := strings.Cut(column, ":")
			if !ok {
				return nil, cli.Usagef("--output: custom column %q: want HEADER:PATH", column)
			}
			headers, paths = append(headers, header), append(paths, path)
		}
	}
	for _, text := range paths {
		path, err := ParsePath(text)
		if err != nil {
			return nil, cli.Usagef("--output: custom columns: %w", err)
		}
		p.paths = append(p.paths, path)
	}
	if !noHeaders {
		p.table.Row(headers...)
	}
	return p, nil
}

// splitColumns splits at the commas that are in no brackets.
func splitColumns(spec string) []string {
	var parts []string
	depth, begin := 0, 0
	for i, r := range spec {
		switch r {
		case '[', '(':
			depth++
		case ']', ')':
			depth--
		case ',':
			if depth == 0 {
				parts = append(parts, spec[begin:i])
				begin = i + 1
			}
		}
	}
	return append(parts, spec[begin:])
}

func (p *columnsPrinter) Print(o Object) error {
	v, err := decode(o)
	if err != nil {
		return err
	}
	row := make([]string, len(p.paths))
	for i, path := range p.paths {
		if row[i], err = path.Text(v); err != nil {
			return fmt.Errorf("print %s: %w", o.Display, err)
		}
	}
	p.table.Row(row...)
	return nil
}

func (p *columnsPrinter) Close() error { return p.Flush() }

func (p *columnsPrinter) Flush() error {
	if err := p.table.Flush(); err != nil {
		return err
	}
	return p.out.Flush()
}
