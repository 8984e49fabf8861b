package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// patience bounds what a test waits for: minutes of a machine that is busy with something else.
const patience = 2 * time.Minute

// chromium starts a browser without a window, and ends it with the test.
func chromium(t *testing.T) context.Context {
	t.Helper()
	var path string
	for _, name := range []string{os.Getenv("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Fatal("find a browser: there is no chromium in the PATH, and no $CHROMIUM; Debian's package is chromium: apt-get install chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // as root there is no other way
	}
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	browser, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(browser); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	t.Cleanup(func() {
		if err := chromedp.Cancel(browser); err != nil { // which waits for the end of its processes
			t.Errorf("end %s: %v", path, err)
		}
	})
	return browser
}

// tab is a page of a browser.
type tab struct {
	t   *testing.T
	ctx context.Context
}

// open opens a page. Scripts run in it before its own.
func open(t *testing.T, browser context.Context, url string, scripts ...string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	p := &tab{t, ctx}
	// The first Do makes the tab, which ends with the context that it was given.
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	messages, ended := chromedp.Console(ctx), make(chan struct{})
	go func() {
		defer close(ended)
		for m, err := range messages {
			if err == nil && (m.Type == chromedp.ConsoleException || strings.Contains(m.Text, "Content Security Policy")) {
				t.Errorf("the page has a fault: %s", m.Text)
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-ended })
	for _, script := range scripts {
		command(p, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
	}
	p.do(chromedp.Navigate(url))
	return p
}

// do does something in the tab.
func (p *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		p.t.Fatal(err)
	}
}

// result does something in a tab and returns its result.
func result[T any](p *tab, action chromedp.Action[T]) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	out, err := chromedp.Run(ctx, action)
	if err != nil {
		p.t.Fatal(err)
	}
	return out
}

// command sends a command of the protocol to a tab.
func command[P, R any](p *tab, c cdp.Command[P, R], params P) {
	p.t.Helper()
	result(p, func(ctx context.Context, t *chromedp.Target) (R, error) { return cdp.Call(ctx, t, c, params) })
}

// eval evaluates an expression of JavaScript.
func eval[T any](p *tab, expression string, arguments ...any) T {
	p.t.Helper()
	return result(p, chromedp.Evaluate[T](call(p.t, expression, arguments)))
}

// call returns an expression, or the call of a function with arguments.
func call(t *testing.T, expression string, arguments []any) string {
	t.Helper()
	if len(arguments) == 0 {
		return expression
	}
	all := make([]string, len(arguments))
	for i, a := range arguments {
		data, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		all[i] = string(data)
	}
	return fmt.Sprintf("(%s)(%s)", expression, strings.Join(all, ", "))
}

// until waits for an expression of JavaScript to be true.
func (p *tab) until(what, expression string, arguments ...any) {
	p.t.Helper()
	p.when(what, "("+call(p.t, expression, arguments)+") ? 'yes' : ''")
}

// when waits for an expression of JavaScript to be a text, and returns it without its line breaks.
func (p *tab) when(what, expression string, arguments ...any) string {
	p.t.Helper()
	expression = call(p.t, expression, arguments)
	deadline := time.Now().Add(patience)
	for tick := time.NewTicker(20 * time.Millisecond); ; <-tick.C {
		if text := eval[string](p, expression); text != "" {
			return strings.Join(strings.Fields(text), " ")
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("it is not so that %s: the page has\n%s", what, eval[string](p, "document.body.innerText"))
		}
	}
}

// text returns what a reader sees of an element; "" if there is none.
func (p *tab) text(selector string) string {
	p.t.Helper()
	return eval[string](p, `s => { const e = document.querySelector(s); return e ? e.innerText.replace(/\s+/g, ' ').trim() : ''; }`, selector)
}

// has reports an error if an element's text lacks a part.
func (p *tab) has(selector string, parts ...string) {
	p.t.Helper()
	contains(p.t, selector, p.text(selector), parts...)
}

// contains reports an error if a text lacks a part.
func contains(t *testing.T, what, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s is %q, without %q", what, text, part)
		}
	}
}

// phone is the width of a small phone in CSS pixels, desktop that of a window, and narrow that of the
// smallest window with tables.
const (
	phone   = 390
	narrow  = 961
	desktop = 1280
)

// view sets the width of the window, and whether the reader likes it dark.
func (p *tab) view(width int64, dark bool) {
	p.t.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	command(p, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 844, DeviceScaleFactor: 1, Mobile: width == phone})
	command(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
}
