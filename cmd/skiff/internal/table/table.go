// Package table reads the tables that an API server makes of its objects, a page at a time
// (https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables).
//
// Most of a page is the metadata of its objects, and most of that is managedFields. Nothing of it is
// decoded but what is printed.
package table

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/skiff-k8s/skiff/cmd/skiff/internal/scan"
)

// A Column is the definition of a column.
type Column struct {
	Name string
	// Priority is 0 for a column that is always printed, and greater for one of wide output.
	Priority int64
}

// A Row is one object. Its slices are parts of the page's bytes.
type Row struct {
	Cells  [][]byte // JSON values
	Object []byte   // as the request's includeObject chose; nil for none
}

// A Page is a table, or the rows of one page of a list.
type Page struct {
	Columns []Column
	Rows    []Row
	// Version is the resourceVersion of the list.
	Version string
	// Continue is the token for the next page; "" on the last one.
	Continue string
	// Remaining is how many rows the next pages have, if the server says so.
	Remaining int64
}

// Read reads a page. If the server knows no tables and has answered with objects instead, the page
// has the columns NAME and AGE.
func Read(data []byte) (*Page, error) {
	p := &Page{}
	c := scan.New(data)
	kind := ""
	for key := range c.Members() {
		switch string(key) {
		case "kind":
			kind = c.Text()
		case "metadata":
			p.readMeta(c)
		case "columnDefinitions":
			for range c.Elements() {
				p.Columns = append(p.Columns, column(c))
			}
		case "rows":
			p.readRows(c)
		case "items":
			for range c.Elements() {
				p.Rows = append(p.Rows, Row{Object: c.Raw()})
			}
		}
	}
	if err := c.Err(); err != nil {
		return nil, fmt.Errorf("read the server's table: %w", err)
	}
	switch {
	case kind == "Table":
		return p, nil
	case kind == "" || kind == "Status":
		return nil, errors.New("read the server's table: it is none, nor a list")
	}
	if p.Rows == nil && p.Version == "" { // a list has a version, and so has one object
		return nil, errors.New("read the server's table: it is none, nor a list")
	}
	if len(kind) < 4 || kind[len(kind)-4:] != "List" {
		p.Rows = []Row{{Object: data}}
	}
	p.nameAndAge()
	return p, nil
}

func (p *Page) readMeta(c *scan.Cursor) {
	for key := range c.Members() {
		switch string(key) {
		case "resourceVersion":
			p.Version = c.Text()
		case "continue":
			p.Continue = c.Text()
		case "remainingItemCount":
			p.Remaining = c.Int()
		}
	}
}

func column(c *scan.Cursor) (col Column) {
	for key := range c.Members() {
		switch string(key) {
		case "name":
			col.Name = c.Text()
		case "priority":
			col.Priority = c.Int()
		}
	}
	return col
}

func (p *Page) readRows(c *scan.Cursor) {
	p.Rows = []Row{}
	var cells [][]byte // of all rows, so that a row needs no memory of its own
	for range c.Elements() {
		var row Row
		for key := range c.Members() {
			switch string(key) {
			case "cells":
				begin := len(cells)
				for range c.Elements() {
					cells = append(cells, c.Raw())
				}
				row.Cells = cells[begin:len(cells):len(cells)]
			case "object":
				if row.Object = c.Raw(); string(row.Object) == "null" {
					row.Object = nil
				}
			}
		}
		p.Rows = append(p.Rows, row)
	}
}

// nameAndAge makes the cells of rows that are mere objects.
func (p *Page) nameAndAge() {
	p.Columns = []Column{{Name: "Name"}, {Name: "Age"}}
	for i, row := range p.Rows {
		m := ReadMeta(row.Object)
		age := "<unknown>"
		if created, err := time.Parse(time.RFC3339, m.Created); err == nil {
			age = duration.HumanDuration(time.Since(created))
		}
		p.Rows[i].Cells = [][]byte{quote(m.Name), quote(age)}
	}
}

func quote(s string) []byte {
	text, _ := json.Marshal(s) // a string has a form in JSON
	return text
}

// Meta is what is printed of an object's metadata.
type Meta struct {
	Namespace, Name, UID, Version, Created string
	Labels                                 []Label // in the server's order, by key
}

// A Label is one label.
type Label struct{ Key, Value string }

// Label returns the value of a label, or "".
func (m Meta) Label(key string) string {
	for _, l := range m.Labels {
		if l.Key == key {
			return l.Value
		}
	}
	return ""
}

// Key returns "namespace/name", or "name" for a cluster-scoped object.
func (m Meta) Key() string {
	if m.Namespace == "" {
		return m.Name
	}
	return m.Namespace + "/" + m.Name
}

// ReadMeta reads the metadata of an object. What is missing is "".
func ReadMeta(object []byte) (m Meta) {
	c := scan.New(object)
	for key := range c.Members() {
		if string(key) != "metadata" {
			continue
		}
		for key := range c.Members() {
			switch string(key) {
			case "namespace":
				m.Namespace = c.Text()
			case "name":
				m.Name = c.Text()
			case "uid":
				m.UID = c.Text()
			case "resourceVersion":
				m.Version = c.Text()
			case "creationTimestamp":
				m.Created = c.Text()
			case "labels":
				for key := range c.Members() {
					m.Labels = append(m.Labels, Label{scan.Text(quoted(key)), c.Text()})
				}
			}
		}
		break
	}
	return m
}

// quoted returns a key with its quotation marks, which stand around it in the document.
func quoted(key []byte) []byte { return append(append([]byte{'"'}, key...), '"') }
