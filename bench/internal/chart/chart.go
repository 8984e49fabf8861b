// Package chart draws bar charts as SVG for a README. They are readable on light and on dark pages
// and load no other file.
package chart

import (
	"fmt"
	"html"
	"io"
	"text/template"
)

// Chart is a list of rows, each with a bar for each side. The bars of a row are relative to its
// largest value, so that rows of different units can be in one chart.
type Chart struct {
	Title string
	Rows  []Row
}

// Row is one measured quantity.
type Row struct {
	Label string
	Bars  []Bar
}

// Bar is one side's value.
type Bar struct {
	Class string // "ours" stands out; anything else does not
	Name  string // the side
	Value float64
	Text  string // the value, as it is to be read
}

// Sizes in the drawing, in its own units: pixels, if it is shown as large as it is.
const (
	width     = 760
	margin    = 16
	titleRoom = 44
	labelRoom = 22
	barHeight = 16
	barPitch  = 21
	rowGap    = 14
	nameRoom  = 138
	textRoom  = 170
)

// Write draws the chart. Its text may hold any characters.
func (c Chart) Write(w io.Writer) error {
	d := drawing{Width: width, Title: html.EscapeString(c.Title)}
	y := titleRoom
	for _, row := range c.Rows {
		y += labelRoom
		d.Labels = append(d.Labels, text{X: margin, Y: y - 7, S: html.EscapeString(row.Label)})
		most := 0.0
		for _, bar := range row.Bars {
			most = max(most, bar.Value)
		}
		for _, bar := range row.Bars {
			length := 0.0
			if most > 0 {
				length = bar.Value / most * (width - 2*margin - nameRoom - textRoom)
			}
			class := "theirs"
			if bar.Class == "ours" {
				class = "ours"
			}
			d.Bars = append(d.Bars, drawnBar{
				Class: class, X: margin + nameRoom, Y: y, Height: barHeight,
				Length: fmt.Sprintf("%.1f", max(length, 1.5)), // a value above 0 is visible
				Name:   text{X: margin + nameRoom - 8, Y: y + 12, S: html.EscapeString(bar.Name)},
				Text:   text{X: margin + nameRoom + int(length) + 8, Y: y + 12, S: html.EscapeString(bar.Text)},
			})
			y += barPitch
		}
		y += rowGap
	}
	d.Height = y
	return svg.Execute(w, d)
}

type drawing struct {
	Width, Height int
	Title         string
	Labels        []text
	Bars          []drawnBar
}

type text struct {
	X, Y int
	S    string
}

type drawnBar struct {
	Class        string
	X, Y, Height int
	Length       string
	Name, Text   text
}

// svg has no background, so that the page's shows, and changes its colours with the reader's
// scheme. The colours outside of the media query are distinguishable in both schemes, for viewers
// that do not know it.
var svg = template.Must(template.New("svg").Parse(`<svg xmlns="http://www.w3.org/2000/svg" width="{{.Width}}" height="{{.Height}}" viewBox="0 0 {{.Width}} {{.Height}}" role="img" aria-label="{{.Title}}" font-family="-apple-system, 'Segoe UI', Helvetica, Arial, sans-serif" font-size="13">
<style>
.title { fill: #57606a; font-size: 16px; font-weight: 600 }
.label { fill: #57606a; font-weight: 600 }
.name, .value { fill: #6e7781 }
.name { text-anchor: end }
.ours { fill: #1f883d }
.theirs { fill: #8c959f }
@media (prefers-color-scheme: dark) {
.title, .label { fill: #e6edf3 }
.name, .value { fill: #b1bac4 }
.ours { fill: #3fb950 }
.theirs { fill: #6e7681 }
}
</style>
<text class="title" x="16" y="26">{{.Title}}</text>
{{- range .Labels}}
<text class="label" x="{{.X}}" y="{{.Y}}">{{.S}}</text>
{{- end}}
{{- range .Bars}}
<text class="name" x="{{.Name.X}}" y="{{.Name.Y}}">{{.Name.S}}</text>
<rect class="{{.Class}}" x="{{.X}}" y="{{.Y}}" width="{{.Length}}" height="{{.Height}}" rx="2"/>
<text class="value" x="{{.Text.X}}" y="{{.Text.Y}}">{{.Text.S}}</text>
{{- end}}
</svg>
`))
