package cli

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// progressAfter is how long a command runs until it shows how far it is.
const progressAfter = 2 * time.Second

// Progress shows on standard error, if that is a terminal, how far a long command is. Its methods are
// safe for concurrent use.
type Progress struct {
	w     io.Writer // nil if nothing is shown
	what  string
	now   func() time.Time
	began time.Time

	mu    sync.Mutex
	last  time.Time
	shown bool
	done  bool // the output itself shows it
}

// Progress returns the progress of a command that counts things, such as "objects".
func (f *Factory) Progress(what string) *Progress {
	p := &Progress{what: what, now: time.Now}
	if IsTerminal(f.Err) && f.Verbosity < 6 {
		p.w = f.Err
	}
	p.began = p.now()
	return p
}

// Count shows that there are n things so far.
func (p *Progress) Count(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if p.w == nil || p.done || now.Sub(p.began) < progressAfter || now.Sub(p.last) < progressAfter/10 {
		return
	}
	p.last, p.shown = now, true
	fmt.Fprintf(p.w, "\r%d %s so far \x1b[K", n, p.what)
}

// Close removes what is shown. Count may be called again.
func (p *Progress) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}

// Writer returns w for the command's output. What is shown is removed before anything is written, and
// if w is a terminal, too, nothing is shown from then on.
func (p *Progress) Writer(w io.Writer) io.Writer { return &clearing{p, w} }

type clearing struct {
	progress *Progress
	w        io.Writer
}

func (c *clearing) Write(data []byte) (int, error) {
	c.progress.Close()
	if IsTerminal(c.w) {
		c.progress.mu.Lock()
		c.progress.done = true
		c.progress.mu.Unlock()
	}
	return c.w.Write(data)
}
