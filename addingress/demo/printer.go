package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	// columns is the maximum length of a line. A longer word, such as a path, is not broken.
	columns = 80
	// patience is the longest silence during a wait.
	patience = time.Second
)

// printer prints headings, and lines with the time since the start. It is safe for concurrent use.
type printer struct {
	begin time.Time

	mu   sync.Mutex
	w    io.Writer // guarded by mu
	last time.Time // guarded by mu: of the last line
}

func newPrinter(w io.Writer) *printer {
	now := time.Now()
	return &printer{w: w, begin: now, last: now}
}

// step prints the heading of a step.
func (p *printer) step(number int, title string) { p.plain("\n%d. %s", number, title) }

// say prints text with the time since the start. Its further lines are indented.
func (p *printer) say(format string, args ...any) {
	stamp := fmt.Sprintf("%8.3fs  ", time.Since(p.begin).Seconds())
	text := fmt.Sprintf(format, args...)
	indent := strings.Repeat(" ", utf8.RuneCountInString(stamp))
	p.write(stamp + strings.Join(wrap(text, columns-len(indent)), "\n"+indent))
}

// plain prints lines as they are.
func (p *printer) plain(format string, args ...any) { p.write(fmt.Sprintf(format, args...)) }

func (p *printer) write(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = time.Now()
	fmt.Fprintln(p.w, text)
}

// waiting prints what whenever nothing was printed for patience, until done is called.
func (p *printer) waiting(what string) (done func()) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-time.After(p.silentUntil()):
			case <-stop:
				return
			}
			if p.silentUntil() <= 0 {
				p.say("… %s", what)
			}
		}
	}()
	return func() {
		close(stop)
		<-stopped
	}
}

// silentUntil returns the time until the next line is due.
func (p *printer) silentUntil() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return patience - time.Since(p.last)
}

// wrap breaks text into lines of at most width characters, between words.
func wrap(text string, width int) []string {
	var lines []string
	line, length := "", 0
	for word := range strings.FieldsSeq(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case line == "":
			line, length = word, n
		case length+1+n <= width:
			line, length = line+" "+word, length+1+n
		default:
			lines = append(lines, line)
			line, length = word, n
		}
	}
	return append(lines, line)
}
