// Package output prints objects in the formats of --output that show objects as they are.
package output

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/skiff-k8s/skiff/cmd/skiff/internal/cli"
)

// An Object is what is printed.
type Object struct {
	JSON []byte // with apiVersion and kind
	// Display names it as "pod/web".
	Display string
}

// A Printer prints objects. Flush writes what is held; Close is called after the last object.
type Printer interface {
	Print(Object) error
	Flush() error
	Close() error
}

// Formats are the names of the formats, for completion and errors. Tables, "" and "wide", are the
// caller's.
var Formats = []string{"json", "yaml", "name", "jsonpath=", "jsonpath-file=", "jsonpath-as-json=",
	"custom-columns=", "custom-columns-file="}

// A Format is a value of --output.
type Format struct {
	name, argument string
}

// NamesOnly reports whether the format shows nothing of an object but its name.
func (f Format) NamesOnly() bool { return f.name == "name" }

// Parse returns the format that a value of --output names.
func Parse(value string) (Format, error) {
	name, argument, has := strings.Cut(value, "=")
	switch name {
	case "json", "yaml", "name":
		if has {
			return Format{}, cli.Usagef("--output %q: %s takes no argument", value, name)
		}
		return Format{name, ""}, nil
	case "jsonpath", "jsonpath-file", "jsonpath-as-json", "custom-columns", "custom-columns-file":
		if argument == "" {
			return Format{}, cli.Usagef("--output %q: want %s=…", value, name)
		}
	default:
		return Format{}, cli.Usagef("--output %q: want wide, %s", value,
			strings.Join(Formats, "…, "))
	}
	if strings.HasSuffix(name, "-file") {
		text, err := os.ReadFile(argument)
		if err != nil {
			return Format{}, fmt.Errorf("read the file of --output: %w", err)
		}
		name, argument = strings.TrimSuffix(name, "-file"), string(text)
	}
	return Format{name, argument}, nil
}

// Options are options of a Printer.
type Options struct {
	// List prints the objects as the items of a List of apiVersion v1. Without it there is one
	// object, or each is printed as a document of its own.
	List bool
	// NoHeaders leaves the headers of custom-columns out.
	NoHeaders bool
}

// New returns a printer to w, which is buffered until Close.
func (f Format) New(w io.Writer, o Options) (Printer, error) {
	out := bufio.NewWriterSize(w, 64<<10)
	switch f.name {
	case "json":
		return &jsonPrinter{out: out, list: o.List}, nil
	case "yaml":
		return &yamlPrinter{out: out, list: o.List}, nil
	case "name":
		return &namePrinter{out}, nil
	case "custom-columns":
		return newColumns(out, f.argument, o.NoHeaders)
	}
	return newTemplate(out, f, o.List)
}

// namePrinter prints TYPE/NAME.
type namePrinter struct{ out *bufio.Writer }

func (p *namePrinter) Print(o Object) error {
	_, err := fmt.Fprintln(p.out, o.Display)
	return err
}

func (p *namePrinter) Flush() error { return p.out.Flush() }
func (p *namePrinter) Close() error { return p.out.Flush() }

// jsonPrinter prints objects with the order of their fields as the server sent it.
type jsonPrinter struct {
	out   *bufio.Writer
	list  bool
	count int
	text  bytes.Buffer
}

const indent = "    "

func (p *jsonPrinter) Print(o Object) error {
	p.text.Reset()
	prefix := ""
	if p.list {
		prefix = indent + indent
		switch p.count {
		case 0:
			p.text.WriteString("{\n" + indent + `"apiVersion": "v1",` + "\n" + indent + `"items": [` + "\n")
		default:
			p.text.WriteString(",\n")
		}
		p.text.WriteString(prefix)
	}
	p.count++
	if err := json.Indent(&p.text, o.JSON, prefix, indent); err != nil {
		return fmt.Errorf("print %s: %w", o.Display, err)
	}
	if !p.list {
		p.text.WriteByte('\n')
	}
	_, err := p.out.Write(p.text.Bytes())
	return err
}

func (p *jsonPrinter) Flush() error { return p.out.Flush() }

func (p *jsonPrinter) Close() error {
	if p.list {
		switch p.count {
		case 0:
			fmt.Fprint(p.out, "{\n", indent, `"apiVersion": "v1",`, "\n", indent, `"items": [],`, "\n")
		default:
			fmt.Fprint(p.out, "\n", indent, "],\n")
		}
		fmt.Fprint(p.out, indent, `"kind": "List",`, "\n", indent, `"metadata": {`, "\n",
			indent+indent, `"resourceVersion": ""`, "\n", indent, "}\n}\n")
	}
	return p.out.Flush()
}

// yamlPrinter prints objects with their fields sorted.
type yamlPrinter struct {
	out   *bufio.Writer
	list  bool
	count int
}

func (p *yamlPrinter) Print(o Object) error {
	text, err := yaml.JSONToYAML(o.JSON)
	if err != nil {
		return fmt.Errorf("print %s: %w", o.Display, err)
	}
	p.count++
	switch {
	case !p.list && p.count > 1:
		_, _ = p.out.WriteString("---\n")
	case p.list && p.count == 1:
		_, _ = p.out.WriteString("apiVersion: v1\nitems:\n")
	}
	if p.list { // each line goes two columns to the right, which changes no block of text
		text = append([]byte("- "), bytes.ReplaceAll(bytes.TrimSuffix(text, []byte("\n")),
			[]byte("\n"), []byte("\n  "))...)
		text = append(text, '\n')
	}
	_, err = p.out.Write(text)
	return err
}

func (p *yamlPrinter) Flush() error { return p.out.Flush() }

func (p *yamlPrinter) Close() error {
	if p.list {
		if p.count == 0 {
			_, _ = p.out.WriteString("apiVersion: v1\nitems: []\n")
		}
		_, _ = p.out.WriteString("kind: List\nmetadata:\n  resourceVersion: \"\"\n")
	}
	return p.out.Flush()
}
