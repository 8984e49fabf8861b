package main

import (
	"fmt"
	"io"
	"time"
)

// printer tells the story: headings, and lines with the time since the start.
type printer struct {
	w     io.Writer
	begin time.Time
}

func newPrinter(w io.Writer) *printer { return &printer{w: w, begin: time.Now()} }

// step begins a step of the story.
func (p *printer) step(number int, title string) {
	fmt.Fprintf(p.w, "\n%d. %s\n", number, title)
}

// say tells what just happened.
func (p *printer) say(format string, args ...any) {
	fmt.Fprintf(p.w, "%8.3fs  %s\n", time.Since(p.begin).Seconds(), fmt.Sprintf(format, args...))
}

// plain prints lines as they are.
func (p *printer) plain(format string, args ...any) { fmt.Fprintf(p.w, format+"\n", args...) }
