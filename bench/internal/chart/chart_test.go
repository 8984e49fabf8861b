package chart_test

import (
	"encoding/xml"
	"strconv"
	"strings"
	"testing"

	"github.com/skiff-k8s/skiff/bench/internal/chart"
)

// drawing is what of the SVG is looked at.
type drawing struct {
	Width  int `xml:"width,attr"`
	Height int `xml:"height,attr"`
	Bars   []struct {
		Class string  `xml:"class,attr"`
		X     float64 `xml:"x,attr"`
		Y     float64 `xml:"y,attr"`
		Width float64 `xml:"width,attr"`
	} `xml:"rect"`
	Texts []struct {
		Class string  `xml:"class,attr"`
		X     float64 `xml:"x,attr"`
		Y     float64 `xml:"y,attr"`
		S     string  `xml:",chardata"`
	} `xml:"text"`
	Style string `xml:"style"`
}

func draw(t *testing.T, c chart.Chart) drawing {
	t.Helper()
	var b strings.Builder
	if err := c.Write(&b); err != nil {
		t.Fatal(err)
	}
	var d drawing
	if err := xml.Unmarshal([]byte(b.String()), &d); err != nil {
		t.Fatalf("not XML: %v\n%s", err, b.String())
	}
	return d
}

func TestBarsAreAsLongAsTheirValuesWithinARow(t *testing.T) {
	d := draw(t, chart.Chart{Title: "memory", Rows: []chart.Row{
		{Label: "a pod", Bars: []chart.Bar{{Class: "ours", Name: "skiff", Value: 500, Text: "500 B"}, {Name: "client-go", Value: 20_000, Text: "20 kB"}}},
		{Label: "time", Bars: []chart.Bar{{Class: "ours", Name: "skiff", Value: 1, Text: "1 s"}, {Name: "client-go", Value: 2, Text: "2 s"}}},
	}})
	if len(d.Bars) != 4 {
		t.Fatalf("%d bars, want 4", len(d.Bars))
	}
	if full := d.Bars[1].Width; d.Bars[3].Width != full {
		t.Errorf("the longest bars of two rows are %v and %v long, want the same", full, d.Bars[3].Width)
	}
	if got := d.Bars[0].Width / d.Bars[1].Width; got < 0.024 || got > 0.026 {
		t.Errorf("500 is drawn as %v of 20,000", got)
	}
	if d.Bars[0].Class != "ours" || d.Bars[1].Class != "theirs" {
		t.Errorf("the bars' classes are %q and %q", d.Bars[0].Class, d.Bars[1].Class)
	}
}

func TestEverythingIsInsideOfTheDrawing(t *testing.T) {
	d := draw(t, chart.Chart{Title: "t", Rows: []chart.Row{
		{Label: "a", Bars: []chart.Bar{{Name: "client-go, stripped", Value: 1, Text: "1,234,567 things"}, {Name: "nothing", Value: 0, Text: "0"}}},
	}})
	for _, bar := range d.Bars {
		if bar.X+bar.Width > float64(d.Width) || bar.Y > float64(d.Height) || bar.Width <= 0 {
			t.Errorf("a bar at %v, %v, %v wide, in a drawing of %v × %v", bar.X, bar.Y, bar.Width, d.Width, d.Height)
		}
	}
	for _, text := range d.Texts {
		// Seven pixels a letter is more than this font takes.
		if text.Class == "value" && text.X+7*float64(len(text.S)) > float64(d.Width) {
			t.Errorf("%q ends beyond the drawing", text.S)
		}
		if text.Class == "name" && text.X-7*float64(len(text.S)) < 0 {
			t.Errorf("%q begins before the drawing", text.S)
		}
	}
}

func TestTextMayHoldAnything(t *testing.T) {
	const odd = `a < b & "c" > 'd' </svg> µ`
	d := draw(t, chart.Chart{Title: odd, Rows: []chart.Row{{Label: odd, Bars: []chart.Bar{{Name: odd, Value: 1, Text: odd}}}}})
	n := 0
	for _, text := range d.Texts {
		if text.S == odd {
			n++
		}
	}
	if n != 4 {
		t.Errorf("%s appears %d times, want 4", strconv.Quote(odd), n)
	}
}

func TestTheColoursFollowTheReadersScheme(t *testing.T) {
	d := draw(t, chart.Chart{Title: "t"})
	if !strings.Contains(d.Style, "prefers-color-scheme: dark") {
		t.Errorf("the style is %q", d.Style)
	}
}
